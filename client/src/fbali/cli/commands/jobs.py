"""`fbali jobs`: operators see and settle background work."""

import click

from fbali.cli import names
from fbali.cli.command import Noun
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options

STATES = ["pending", "running", "done", "quarantined", "discarded"]


@click.group(cls=Noun)
def jobs() -> None:
    """For operators: see and settle background work."""


@jobs.command("list", example="fbali jobs list --state quarantined")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--kind", default="", help="Only jobs of this kind, such as sync_store.")
@paging_options
@click.pass_obj
def list_jobs(invocation: Invocation, *, state: str | None, kind: str, paging: Paging) -> None:
    """List jobs, newest first."""
    from fbali.cli.views.operator_views import job_list
    from fbali.v1.admin_service_pb2 import ListJobsRequest
    from fbali.v1.job_pb2 import JobState

    wanted = JobState.Value(f"JOB_STATE_{(state or 'unspecified').upper()}")
    request = ListJobsRequest(state=wanted, kind=kind)
    answer_list(
        invocation,
        invocation.client.admin.ListJobs,
        request,
        paging,
        lambda found: job_list(found.jobs),
    )


@jobs.command("retry", example="fbali jobs retry j0job")
@click.argument("job", type=names.JOB)
@click.pass_obj
def retry(invocation: Invocation, *, job: str) -> None:
    """Make a quarantined or waiting job due now, with its failures forgotten."""
    from fbali.cli.views.operator_views import job_list
    from fbali.v1.admin_service_pb2 import RetryJobRequest

    found = invocation.client.admin.RetryJob(RetryJobRequest(name=job))
    invocation.answer(found, lambda: job_list([found.job]))


@jobs.command("discard", example="fbali jobs discard j0job --yes")
@click.argument("job", type=names.JOB)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def discard(invocation: Invocation, *, job: str, yes: bool) -> None:
    """Give up a quarantined or waiting job for ever."""
    from fbali.cli.views.operator_views import job_list
    from fbali.v1.admin_service_pb2 import DiscardJobRequest

    invocation.confirm(f"Discard {job}? Its work is never done.", yes=yes)
    found = invocation.client.admin.DiscardJob(DiscardJobRequest(name=job))
    invocation.answer(found, lambda: job_list([found.job]))

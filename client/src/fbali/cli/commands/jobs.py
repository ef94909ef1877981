"""`fbali jobs`: operators see and settle background work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Noun, options_as
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.job_pb2 import Job

STATES = ["pending", "running", "done", "quarantined", "discarded"]
SETTLED_STATES = ["quarantined", "pending"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs are to be settled: those named, or all in a state and of a kind."""

    names: tuple[str, ...]
    all_jobs: bool
    state: str | None
    kind: str
    yes: bool


choice_options = options_as(
    Choice,
    "choice",
    click.argument("names", metavar="[JOB]...", nargs=-1, type=names.JOB),
    click.option("--all", "all_jobs", is_flag=True, help="All jobs; quarantined ones unless said."),
    click.option("--state", type=click.Choice(SETTLED_STATES), help="With --all: in this state."),
    click.option("--kind", default="", help="With --all: of this kind, such as sync_store."),
    click.option("--yes", is_flag=True, help="Do not ask."),
)


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


@jobs.command("show", example="fbali jobs show j0job")
@click.argument("job", type=names.JOB)
@click.pass_obj
def show(invocation: Invocation, *, job: str) -> None:
    """Show a job: why it is where it is, and what discarding it would mean."""
    from fbali.cli.views.operator_views import job_document
    from fbali.v1.admin_service_pb2 import GetJobRequest

    found = invocation.client.admin.GetJob(GetJobRequest(name=job))
    invocation.answer(found, lambda: job_document(found.job))


@jobs.command("retry", example="fbali jobs retry j0job")
@choice_options
@click.pass_obj
def retry(invocation: Invocation, *, choice: Choice) -> int:
    """Make quarantined or waiting jobs due now, with their failures forgotten.

    Name jobs, or choose all of a kind or in a state: fbali jobs retry --all --kind sync_store
    """
    from fbali.cli.job_batches import chosen_jobs, settle_jobs
    from fbali.v1.admin_service_pb2 import RetryJobRequest

    require_somebody(invocation, choice, "Retry")
    found = chosen_jobs(invocation, choice)
    if choice.all_jobs and found:
        invocation.confirm(f"Retry {len(found)} jobs?", yes=choice.yes)
    admin = invocation.client.admin
    return settle_jobs(
        invocation, found, lambda name: admin.RetryJob(RetryJobRequest(name=name)).job
    )


@jobs.command("discard", example="fbali jobs discard j0job --yes")
@choice_options
@click.pass_obj
def discard(invocation: Invocation, *, choice: Choice) -> int:
    """Give up quarantined or waiting jobs for ever; says what that means before it asks.

    Name jobs, or choose all of a kind or in a state: fbali jobs discard --all --kind prune
    """
    from fbali.cli.job_batches import chosen_jobs, effects_of, settle_jobs
    from fbali.v1.admin_service_pb2 import DiscardJobRequest

    require_somebody(invocation, choice, "Discard")
    found = chosen_jobs(invocation, choice)
    for line in effects_of(found):
        invocation.say(line)
    if found:
        invocation.confirm(f"Discard {_named(found)}?", yes=choice.yes)
    admin = invocation.client.admin
    return settle_jobs(
        invocation, found, lambda name: admin.DiscardJob(DiscardJobRequest(name=name)).job
    )


def require_somebody(invocation: Invocation, choice: Choice, word: str) -> None:
    """Refuse before anything is asked for: nothing chosen, or nobody there to confirm it.

    Raises:
        click.UsageError: in either case.
    """
    if bool(choice.names) == choice.all_jobs:
        raise click.UsageError("name jobs, or choose them with --all")
    if (choice.state or choice.kind) and not choice.all_jobs:
        raise click.UsageError("--state and --kind choose among --all")
    needs_word = choice.all_jobs or word == "Discard"
    if needs_word and not invocation.is_interactive:
        invocation.confirm(f"{word} jobs?", yes=choice.yes)


def _named(found: "Sequence[Job]") -> str:
    return found[0].name if len(found) == 1 else f"{len(found)} jobs"

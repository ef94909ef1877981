"""Settles many jobs, each by itself: one that is refused does not stop the others."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.cli.views.operator_views import job_list
from fbali.errors import DeadlineExceeded, FbaliError, ServerError, Unavailable
from fbali.pages import each_item
from fbali.v1.admin_service_pb2 import GetJobRequest, ListJobsRequest, ListJobsResponse
from fbali.v1.job_pb2 import Job, JobState

if TYPE_CHECKING:
    from fbali.cli.commands.jobs import Choice

JOBS_MAX: Final = 10_000  # Of one command.


def chosen_jobs(invocation: Invocation, choice: "Choice") -> list[Job]:
    """Read the jobs that are to be settled.

    Raises:
        click.UsageError: they are more than JOBS_MAX.
    """
    admin = invocation.client.admin
    if choice.names:
        wanted = dict.fromkeys(choice.names)
        return [admin.GetJob(GetJobRequest(name=name)).job for name in wanted]
    state = JobState.Value(f"JOB_STATE_{(choice.state or 'quarantined').upper()}")
    request = ListJobsRequest(state=state, kind=choice.kind, page_size=500)
    found = list(islice(each_item(admin.ListJobs, request), JOBS_MAX + 1))
    if len(found) > JOBS_MAX:
        raise click.UsageError(f"these are more than {JOBS_MAX} jobs: choose a --kind")
    return found


def effects_of(jobs: Sequence[Job]) -> Iterator[str]:
    """Say for each kind how many are discarded, and what that means."""
    kinds: dict[tuple[str, str], int] = {}
    for job in jobs:
        key = job.kind, job.discard_effect
        kinds[key] = kinds.get(key, 0) + 1
    for (kind, effect), count in kinds.items():
        yield f"{count} {kind}: {effect}"


def settle_jobs(
    invocation: Invocation, jobs: Sequence[Job], settle: Callable[[str], Job]
) -> ExitCode:
    """Settle one after the other and answer with them as they are then; say what was refused.

    A server that does not answer ends it: what is settled stays so, and the rest is as it was.
    """
    settled: list[Job] = []
    refused: list[FbaliError] = []
    for job in jobs:
        try:
            settled.append(settle(job.name))
        except FbaliError as error:
            if len(jobs) == 1:
                raise
            refused.append(error)
            invocation.say(f"{job.name}: {error}")
            if isinstance(error, Unavailable | DeadlineExceeded | ServerError):
                break
    invocation.answer(ListJobsResponse(jobs=settled), lambda: job_list(settled))
    if not refused:
        return ExitCode.OK
    return ExitCode.PARTLY_DONE if settled else ExitCode.ERROR

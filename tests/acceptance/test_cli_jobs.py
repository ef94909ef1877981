"""`fbali jobs`: many at once, each by itself, and nothing is given up in silence."""

import json

import grpc
import pytest

from fbali.v1.admin_service_pb2 import (
    DiscardJobResponse,
    GetJobResponse,
    ListJobsResponse,
    RetryJobResponse,
)
from fbali.v1.job_pb2 import JOB_STATE_QUARANTINED, Job
from tests.services.command_line import environment_of, run_on_terminal, run_process
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import STUCK_JOB, TOKEN
from tests.services.scripted_server import Refusal, ScriptedServer

EFFECTS = {"prune": "nothing is lost", "allocate_orders": "its orders stay Pending"}
JOBS = [
    Job(name=f"jobs/j{number}", kind=kind, state=JOB_STATE_QUARANTINED, discard_effect=effect)
    for number, (kind, effect) in enumerate([*EFFECTS.items(), *EFFECTS.items()])
]


def stuck_job(name):
    job = Job()
    job.CopyFrom(STUCK_JOB)
    job.name = name
    job.discard_effect = "this sync ends as failed"
    return job


def settled(response):
    """Answer for the job that is asked for, but refuse the second one."""

    def answer(request):
        return response(job=Job(name=request.name))

    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "it runs", "ILLEGAL_TRANSITION")
    return [answer, refusal, answer, answer]


@pytest.fixture
def server():
    answers = {
        **sample_answers(),
        "GetJob": lambda request: GetJobResponse(job=stuck_job(request.name)),
        "ListJobs": ListJobsResponse(jobs=JOBS),
        "RetryJob": settled(RetryJobResponse),
        "DiscardJob": settled(DiscardJobResponse),
    }
    with ScriptedServer(answers, TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)


def names(server, method):
    return [request.name for request in server.requests(method)]


@pytest.mark.parametrize("method", ["RetryJob", "DiscardJob"])
def test_one_that_is_refused_does_not_stop_the_others(server, environment, method):
    verb = method.removesuffix("Job").lower()

    done = run_process(["jobs", verb, "--all", "--yes", "-o", "json"], environment)

    assert done.exit_code == 7
    assert names(server, method) == [job.name for job in JOBS]
    assert [job["name"] for job in json.loads(done.stdout)["jobs"]] == [
        "jobs/j0",
        "jobs/j2",
        "jobs/j3",
    ]


def test_refusals_are_told_with_their_job(server, environment):
    done = run_process(["jobs", "retry", "j0", "j1"], environment)

    assert done.exit_code == 7
    assert "jobs/j1: it runs" in done.stderr


def test_all_means_quarantined_ones_unless_another_state_is_said(server, environment):
    run_process(["jobs", "retry", "--all", "--yes", "--kind", "prune"], environment)
    run_process(["jobs", "retry", "--all", "--yes", "--state", "pending"], environment)

    asked = server.requests("ListJobs")
    assert [(request.state, request.kind) for request in asked] == [(4, "prune"), (1, "")]


def test_person_is_told_what_discarding_means_before_the_question(server, environment):
    done = run_on_terminal(["jobs", "discard", "--all"], environment, typed=["n"])

    assert done.exit_code == 1
    assert server.requests("DiscardJob") == []
    question = done.stdout.index("Discard 4 jobs?")
    for kind, effect in EFFECTS.items():
        assert done.stdout.index(f"2 {kind}: {effect}") < question


def test_script_is_told_what_discarding_means_too(server, environment):
    done = run_process(["jobs", "discard", "j0", "--yes"], environment)

    assert (done.exit_code, names(server, "DiscardJob")) == (0, ["jobs/j0"])
    assert "1 sync_store: this sync ends as failed" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["discard"],
        ["retry"],
        ["retry", "j1", "--all", "--yes"],
        ["discard", "j1", "--kind", "prune", "--yes"],
        ["discard", "j1"],
        ["retry", "--all"],
    ],
)
def test_unclear_or_unconfirmed_choice_asks_the_server_nothing(server, environment, words):
    done = run_process(["jobs", *words], environment)

    assert (done.exit_code, server.calls) == (2, [])


def test_job_is_shown_with_why_and_what_discarding_means(server, environment):
    done = run_process(["jobs", "show", "j1"], environment)

    assert done.exit_code == 0
    assert "the store answers with a page of HTML" in done.stdout
    assert "this sync ends as failed" in done.stdout

"""A sync is followed to its end, and what it waits for is said in words."""

import grpc
import pytest

from fbali.cli.document import Note, Table
from fbali.cli.main import run
from fbali.cli.sync_following import OUTAGE_SECONDS_MAX, Patience, follow, is_unfinished
from fbali.cli.sync_progress import Lines
from fbali.cli.views.sync_views import progress_line, sync_summary
from fbali.errors import Unavailable
from fbali.v1.order_service_pb2 import GetSyncRunResponse
from fbali.v1.store_pb2 import SyncProblem
from tests.services.command_line import environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import FINISHED_RUN, NOON, at, sync_run
from tests.services.scripted_server import Refusal, ScriptedServer

QUEUED = sync_run("QUEUED")
HALF = sync_run("RUNNING", order_count=60, order_count_expected=120, product_count=7)
THROTTLED = SyncProblem(reason="GATEWAY_THROTTLED", message="the store asks to wait 30 s.")
WAITING = sync_run("WAITING", problem=THROTTLED, next_attempt_time=at(30), failure_count=1)
REFUSED = SyncProblem(reason="GATEWAY_CREDENTIALS_REFUSED", message="the key was refused.")
FAILED = sync_run("FAILED", problem=REFUSED, finish_time=at(0))


class Clock:
    """Time that passes by sleeping."""

    def __init__(self):
        self.now = 1000.0

    def sleep(self, seconds):
        self.now += seconds

    def patience(self, seconds_max=600.0):
        return Patience(seconds_max, monotonic=lambda: self.now, sleep=self.sleep)


class Seen:
    """Progress that is remembered."""

    def __init__(self):
        self.states = []
        self.remarks = []

    def update(self, store, run):
        self.states.append((store, run.state))

    def say(self, text):
        self.remarks.append(text)


@pytest.fixture
def server():
    with ScriptedServer(sample_answers()) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")


def script_runs(server, *runs):
    server.script("GetSyncRun", *(GetSyncRunResponse(sync_run=run) for run in runs))


def test_runs_are_followed_until_all_have_ended():
    answers = [HALF, WAITING, HALF, FINISHED_RUN]
    seen = Seen()

    ended = follow({"Mugs": QUEUED}, lambda _: answers.pop(0), seen, Clock().patience())

    assert ended == {"Mugs": FINISHED_RUN}
    assert [state for _, state in seen.states] == [1, 2, 3, 2, 4]


def test_patience_has_an_end():
    clock = Clock()

    found = follow({"Mugs": QUEUED}, lambda _: HALF, Seen(), clock.patience(10))

    assert is_unfinished(found)
    assert 1010 <= clock.now < 1013


def test_server_may_be_away_for_a_while():
    answers = [Unavailable("restarting"), Unavailable("restarting"), FINISHED_RUN]
    seen = Seen()

    def ask(_):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert follow({"Mugs": QUEUED}, ask, seen, Clock().patience()) == {"Mugs": FINISHED_RUN}
    assert seen.remarks == ["restarting; asking again"] * 2


def test_server_that_stays_away_ends_it():
    clock = Clock()

    def ask(_):
        raise Unavailable("gone")

    with pytest.raises(Unavailable, match="gone"):
        follow({"Mugs": QUEUED}, ask, Seen(), clock.patience(3600))
    assert OUTAGE_SECONDS_MAX < clock.now - 1000 < OUTAGE_SECONDS_MAX + 5


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (QUEUED, "waits for a worker"),
        (HALF, "read 60 of about 120 orders, 7 products"),
        (sync_run("RUNNING", order_count=3), "read 3 orders, 0 products"),
        (FINISHED_RUN, "done, read 120 orders"),
        (FAILED, "failed: the key was refused (GATEWAY_CREDENTIALS_REFUSED)"),
        (sync_run("FAILED"), "failed: the server does not say why"),
    ],
)
def test_progress_is_said_in_words(run, words):
    assert progress_line(run, NOON) == words


def test_waiting_says_why_and_until_when():
    line = progress_line(WAITING, NOON + 10)

    assert line.startswith(
        "waits: the store asks to wait 30 s (GATEWAY_THROTTLED); next try in 20 s"
    )


def test_lines_are_written_for_news_only(capsys):
    clock = Clock()
    lines = Lines(lambda: clock.now)

    for news in (QUEUED, QUEUED, HALF, HALF, WAITING, WAITING, FINISHED_RUN, FINISHED_RUN):
        lines.update("Mugs", news)
        clock.sleep(1)

    written = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].split()[0] for line in written] == [
        "waits",
        "read",
        "waits",
        "done,",
    ]


def test_summary_names_every_store_and_problem():
    blocks = list(sync_summary({"Mugs": FINISHED_RUN, "Outlet": FAILED}, {"Old": "it is off"}))

    assert isinstance(blocks[0], Table)
    assert [row[0] for row in blocks[0].rows] == ["Mugs", "Outlet"]
    assert [block.text for block in blocks if isinstance(block, Note)] == [
        "Outlet: the key was refused (GATEWAY_CREDENTIALS_REFUSED). The next sync catches up.",
        "Old: it is off",
        "Orders that could not be taken: fbali orders quarantined",
    ]


def test_all_connected_stores_are_synced(server, environment, capsys):
    script_runs(server, HALF, FINISHED_RUN)

    assert run(["sync"], environment) == 0

    captured = capsys.readouterr()
    assert len(server.requests("SyncOrders")) == 1
    assert captured.out.splitlines()[1].split("\t")[:6] == [
        "Mugs and more",
        "succeeded",
        "4",
        "11",
        "104",
        "1",
    ]
    assert "Mugs and more: read 60 of about 120 orders, 7 products" in captured.err


def test_failed_sync_fails_the_command(server, environment, capsys):
    script_runs(server, FAILED)

    assert run(["sync", "s1"], environment) == 1

    assert "failed: the key was refused" in capsys.readouterr().err


def test_without_waiting_nothing_is_followed(server, environment):
    assert run(["sync", "--no-wait"], environment) == 0

    assert server.requests("GetSyncRun") == []


def test_sync_that_goes_on_longer_is_left_to_the_server(server, environment, capsys):
    script_runs(server, HALF)

    assert run(["sync", "--wait", "1"], environment) == 6

    assert "It still goes on at the server" in capsys.readouterr().err


def test_store_that_is_refused_fails_the_command_at_the_end(server, environment, capsys):
    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "it is off", "STORE_DISCONNECTED")
    server.script("SyncOrders", refusal)

    assert run(["sync"], environment) == 1
    assert "Mugs and more: it is off" in capsys.readouterr().err
    assert run(["sync", "s1"], environment) == 5

"""The server is killed between the commit of a call and its answer, restarted, and called again.

Each change of the contract has one effect and one answer. What the processes of `fbali-server api`
serve here is the database of the tests, so that its rows can be compared.
"""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

import tests.services.crashing
from fbali.client import Client
from tests.functional.home import Home
from tests.functional.sample_requests import mutating_methods
from tests.functional.test_lost_answers import (
    KEYLESS,
    NEW,
    check_result,
    effect,
    tried_again,
)
from tests.functional.test_request_ids import new_id, shown_again
from tests.meta.rooms import ROOT
from tests.services.bare_calls import bare_code
from tests.services.fleet import Fleet, free_port
from tests.services.proxy import Proxy
from tests.services.stack import Caller, dump, wait_for

# Tried with every run of the tests; the others, which start two processes each, with
# `make test-long`.
ALWAYS_TRIED = {"PlaceOrders", "CreatePackage", "FinalizeUpload"}

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def fleet(home: Home, tmp_path: Path) -> Iterator[Fleet]:
    settings = {"PHOTOS_URL": home.stack.settings.photos_url}
    with Fleet(tmp_path, home.stack.db.url, **settings) as running:
        yield running


def arm(fleet: Fleet, once: Path) -> None:
    """Let the next process that commits a call die right then."""
    [hook_folder] = tests.services.crashing.__path__
    fleet.environment |= {
        "PYTHONPATH": f"{hook_folder}:{ROOT}:{ROOT / 'client' / 'src'}",
        "FBALI_CRASH_AT": "call.committed",
        "FBALI_CRASH_ONCE": str(once),
    }


def caller_at(port: int, caller: Caller) -> Caller:
    """Be the same caller, at another server."""
    client = Client(f"127.0.0.1:{port}", token=caller.secret)
    return Caller(caller.role, caller.id, client, caller.secret)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=[] if name in ALWAYS_TRIED else [pytest.mark.long])
        for name in mutating_methods()
    ],
)
def test_call_that_a_dead_server_committed_is_answered_by_its_successor(
    home: Home, fleet: Fleet, tmp_path: Path, method: str
):
    request = home.sample(method, request_id=new_id())
    port, once, before = free_port(), tmp_path / "died", dump(home.stack.db)
    arm(fleet, once)
    first = fleet.start_api(port)

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        code = bare_code(channel, request, home.caller_of(method).secret)

    assert (code, first.end(), once.exists()) == ("UNAVAILABLE", -signal.SIGKILL, True)
    done = dump(home.stack.db)
    assert done != before
    fleet.start_api(port)
    caller = caller_at(port, home.caller_of(method))
    with caller.client:
        answers = [shown_again(caller.call(request)) for _ in range(2)]
    assert answers[0] == answers[1] == shown_again(home.caller_of(method).call(request))
    assert dump(home.stack.db) == done


@pytest.mark.parametrize("method", [pytest.param(name, marks=pytest.mark.long) for name in KEYLESS])
def test_what_is_known_by_its_content_is_known_to_the_successor_too(
    home: Home, fleet: Fleet, method: str
):
    request, port = NEW[method](home), free_port()
    before = effect(home)
    first = fleet.start_api(port)
    with (
        Proxy(("127.0.0.1", port)) as proxy,
        grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
        ThreadPoolExecutor(1) as thread,
    ):
        grpc.channel_ready_future(channel).result(10)
        proxy.change(loses_answers=True)
        call = thread.submit(bare_code, channel, request, home.merchant.secret)
        wait_for(lambda: effect(home) != before)
        first.kill()
        proxy.reset_all()
        assert call.result() == "UNAVAILABLE"
    done = effect(home)

    fleet.start_api(port)

    caller = caller_at(port, home.merchant)
    with caller.client:
        answer = wait_for(lambda: tried_again(caller, request))
    assert effect(home) == done
    check_result(home, method, request, answer)

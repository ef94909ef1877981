"""How each example program begins, and how it ends when something is wrong with it."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from oms.storage.database import Database
from server.app import ApiThread
from tests.examples.conftest import Run
from tests.examples.programs import Program
from tests.services.stack import Caller, Stack, wait_for

WAIT_SECONDS_MAX = 60.0
each_language = pytest.mark.parametrize("language", ["go", "java", "typescript"])
pytestmark = pytest.mark.timeout(600)  # Building may be a part of it.


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("manners")
    database = Database(f"sqlite:///{folder / 'fbali.db'}")
    database.migrate()
    with Stack(database, folder) as running:
        yield running


@pytest.fixture
def target(stack: Stack) -> str:
    return f"127.0.0.1:{stack.api.port}"


def caller(stack: Stack, language: str) -> Caller:
    return stack.merchant if language == "typescript" else stack.vendor_a


def wait_for_lines(program: Program, found: Callable[[], object]) -> None:
    def look() -> object:
        program.check()
        return found()

    wait_for(look, seconds=WAIT_SECONDS_MAX)


@each_language
def test_without_a_token_it_says_what_to_set(language: str, target: str, run: Run):
    program = run(language, "agent", SERVER=target)

    assert program.end() == 2
    assert "FBALI_TOKEN" in program.log()
    assert program.lines() == []


@each_language
def test_refused_token_ends_it_for_a_person_to_look(language: str, target: str, run: Run):
    program = run(language, "agent", SERVER=target, TOKEN="fba_revoked")

    assert program.end() == 1
    assert program.lines()[-1] == {"did": "gave_up", "reason": "TOKEN_INVALID"}
    assert "fba_revoked" not in program.log()


@each_language
def test_token_of_the_wrong_role_ends_it(language: str, target: str, stack: Stack, run: Run):
    wrong = stack.vendor_a if language == "typescript" else stack.merchant

    program = run(language, "agent", SERVER=target, TOKEN=wrong.secret)

    assert program.end() == 1
    assert program.lines()[-1] == {"did": "gave_up", "reason": "ROLE_NOT_ALLOWED"}


@each_language
def test_it_can_be_stopped_while_the_server_is_away(language: str, run: Run):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # Bound and not listening: connections are refused.
        program = run(
            language, "agent", SERVER=f"127.0.0.1:{unused.getsockname()[1]}", TOKEN="fba_any"
        )
        wait_for_lines(program, lambda: len(program.done("reconnecting")) > 1)

        assert program.stop() == 0
    assert program.lines()[-1] == {"did": "stopped"}


@each_language
def test_useless_resume_token_makes_it_start_over(
    language: str, target: str, stack: Stack, tmp_path: Path, run: Run
):
    kept = tmp_path / "kept"
    kept.write_text("of another server\n")

    program = run(
        language,
        "agent",
        SERVER=target,
        TOKEN=caller(stack, language).secret,
        STATE_FILE=str(kept),
        CASE_SECONDS="1",
    )
    wait_for_lines(program, lambda: kept.read_text().strip() not in {"", "of another server"})

    assert program.stop() == 0
    assert program.lines()[-1] == {"did": "stopped"}
    begun = [line for line in program.lines() if line["did"] in {"watching", "started_over"}]
    assert begun[-2:] == [
        {"did": "started_over", "reason": "RESUME_TOKEN_INVALID"},
        {"did": "watching", "resumed": False},
    ]


@each_language
def test_token_travels_only_to_a_server_of_the_authority(
    language: str, stack: Stack, tmp_path: Path, run: Run
):
    authority, foreign = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    foreign.cert_pem.write_to_path(tmp_path / "foreign.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    settings = replace(
        stack.settings,
        tls_certificate_file=str(tmp_path / "certificate.pem"),
        tls_key_file=str(tmp_path / "key.pem"),
    )
    api = ApiThread(stack.oms, settings)
    common = {
        "SERVER": f"127.0.0.1:{api.port}",
        "TOKEN": caller(stack, language).secret,
        "CASE_SECONDS": "1",
    }

    trusting = run(language, "trusting", CA_FILE=str(tmp_path / "ca.pem"), **common)
    doubting = run(language, "doubting", CA_FILE=str(tmp_path / "foreign.pem"), **common)
    wait_for_lines(trusting, (trusting.folder / "resume-token").exists)
    wait_for_lines(doubting, lambda: doubting.done("reconnecting"))

    assert [trusting.stop(), doubting.stop()] == [0, 0]
    assert not (doubting.folder / "resume-token").exists()
    api.stop()

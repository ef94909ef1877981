"""The shell completes commands, options and ids, and stays silent when the server does not help."""

import shutil
import subprocess
import time
from pathlib import Path

import click
import grpc
import pytest
from click.shell_completion import ShellComplete

import fbali
from fbali.cli.invocation import Invocation
from fbali.cli.main import root, run
from fbali.cli.names import last_part
from fbali.cli.suggestions import DEADLINE_SECONDS
from fbali.v1.hosting_service_pb2 import ListStoresResponse
from tests.services.command_line import environment_of, run_process
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import MUG, ORDER, SHENZHEN, STORE, mug_allocation
from tests.services.scripted_server import Refusal, ScriptedServer

SHELLS = ["bash", "zsh", "fish"]


@pytest.fixture
def server():
    with ScriptedServer(sample_answers()) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")


def completions(environment, words, incomplete=""):
    complete = ShellComplete(root, {"obj": Invocation(environment)}, "fbali", "_FBALI_COMPLETE")
    return {one.value: one.help for one in complete.get_completions(words.split(), incomplete)}


@pytest.mark.parametrize("shell", SHELLS)
def test_script_is_one_of_the_shell(shell, capsys, tmp_path):
    assert run(["completion", shell], {}) == 0

    script = capsys.readouterr().out
    assert f"_FBALI_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([program, "-n", str(tmp_path / "script")], check=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("orders show", last_part(ORDER)),
        ("orders watch", last_part(ORDER)),
        ("allocations ship", last_part(mug_allocation().name)),
        ("stores show", last_part(STORE)),
        ("vendors suspend", last_part(SHENZHEN)),
        ("hosting create u0product", last_part(SHENZHEN)),
        ("products show", last_part(MUG)),
        ("orders list --store", last_part(STORE)),
    ],
)
def test_ids_are_suggested(environment, words, expected):
    assert expected in completions(environment, words)


def test_suggestions_begin_as_typed_and_say_what_they_are(environment):
    identity = last_part(ORDER)

    found = completions(environment, "orders show", identity)

    assert found == {identity: "1042 Zoë Quinn-Featherstonehaugh"}
    assert completions(environment, "orders show", "zzz") == {}


def test_words_of_strangers_stay_on_one_line(environment):
    labels = completions(environment, "orders show").values()

    assert not any(set("\n\x1b\x07") & set(label or "") for label in labels)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(grpc.StatusCode.UNAUTHENTICATED),
        Refusal(grpc.StatusCode.PERMISSION_DENIED),
        Refusal(grpc.StatusCode.UNAVAILABLE, retry_after_seconds=60),
    ],
    ids=lambda refusal: refusal.code.name,
)
def test_refusal_is_silent(server, environment, refusal, capsys):
    server.script("ListStores", refusal)

    assert completions(environment, "stores show") == {}

    assert capsys.readouterr() == ("", "")


def test_nobody_logged_in_is_silent(tmp_path, capsys):
    assert completions(environment_of(tmp_path), "stores show") == {}

    assert capsys.readouterr() == ("", "")


def test_slow_server_is_not_waited_for(server, environment):
    def slow(request):
        time.sleep(3 * DEADLINE_SECONDS)
        return ListStoresResponse()

    server.script("ListStores", slow)
    begin = time.monotonic()

    assert completions(environment, "stores show") == {}

    assert time.monotonic() - begin < 3 * DEADLINE_SECONDS


def test_commands_and_options_are_completed(environment):
    assert isinstance(root, click.Group)
    assert "watch" in completions(environment, "orders", "w")
    assert "--until" in completions(environment, "orders watch", "--un")
    assert completions(environment, "orders list -o", "js").keys() == {"json", "jsonl"}


def test_program_answers_the_shell(environment):
    variables = {
        "_FBALI_COMPLETE": "bash_complete",
        "COMP_WORDS": "fbali stores show ",
        "COMP_CWORD": "3",
        "PYTHONPATH": str(Path(fbali.__file__).parents[1]),
    }

    done = [run_process([], environment | variables) for _ in range(3)]  # A busy machine is slow.

    assert {(one.exit_code, one.stderr) for one in done} == {(0, "")}
    assert any(f"plain,{last_part(STORE)}" in one.stdout.splitlines() for one in done)

"""Every command is where the registry says, has a help text and an example that can be run."""

import json
import shlex
import subprocess
import sys

import click
import pytest

from fbali.cli.command import load_command
from fbali.cli.main import REGISTRY, root, run
from tests.services.command_line import all_verbs, environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import TOKEN
from tests.services.scripted_server import ScriptedServer

HEAVY = {"grpc", "google.protobuf", "rich", "asyncio", "tomllib", "fbali.v1", "fbali.client"}
VERBS = all_verbs()
NEEDS_A_SHELL = {"auth login"}


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # Examples read and write files.
    (tmp_path / "orders_export.csv").write_text("Name\n")
    return environment_of(
        tmp_path,
        FBALI_SERVER=server.address,
        FBALI_TOKEN=TOKEN,
        FBALI_CONSUMER_KEY="ck_1",
        FBALI_CONSUMER_SECRET="cs_1",
    )


@pytest.mark.parametrize("noun", REGISTRY)
def test_registry_knows_the_help_of_its_commands(noun):
    entry = REGISTRY[noun]

    command = load_command(entry.path)

    assert command.name == noun
    assert command.get_short_help_str(limit=200) == entry.help


@pytest.mark.parametrize("words", VERBS)
def test_help_has_a_sentence_and_an_example(words, capsys):
    assert run([*words.split(), "--help"], {}) == 0

    help_text = capsys.readouterr().out
    assert VERBS[words].help
    assert f"Example:\n  fbali {words}" in help_text
    assert "--profile" in help_text


@pytest.mark.parametrize("words", sorted(VERBS.keys() - NEEDS_A_SHELL))
def test_example_runs(words, environment, capsys):
    arguments = shlex.split(VERBS[words].example)[1:]

    assert run(arguments, environment) == 0

    captured = capsys.readouterr()
    assert captured.out or words == "auth logout"
    assert "error" not in captured.err


@pytest.mark.parametrize("words", sorted(VERBS.keys() - NEEDS_A_SHELL))
def test_example_answers_programs_with_one_json_document(words, environment, capsys):
    arguments = [*shlex.split(VERBS[words].example)[1:], "-o", "json"]

    assert run(arguments, environment) == 0

    captured = capsys.readouterr()
    assert isinstance(json.loads(captured.out), dict)
    assert captured.err == ""


def test_options_before_the_noun_count_too_and_those_after_the_verb_win(environment, capsys):
    assert run(["-o", "json", "help", "exit-codes"], environment) == 0
    assert capsys.readouterr().out.startswith("{")

    assert run(["-o", "json", "help", "exit-codes", "-o", "table"], environment) == 0
    assert capsys.readouterr().out.startswith("CODE")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["orders", "--help"],
        *([*words.split(), "--help"] for words in VERBS),
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments):
    program = (
        "import sys; from fbali.cli.main import run; code = run(sys.argv[1:], {});"
        f"print(code, sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )

    assert done.stderr == "0 []\n"


def test_importing_the_client_package_loads_nothing_heavy():
    program = f"import sys, fbali; print(sorted({HEAVY!r} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_every_noun_is_a_word_of_the_top_help(capsys):
    assert run(["--help"], {}) == 0

    help_text = capsys.readouterr().out
    assert isinstance(root, click.Group)
    assert [noun for noun in REGISTRY if f"  {noun} " not in help_text] == []

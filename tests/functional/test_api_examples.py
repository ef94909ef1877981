"""Every example of the reference manual runs as it is printed, against a development server."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from docs.api_examples import variables_of
from tests.functional.home import Home
from tests.functional.sample_requests import reading_methods
from tests.meta.rooms import ROOT
from tests.services.grpcurl import BUILD_SECONDS_MAX, grpcurl
from tests.services.session import MissingServiceError, skip_or_fail
from tests.services.stack import METHODS

DEADLINE_EXCEEDED = 64 + 4  # How grpcurl ends with the code of a call.
SECONDS_MAX = 60
# Changes that are run with every run of the tests; each needs a home of its own, so that the others
# are left to `make test-long`.
ALWAYS_RUN = {
    *("PlaceOrders", "ImportOrders", "CreateHosting", "CreatePackage", "CreateUpload"),
    *("WriteUploadChunk", "CreateCase"),
}
WATCHES = [name for name in reading_methods() if name.startswith("Watch")]
READS = [name for name in reading_methods() if name not in WATCHES]
CHANGES = [name for name in METHODS if name not in reading_methods()]

pytestmark = pytest.mark.timeout(BUILD_SECONDS_MAX + SECONDS_MAX)


def printed_examples() -> Mapping[str, str]:
    """Read the examples out of the manual, by the method that they are printed under."""
    found = {}
    for page in sorted((ROOT / "docs" / "api").glob("*_service.md")):
        for section in page.read_text("utf-8").split("\n## ")[1:]:
            [example] = re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)
            found[section.partition("\n")[0]] = example
    return found


EXAMPLES = printed_examples()


@pytest.fixture(scope="session")
def program() -> Path:
    """grpcurl, built if need be."""
    try:
        return grpcurl()
    except MissingServiceError as missing:
        skip_or_fail(missing)


def run(command: str, program: Path, home: Home, secret: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as somebody with a token does in a shell."""
    environment = {
        **variables_of(home.estate),
        "FBALI_SERVER": f"127.0.0.1:{home.stack.api.port}",
        "FBALI_TOKEN": secret,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
    }
    return subprocess.run(
        ["sh", "-eu", "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def answers_in(output: str) -> list[Mapping[str, object]]:
    """Read one JSON document after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(output.rstrip()):
        answer, at = decoder.raw_decode(output, at)
        found.append(answer)
        at += len(output[at:]) - len(output[at:].lstrip())
    return found


def test_every_method_has_an_example():
    assert set(EXAMPLES) == set(METHODS)


def check_example(method: str, home: Home, program: Path) -> None:
    done = run(EXAMPLES[method], program, home, home.caller_of(method).secret)

    assert (done.returncode, done.stderr) == (0, "")
    check_answers(method, done.stdout)


def check_answers(method: str, output: str) -> None:
    answers = answers_in(output)
    known = {field.json_name for field in METHODS[method][1].output_type.fields}
    assert len(answers) >= 1
    assert [set(answer) - known for answer in answers] == [set()] * len(answers)


@pytest.mark.parametrize("method", READS)
def test_example_of_a_read_runs_as_it_is_printed(shared_home: Home, program: Path, method: str):
    check_example(method, shared_home, program)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=[] if name in ALWAYS_RUN else [pytest.mark.long])
        for name in CHANGES
    ],
)
def test_example_of_a_change_runs_as_it_is_printed(home: Home, program: Path, method: str):
    check_example(method, home, program)


@pytest.mark.parametrize("method", WATCHES)
def test_example_of_a_watch_shows_what_comes_until_it_ends(
    shared_home: Home, program: Path, method: str
):
    secret = shared_home.caller_of(method).secret

    done = run(EXAMPLES[method], program, shared_home, secret)

    assert (done.returncode, "DeadlineExceeded" in done.stderr) == (DEADLINE_EXCEEDED, True)
    check_answers(method, done.stdout)


def test_refusal_shows_its_reason(shared_home: Home, program: Path):
    done = run(EXAMPLES["GetOrder"], program, shared_home, shared_home.vendor.secret)

    assert done.returncode == 64 + 7
    assert '"reason": "ROLE_NOT_ALLOWED"' in done.stderr

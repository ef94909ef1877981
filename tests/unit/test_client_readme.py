"""The examples of the client's README run as they are."""

import re
import textwrap
from typing import Any

import grpc
import pytest

from fbali import Client
from tests.meta.rooms import ROOT
from tests.services.sample_answers import sample_answers
from tests.services.scripted_server import Refusal, ScriptedServer, Stream

PYTHON = (ROOT / "client" / "README.md").read_text(encoding="utf-8").partition("## Python")[2]
BLOCKS = [
    textwrap.dedent(block) for block in re.findall(r"(?:^(?:    .*)?\n)+", PYTHON, re.MULTILINE)
]
EXPIRED = Refusal(
    grpc.StatusCode.OUT_OF_RANGE, "too old", "RESUME_TOKEN_EXPIRED", {"oldest_token": "o9"}
)


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), token="t") as server:
        yield server


def test_examples_run(server, capsys):
    names = {"target": server.address, "secret": "t"}
    for block in BLOCKS:
        exec(block, names)  # As a reader would.

    assert len([block for block in BLOCKS if block.strip()]) == 3
    assert capsys.readouterr().out.splitlines().count("1042") == 1

    saved: list[str] = []
    news: Any = sample_answers()["WatchOrders"]
    server.script("WatchOrders", Stream([news]), EXPIRED)
    with Client(server.address, token="t") as client:
        names["follow"](client, "", saved.append)

    assert saved == ["t1"]
    assert capsys.readouterr().out.splitlines()[-1].endswith(": o9")

"""The committed stubs are those of protos/, and run with the libraries that the client asks for."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.meta.rooms import ROOT

STUBS = ROOT / "client" / "src"


def test_committed_stubs_are_what_the_protos_generate():
    check = [sys.executable, str(ROOT / "protos" / "generate.py"), "--check"]

    done = subprocess.run(check, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("library", "pattern", "stubs"),
    [
        ("protobuf", r"Protobuf Python Version: ([0-9.]+)", "*_pb2.py"),
        ("grpcio", r"GRPC_GENERATED_VERSION = '([0-9.]+)'", "*_pb2_grpc.py"),
    ],
)
def test_client_asks_for_the_library_its_stubs_were_generated_for(library, pattern, stubs):
    generated_for = {
        version for path in STUBS.rglob(stubs) for version in re.findall(pattern, path.read_text())
    }

    assert generated_for == {oldest_allowed(library)}


def oldest_allowed(library: str) -> str:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8"))
    requirements: list[str] = project["project"]["dependencies"]
    [requirement] = [text for text in requirements if text.startswith(f"{library}>=")]
    return requirement.partition(">=")[2].partition(",")[0]

"""Where the hand-written Python of this repository is."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "oms",
    "server",
    "workers",
    "app",
    "client/src/fbali",
    "tests",
    "benchmarks",
    "examples",
    "protos",
)
GENERATED = (ROOT / "client" / "src" / "fbali" / "v1",)


def python_files() -> Iterator[Path]:
    """List every hand-written module."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not any(path.is_relative_to(folder) for folder in GENERATED):
                yield path

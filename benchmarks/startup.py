"""How long a program waits for the client before its first line runs."""

import subprocess
import sys
from time import perf_counter

from benchmarks.databases import Databases
from benchmarks.report import Spread, Table, ratio

HEAD = ("program", "ms", "import grpc ms", "ours / grpc")
_LEGEND = (
    "A new Python that imports the client and ends. Raw limit: one that imports grpc alone, without"
    " which no client can call. Both contain the start of Python itself."
)
_PROGRAMS = (
    "import fbali",
    "from fbali import Client",
    "from fbali.aio import Client",
    "import fbali.cli.main",
)


def measure_startup(kind: Databases, runs: int) -> Table:
    """Start each program so many times, in turn with the raw limit; no database is asked."""
    del kind
    return Table("Start a client", _LEGEND, HEAD, [_row(program, runs) for program in _PROGRAMS])


def _row(program: str, runs: int) -> list[str]:
    pairs = [(_ms(program), _ms("import grpc")) for _ in range(runs)]
    ours, raw = (Spread.of(values) for values in zip(*pairs, strict=True))
    return [f"`{program}`", str(ours), str(raw), ratio(ours, raw)]


def _ms(program: str) -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return (perf_counter() - started) * 1000

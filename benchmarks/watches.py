"""From the commit of a change to a thousand watchers of a thousand merchants and vendors."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

import grpc

from benchmarks.databases import Databases
from benchmarks.pairs import Pair, change, make_pairs
from benchmarks.processes import READY_SECONDS_MAX, free_address, program
from benchmarks.report import Table, Times
from benchmarks.scene import open_oms
from benchmarks.watchers import Plan
from oms.usecases.context import Oms

HEAD = (
    *("served by", "changes/s", "p50 ms", "p99 ms", "echo p50 ms", "echo p99 ms", "MB more"),
    *("wrong", "after kill -9: resumed", "wrong"),
)
_LEGEND = (
    "Half of the watchers are merchants, half are vendors, each with an order of its own. Another"
    " process changes orders at random; the clock runs from its commit to the arrival in the"
    " process of the watchers. Every watcher must get every event of its order, in order, each"
    " once: `wrong` counts what was lost, came twice or out of order. Raw limit: a server that"
    " holds as many streams and sends into them as often, without any database. MB more: of all API"
    " processes, against what they had before anybody watched."
)
CHANGES_PER_SECOND = 50
_GRACE_SECONDS = 3.0  # What was sent last arrives.
_BEGIN_SECONDS_MAX = 120.0  # Until all watches have their initial state.
_DOWN_SECONDS = 1.0  # Between kill -9 and the next start.


Came = Mapping[str, list[list[int]]]  # What one watcher got, as its process writes it.


@dataclass(slots=True)
class Changes:
    """What was committed: by pair the sequences, by sequence the instant of the commit in ns."""

    of_pair: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    committed: dict[int, int] = field(default_factory=dict)


def measure_watches(kind: Databases, watchers: int, seconds: float) -> Table:
    """Let so many watch, and change orders for so long; with kill -9 another time."""
    apis = 1 if kind.name == "SQLite" else 2
    url = kind.new()
    oms = open_oms(url)
    pairs = make_pairs(oms, watchers // 2)
    echo = _echo(watchers, seconds)
    changes, came, more = _undisturbed(oms, pairs, apis, seconds)
    times = Times.of(list(_delays(changes, came)))
    killed_changes, killed = _with_kill(oms, pairs, apis, seconds)
    row = [
        f"{apis} API process{'es' * (apis > 1)}, {watchers:,} watches",
        f"{len(changes.committed) / seconds:.0f}",
        *(f"{value:.1f}" for value in (times.p50, times.p99, echo.p50, echo.p99)),
        f"{more / 1e6:.0f}",
        str(_wrong(changes, came)),
        str(sum(bool(one["resumes"]) for one in killed)),
        str(_wrong(killed_changes, killed)),
    ]
    oms.db.close()
    kind.drop(url)
    return Table(f"From commit to watchers, {kind.name}", _LEGEND, HEAD, [row])


def _undisturbed(
    oms: Oms, pairs: Sequence[Pair], apis: int, seconds: float
) -> tuple[Changes, Sequence[Came], int]:
    with ExitStack() as stack:
        servers = [stack.enter_context(_api(oms, free_address())) for _ in range(apis)]
        before = sum(_memory(process) for _, process in servers)
        with _watching([address for address, _ in servers], pairs) as came:
            changes = Changes()
            _change_for(oms, pairs, changes, seconds)
            time.sleep(_GRACE_SECONDS)
            more = sum(_memory(process) for _, process in servers) - before
        return changes, came, more


def _with_kill(
    oms: Oms, pairs: Sequence[Pair], apis: int, seconds: float
) -> tuple[Changes, Sequence[Came]]:
    with ExitStack() as stack:
        servers = [stack.enter_context(_api(oms, free_address())) for _ in range(apis)]
        with _watching([address for address, _ in servers], pairs) as came:
            changes = Changes()
            _change_for(oms, pairs, changes, seconds / 2)
            address, process = servers[0]
            process.send_signal(signal.SIGKILL)
            process.wait()
            _change_for(oms, pairs, changes, _DOWN_SECONDS)
            stack.enter_context(_api(oms, address))
            _change_for(oms, pairs, changes, seconds / 2)
            time.sleep(_GRACE_SECONDS)
        return changes, came


@contextmanager
def _api(oms: Oms, address: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run an API process until it answers."""
    with (
        program("app.main", "api", listen=address, database_url=oms.db.url) as process,
        grpc.insecure_channel(address) as channel,
    ):
        grpc.channel_ready_future(channel).result(READY_SECONDS_MAX)
        yield address, process


@contextmanager
def _watching(addresses: Sequence[str], pairs: Sequence[Pair]) -> Iterator[list[Came]]:
    """Watch in a process of its own; the list is filled when that has ended."""
    secrets = [secret for pair in pairs for secret in pair.secrets]
    with _watchers(addresses, secrets, is_echo=False) as came:
        yield came


@contextmanager
def _watchers(
    addresses: Sequence[str], secrets: Sequence[str], *, is_echo: bool
) -> Iterator[list[Came]]:
    came: list[Came] = []
    with TemporaryDirectory(prefix="fbali-bench-watch-") as folder:
        result, plan_file = Path(folder) / "came.json", Path(folder) / "plan.json"
        plan = Plan(addresses, secrets, str(result), is_echo)
        plan_file.write_text(json.dumps(asdict(plan)), "utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.watchers", str(plan_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        too_late = Timer(_BEGIN_SECONDS_MAX, process.kill)
        too_late.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n", "not all watches began"
            too_late.cancel()
            yield came
            process.communicate(timeout=READY_SECONDS_MAX)
            came += json.loads(result.read_text("utf-8"))
        finally:
            too_late.cancel()
            process.kill()
            process.wait()


def _change_for(oms: Oms, pairs: Sequence[Pair], changes: Changes, seconds: float) -> None:
    """Change orders at random, at a steady rate, as far as the database keeps up."""
    until = time.monotonic() + seconds
    due = time.monotonic()
    while due < until:
        time.sleep(max(0.0, due - time.monotonic()))
        number = random.randrange(len(pairs))
        sequence, committed = change(oms, pairs[number])
        changes.of_pair[number].append(sequence)
        changes.committed[sequence] = committed
        due += 1 / CHANGES_PER_SECOND


def _echo(watchers: int, seconds: float) -> Times:
    address = free_address()
    with (
        program("benchmarks.watch_echo", listen=address),
        _watchers([address], [""] * watchers, is_echo=True) as came,
    ):
        time.sleep(seconds)
    return Times.of([(at - sent) / 1e9 for one in came for sent, at in one["events"]])


def _delays(changes: Changes, came: Sequence[Came]) -> Iterator[float]:
    for one in came:
        for sequence, at in one["events"]:
            yield (at - changes.committed[sequence]) / 1e9


def _wrong(changes: Changes, came: Sequence[Came]) -> int:
    """Count what is not as it should be; merchant and vendor of a pair are one after the other."""
    wrong = 0
    for number, one in enumerate(came):
        wanted = changes.of_pair.get(number // 2, [])
        got = [sequence for sequence, _ in one["events"]]
        if got != wanted:
            wrong += max(1, len(set(wanted) ^ set(got)), len(got) - len(set(got)))
    return wrong


def _memory(process: "subprocess.Popen[bytes]") -> int:
    """Read how many bytes of memory a process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024

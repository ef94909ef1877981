"""`make bench`: measure, print tables. Figures, not tests: nothing fails for being slow."""

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.allocate import measure_allocate
from benchmarks.apply import measure_apply
from benchmarks.calls import Effort
from benchmarks.databases import Databases, SqliteFiles, postgres_databases
from benchmarks.figures import measure_figures
from benchmarks.history import SEED_ORDERS, Past, longer_past, seed_past
from benchmarks.imports import measure_imports
from benchmarks.machine import machine_line
from benchmarks.pages import measure_pages
from benchmarks.place import measure_place
from benchmarks.processes import folder_of_run
from benchmarks.report import Table
from benchmarks.search import measure_search
from benchmarks.startup import measure_startup
from benchmarks.sync import measure_sync
from benchmarks.visible import measure_visible
from benchmarks.watches import measure_watches


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    orders: int  # In the longer past.
    effort: Effort  # Of each gRPC call.
    runs: int
    pages: int  # Of orders to allocate.
    synced: int
    placed: int  # Orders of one call.
    imported: int  # Orders of a file.
    seen: int  # New orders of a run, until the vendor sees them.
    watchers: int
    watched_seconds: int
    on_postgresql: bool


FULL = Size(
    100_000, Effort(3, 100), 5, 20, 10_000, 500, 100_000, 100, 1_000, 20, on_postgresql=True
)
QUICK = Size(10_000, Effort(1, 25), 2, 6, 1_000, 500, 5_000, 25, 100, 5, on_postgresql=False)

Bench = Callable[[Databases, Sequence[Past], Size], Table]

_BENCHES: Mapping[str, Bench] = {
    "pages": lambda kind, pasts, size: measure_pages(kind.name, pasts, size.effort),
    "figures": lambda kind, pasts, size: measure_figures(kind.name, pasts[-1:], size.runs),
    "apply": lambda kind, pasts, size: measure_apply(kind, pasts, size.runs),
    "allocate": lambda kind, pasts, size: measure_allocate(kind, pasts, size.pages, size.runs),
    "search": lambda kind, pasts, size: measure_search(kind.name, pasts[-1], size.effort),
    "place": lambda kind, _, size: measure_place(kind, size.placed, size.runs),
    "sync": lambda kind, _, size: measure_sync(kind, size.synced, min(size.runs, 3)),
    "imports": lambda kind, _, size: measure_imports(kind, size.imported, min(size.runs, 2)),
    "visible": lambda kind, _, size: measure_visible(kind, size.seen, min(size.runs, 3)),
    "watches": lambda kind, _, size: measure_watches(kind, size.watchers, size.watched_seconds),
    "startup": lambda kind, _, size: measure_startup(kind, 2 * size.runs),
}
_NEED_A_PAST = frozenset({"pages", "search", "figures", "apply", "allocate"})
_ON_ALL_PASTS = frozenset({"pages", "search", "figures"})
_POSTGRESQL_TOO = ("pages", "search", "figures", "apply", "allocate", "place", "sync", "watches")


def main() -> None:
    """Measure what was asked for; print each table as soon as it is there."""
    options = _options()
    size = QUICK if options.quick else FULL
    logging.basicConfig(level=logging.ERROR)
    started = time.monotonic()
    with folder_of_run() as folder:
        kinds = _databases(Path(folder), size)
        print(f"Measured on {machine_line(kinds)}.", flush=True)
        print("Figures are the median of the runs, in brackets the lowest and the highest run.")
        if len(kinds) == 1:
            why = "left out with --quick" if options.quick else "not installed"
            print(f"PostgreSQL: {why}.")
        for kind in kinds:
            for table in _tables(kind, options.only or list(_BENCHES), size):
                print(f"\n{table}", flush=True)
    print(f"\nTook {time.monotonic() - started:.0f} s.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, on SQLite alone")
    parser.add_argument("--only", action="append", choices=_BENCHES, help="may be repeated")
    return parser.parse_args()


def _databases(folder: Path, size: Size) -> list[Databases]:
    kinds: list[Databases] = [SqliteFiles(folder)]
    postgresql = postgres_databases() if size.on_postgresql else None
    return kinds if postgresql is None else [*kinds, postgresql]


def _tables(kind: Databases, names: Sequence[str], size: Size) -> Iterator[Table]:
    wanted = [name for name in names if kind.name == "SQLite" or name in _POSTGRESQL_TOO]
    pasts: list[Past] = []
    if _NEED_A_PAST.intersection(wanted):
        seed = seed_past(kind)
        pasts = [seed, longer_past(kind, seed, size.orders // SEED_ORDERS)]
    for name in wanted:
        # Copying a long past of PostgreSQL takes longer than measuring on it.
        copied = pasts if kind.name == "SQLite" else pasts[:1]
        yield _BENCHES[name](kind, pasts if name in _ON_ALL_PASTS else copied, size)
    for past in pasts:
        kind.drop(past.url)


if __name__ == "__main__":
    main()

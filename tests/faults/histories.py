"""Whether the rows of history of allocations and parcels make whole, legal chains of states."""

from collections.abc import Iterable, Mapping, Sequence
from json import loads
from typing import Any

from oms.domain.allocations import ALLOCATION_TABLE
from oms.domain.packages import recompute
from oms.domain.tracking import PackageState
from oms.storage import packages
from oms.storage.database import Database

_LEGAL = {(before.value, after.value) for (before, _), after in ALLOCATION_TABLE.arrows.items()}
_BATCH = 500


def wrong_histories(db: Database) -> list[str]:
    """List every allocation and parcel whose history is not complete, legal and in order."""
    with db.snapshot():
        rows = db.all(
            "SELECT subject, kind, details FROM event WHERE kind LIKE 'allocation.%'"
            " OR kind LIKE 'package.%' ORDER BY sequence"
        )
        allocations = db.all("SELECT id, state FROM allocation")
        parcels = db.all("SELECT id, state FROM package")
        recomputed = _recomputed(db, [row[0] for row in parcels])
    chains: dict[str, list[tuple[str, str]]] = {}
    announced: list[str] = []
    for subject, kind, text in rows:
        details: Mapping[str, Any] = loads(text)
        if kind == "package.announced":
            announced.append(details["package"])
            chains.setdefault(details["package"], []).append(("", details["after"]))
        elif "after" in details:
            step = (details.get("before", ""), details["after"])
            chains.setdefault(str(subject).rpartition("/")[2], []).append(step)
    wrong = [
        f"{thing} is {state}: {problem}, {chains.get(thing)}"
        for thing, state in (*allocations, *parcels)
        for problem in _problems(chains.get(thing, []), state)
    ]
    wrong += [
        f"{thing} went from {before} to {after}"
        for thing, _ in allocations
        for before, after in chains.get(thing, [])[1:]
        if (before, after) not in _LEGAL
    ]
    wrong += [
        f"parcel {thing} is {state}, and its news say {recomputed[thing]}"
        for thing, state in parcels
        if recomputed[thing] != state
    ]
    if sorted(announced) != sorted(row[0] for row in parcels):
        wrong.append(f"{len(announced)} parcels were announced, {len(parcels)} are there")
    return wrong


def _problems(chain: Sequence[tuple[str, str]], state: str) -> Iterable[str]:
    if not chain:
        yield "no history"
        return
    if chain[0][0]:
        yield "no beginning"
    if [after for _, after in chain[:-1]] != [before for before, _ in chain[1:]]:
        yield "a gap"
    if chain[-1][1] != state:
        yield "another end"


def _recomputed(db: Database, package_ids: Sequence[str]) -> dict[str, PackageState]:
    found: dict[str, PackageState] = {}
    for start in range(0, len(package_ids), _BATCH):
        news = packages.events_of(db, package_ids[start : start + _BATCH])
        found |= {package_id: recompute(events).state for package_id, events in news.items()}
    return found

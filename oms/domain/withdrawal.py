"""Which vendors give back units that an order has no need of any more.

Units that no vendor accepted go back at once; of accepted ones the vendor is asked. What a vendor
refused to give back is not asked for again. Packed units stay: giving money back moves no goods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.allocations import AllocationState


@dataclass(frozen=True, slots=True)
class LiveUnits:
    """Units of one line that a vendor has and has not packed; `refused` of them it keeps."""

    allocation_id: str
    state: AllocationState
    waiting: int
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Units per allocation id that go back at once, and that are asked for; none is 0."""

    at_once: Mapping[str, int]
    asked: Mapping[str, int]


def withdraw(excess: int, live: Sequence[LiveUnits]) -> Withdrawal:
    """Take back `excess` units of a line: from the newest of those who have not accepted first.

    Allocation ids sort by time. The result depends on the present state alone, so deciding again
    changes nothing.
    """
    newest_first = sorted(live, key=lambda units: units.allocation_id, reverse=True)
    unanswered = [units for units in newest_first if units.state == AllocationState.SUBMITTED]
    accepted = [units for units in newest_first if units.state != AllocationState.SUBMITTED]
    at_once: dict[str, int] = {}
    asked: dict[str, int] = {}
    left = max(0, excess)
    for units in unanswered:
        at_once[units.allocation_id] = min(left, units.waiting)
        left -= at_once[units.allocation_id]
    for units in accepted:
        wanted = min(left, units.waiting)
        asked[units.allocation_id] = max(0, wanted - units.refused)
        left -= wanted
    return Withdrawal(_without_none(at_once), _without_none(asked))


def _without_none(units: Mapping[str, int]) -> Mapping[str, int]:
    return {allocation_id: count for allocation_id, count in units.items() if count}

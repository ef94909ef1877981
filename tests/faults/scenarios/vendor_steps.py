"""The updates that vendors send: each by itself, and in which order a part of an order has them."""

import time
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from fbali.client import Client
from fbali.v1 import fulfillment_service_pb2 as pb
from fbali.v1.allocation_pb2 import REJECT_REASON_OUT_OF_STOCK
from fbali.v1.cost_entry_pb2 import COST_KIND_PRODUCT, COST_KIND_SHIPPING
from fbali.v1.money_pb2 import Money
from fbali.v1.package_pb2 import EXCEPTION_REASON_CUSTOMS, PackageLine
from fbali.v1.package_pb2 import PackageState as StateNumber
from oms.domain.allocations import AllocationEvent
from oms.domain.tracking import (
    VENDOR_SOURCE,
    ExceptionReason,
    Meaning,
    PackageState,
    TrackingEvent,
)
from tests.faults.scenarios.vendor_clerk import Step, Steps, Update, with_new_id
from tests.faults.scenarios.vendor_part import NOT_FOUND, STALE, Parcel, Part, Units

# When parcels set out, whatever the order of the reports: also before now where clocks are wrong.
BEGAN_AT = int(time.time()) - 3 * 3_600
HANDED_OVER_SHARE = 0.2
# When after that each thing happened, in seconds.
JOURNEY = {
    PackageState.HANDED_OVER: 0,
    PackageState.IN_TRANSIT: 60,
    PackageState.EXCEPTION: 120,
    PackageState.OUT_FOR_DELIVERY: 180,
    PackageState.DELIVERED: 240,
}
_EVENTS = {
    "Accept": AllocationEvent.ACCEPT,
    "Reject": AllocationEvent.REJECT,
    "Close": AllocationEvent.CLOSE_SHORT,
}


def _answer(word: str, client: Client, part: Part, _dice: Random) -> Update:
    request = getattr(pb, f"{word}AllocationRequest")(name=part.name)
    if "reject_reason" in request.DESCRIPTOR.fields_by_name:
        request.reject_reason = REJECT_REASON_OUT_OF_STOCK
    event = _EVENTS[word]
    return Update(
        getattr(client.fulfillment, f"{word}Allocation"),
        with_new_id(request),
        lambda: part.may_move(event),
        lambda _: part.move(event),
    )


def _cost(client: Client, part: Part, dice: Random) -> Update:
    kinds = (COST_KIND_PRODUCT, COST_KIND_SHIPPING)[: dice.randint(1, 2)]
    costs = [
        pb.RecordedCost(
            kind=kind, amount=Money(currency_code="USD", amount_minor=dice.randint(1, 9))
        )
        for kind in kinds
    ]
    return Update(
        client.fulfillment.RecordCosts,
        with_new_id(pb.RecordCostsRequest(name=part.name, costs=costs)),
        part.may_cost,
        lambda _: part.cost(len(costs)),
    )


# --- Parcels ----------------------------------------------------------------------------------


def _pack(client: Client, part: Part, dice: Random, *, is_whole: bool = True) -> Update:
    units = {} if is_whole else _some(part)
    return _packing(client, part, units, is_handed_over=dice.random() < HANDED_OVER_SHARE)


def _packing(client: Client, part: Part, units: Units, *, is_handed_over: bool = False) -> Update:
    number = _number(part, len(part.parcels))
    request = pb.CreatePackageRequest(
        parent=part.name,
        tracking_number=number,
        lines=_lines(units),
        handed_over=is_handed_over,
    )

    def take(answer: pb.CreatePackageResponse) -> None:
        _packed(part, part.pack(answer.package.name, number, units), is_handed_over=is_handed_over)

    return Update(
        client.fulfillment.CreatePackage,
        with_new_id(request),
        lambda: part.may_pack(number, units),
        take,
    )


def _packed(part: Part, parcel: Parcel, *, is_handed_over: bool) -> None:
    if is_handed_over:
        part.report(parcel, _news(PackageState.HANDED_OVER, int(time.time()), "handed over"))


def _batch(client: Client, part: Part, _dice: Random) -> Update:
    """Announce some units, the same again, and the rest."""
    first, second = (_number(part, len(part.parcels) + more) for more in range(2))
    meant = [(first, _some(part)), (first, _some(part)), (second, {})]
    request = pb.BatchCreatePackagesRequest(
        parent="vendors/-",
        packages=[
            pb.PackageToCreate(allocation=part.name, tracking_number=number, lines=_lines(units))
            for number, units in meant
        ],
    )

    def take(answer: pb.BatchCreatePackagesResponse) -> str | None:
        for (number, units), result in zip(meant, answer.results, strict=True):
            exists = part.has_live(number)
            expected = "" if exists else part.may_pack(number, units)
            if (result.existed, result.refusal_reason) != (exists, expected):
                return f"{result}, not {exists} {expected}"
            if not exists and not expected:
                part.pack(result.package.name, number, units)
        return None

    return Update(client.fulfillment.BatchCreatePackages, with_new_id(request), lambda: "", take)


def _void(client: Client, part: Part, _dice: Random) -> Update:
    parcel = part.parcels[-1] if part.parcels else None
    return Update(
        client.fulfillment.VoidPackage,
        with_new_id(pb.VoidPackageRequest(name=_parcel_name(part, parcel))),
        lambda: part.may_void(parcel),
        lambda _: None if parcel is None else part.void(parcel, int(time.time())),
    )


def _report(state: PackageState, client: Client, part: Part, _dice: Random) -> Update:
    parcel = part.parcels[-1] if part.parcels else None
    at = BEGAN_AT + JOURNEY[state]
    request = pb.ReportPackageEventRequest(
        name=_parcel_name(part, parcel),
        state=StateNumber.Value(f"PACKAGE_STATE_{state}"),
        occur_time=Timestamp(seconds=at),
    )
    if state == PackageState.EXCEPTION:
        request.exception_reason = EXCEPTION_REASON_CUSTOMS
    return Update(
        client.fulfillment.ReportPackageEvent,
        with_new_id(request),
        lambda: part.may_report(parcel),
        lambda _: None if parcel is None else part.report(parcel, _news(state, at)),
    )


# --- What nobody should send ------------------------------------------------------------------


def _too_many(client: Client, part: Part, dice: Random) -> Update:
    line = dice.choice(sorted(part.left))
    return _packing(client, part, {line: part.left[line] + 1})


def _stale(client: Client, part: Part, dice: Random) -> Update:
    """Name an etag that was never the present one since the part was last read."""
    update = _answer(dice.choice(("Accept", "Reject", "Close")), client, part, dice)
    request: Any = with_new_id(update.request)
    request.etag = str(int(part.etag) - 1)
    return Update(update.call, request, lambda: STALE, update.take)


def _foreign(others: Sequence[str], rest: Step, client: Client, part: Part, dice: Random) -> Update:
    """Reach for what another vendor has, by its own name or as if it were ours."""
    update = rest(client, part, dice)
    theirs = dice.choice(others)
    ours = f"{part.name.rpartition('/')[0]}/{theirs.rpartition('/')[2]}"
    request: Any = with_new_id(update.request)
    field = "parent" if "parent" in request.DESCRIPTOR.fields_by_name else "name"
    setattr(request, field, dice.choice((theirs, ours)))
    return Update(update.call, request, lambda: NOT_FOUND, update.take)


# --- Odds and ends ----------------------------------------------------------------------------


def _number(part: Part, count: int) -> str:
    return f"N{part.name.rpartition('/')[2]}{count:02}"


def _some(part: Part) -> Units:
    """Choose one unit of the first line that has any left."""
    return dict.fromkeys([line for line, count in part.left.items() if count][:1], 1)


def _lines(units: Units) -> list[PackageLine]:
    return [PackageLine(line=line, quantity=count) for line, count in units.items()]


def _parcel_name(part: Part, parcel: Parcel | None) -> str:
    return f"{part.name}/packages/knone" if parcel is None else parcel.name


def _news(state: PackageState, at: int, description: str = "") -> TrackingEvent:
    reason = ExceptionReason.CUSTOMS if state == PackageState.EXCEPTION else None
    return TrackingEvent(at, Meaning(state, reason), state.value, description, "", VENDOR_SOURCE)


_REPORTS = {state.value.lower(): partial(_report, state) for state in JOURNEY}
_LEGAL: dict[str, Step] = {
    "accept": partial(_answer, "Accept"),
    "reject": partial(_answer, "Reject"),
    "close": partial(_answer, "Close"),
    "cost": _cost,
    "pack": _pack,
    "pack some": partial(_pack, is_whole=False),
    "batch": _batch,
    "void": _void,
    **_REPORTS,
}
_LIVES = (
    ("accept", "cost", "pack", "handed_over", "in_transit", "delivered"),
    ("accept", "cost", "pack some", "pack", "handed_over", "in_transit", "out_for_delivery"),
    ("accept", "pack", "handed_over", "in_transit", "exception", "delivered", "cost"),
    ("accept", "pack some", "close", "cost", "handed_over"),
    ("pack", "void", "pack", "handed_over", "cost", "delivered"),
    ("accept", "batch", "cost", "void", "pack", "handed_over"),
    ("contest", "cost", "pack", "handed_over", "delivered"),
    ("reject", "cost"),
)


def steps(others: Sequence[str]) -> Steps:
    """Give everything that a vendor's clerks do; `others` are the names of foreign allocations."""
    wrong = [partial(_foreign, others, _LEGAL[name]) for name in ("accept", "pack", "cost")]
    illegal: list[Step] = [_too_many, _stale, *wrong, _LEGAL["reject"], _LEGAL["close"]]
    return Steps(_LEGAL, illegal, _LIVES, frozenset({"void", *_REPORTS}))

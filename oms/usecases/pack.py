"""Parcels of a vendor: announced, voided, and what the vendor itself reports of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.allocations import AllocationEvent
from oms.domain.errors import IllegalTransition, InvalidInput, NotFound, QuantityExceeded
from oms.domain.ids import IdKind, new_id
from oms.domain.packages import PackageStanding
from oms.domain.stalls import stalls_at_ms
from oms.domain.tracking import (
    VENDOR_SOURCE,
    ExceptionReason,
    Meaning,
    PackageState,
    TrackingEvent,
)
from oms.domain.views import AllocationView, PackageView
from oms.storage import allocation_views, allocations, order_words, packages
from oms.storage.allocations import AllocationRecord
from oms.storage.packages import NewPackage, PackageRecord
from oms.usecases.context import Transaction, require_version
from oms.usecases.follow_packages import restate_packages
from oms.usecases.move_allocation import (
    allocation_name,
    lock_allocation,
    move_allocation,
    write_history,
)
from oms.usecases.withdraw_units import settle


@dataclass(frozen=True, slots=True)
class PackedResult:
    """A parcel and its allocation as they are now."""

    package: PackageView
    allocation: AllocationView


@dataclass(frozen=True, slots=True)
class CreatePackage:
    """A parcel of the calling vendor; no lines mean all units that are not packed yet."""

    allocation_id: str
    tracking_number: str
    carrier_code: str = ""
    lines: Sequence[tuple[str, int]] = ()
    handed_over: bool = False
    etag: str = ""


def create_package(tx: Transaction, command: CreatePackage) -> PackedResult:
    """Announce a parcel; the first one accepts the allocation, the last unit closes it.

    Raises:
        NotFound: the allocation, or a line that is not in it.
        QuantityExceeded, IllegalTransition, AlreadyExists, Conflict, InvalidInput
    """
    tracking_number = command.tracking_number.strip()
    if not tracking_number:
        raise InvalidInput.of("tracking_number", "is more than blanks")
    found = lock_allocation(tx, tx.owner_id, command.allocation_id)
    require_version(allocation_name(found), command.etag, found.version)
    move_allocation(tx, found, AllocationEvent.PACK)
    units = _units(found, command.lines)
    package = NewPackage(
        id=new_id(IdKind.PACKAGE, tx.now_ms),
        allocation_id=found.id,
        order_id=found.order_id,
        vendor_id=found.vendor_id,
        carrier_code=command.carrier_code,
        tracking_number=tracking_number,
        next_poll_at=tx.now_ms,
        stalls_at=stalls_at_ms(PackageStanding(), announced_at_ms=tx.now_ms, now_ms=tx.now_ms),
        lines=units,
    )
    packages.insert(tx.db, package, tx.now_ms)
    packages.note_stalls(tx.db, [found.order_id])
    order_words.add_tracking_number(tx.db, found.merchant_id, found.order_id, tracking_number)
    allocations.add_packed(tx.db, found.id, units)
    details = {
        "after": PackageState.ANNOUNCED.value,
        "package": package.id,
        "units": str(sum(quantity for _, quantity in units)),
    }
    write_history(tx, found, "package.announced", details)
    if command.handed_over:
        _add_news(tx, package.id, Meaning(PackageState.HANDED_OVER), "handed over")
    packed = allocations.record(tx.db, found.id)
    if not any(line.unpacked for line in packed.lines):
        move_allocation(tx, packed, AllocationEvent.COMPLETE)
    return _result(tx, found, package.id)


def _units(
    found: AllocationRecord, lines: Sequence[tuple[str, int]]
) -> tuple[tuple[str, int], ...]:
    """Check what is to be packed against what is left; raises NotFound, QuantityExceeded."""
    left = {line.line_id: line.unpacked for line in found.lines}
    if not lines:
        units = tuple((line_id, quantity) for line_id, quantity in left.items() if quantity)
        if not units:
            raise _exceeded(found, "every line", 1, 0)
        return units
    if len({line_id for line_id, _ in lines}) != len(lines):
        raise InvalidInput.of("lines", "names each line at most once")
    for line_id, quantity in lines:
        if line_id not in left:
            raise NotFound.of(f"{_line_name(found, line_id)} in {allocation_name(found)}")
        if quantity > left[line_id]:
            raise _exceeded(found, _line_name(found, line_id), quantity, left[line_id])
    return tuple(lines)


def _line_name(found: AllocationRecord, line_id: str) -> str:
    return f"merchants/{found.merchant_id}/orders/{found.order_id}/lines/{line_id}"


def _exceeded(found: AllocationRecord, line: str, asked: int, available: int) -> QuantityExceeded:
    return QuantityExceeded(
        f"cannot pack {asked} of {line} in {allocation_name(found)}: {available} are left",
        line=line,
        asked=asked,
        available=available,
    )


@dataclass(frozen=True, slots=True)
class VoidPackage:
    """A parcel of the calling vendor that never was one."""

    allocation_id: str
    package_id: str
    note: str = ""
    etag: str = ""


def void_package(tx: Transaction, command: VoidPackage) -> PackedResult:
    """Void a parcel that no carrier has; its units are to be packed again.

    Raises:
        NotFound, IllegalTransition, Conflict
    """
    found = lock_allocation(tx, tx.owner_id, command.allocation_id)
    package = _package(tx, found, command.package_id)
    name = f"{allocation_name(found)}/packages/{package.id}"
    require_version(name, command.etag, package.version)
    if package.handed_over_at is not None or package.state == PackageState.VOIDED:
        raise IllegalTransition(name, event="void", state=package.state.value, allowed=("report",))
    move_allocation(tx, found, AllocationEvent.VOID_PACKAGE)
    units = packages.lines_of(tx.db, package.id)
    allocations.add_packed(tx.db, found.id, [(line_id, -count) for line_id, count in units])
    _add_news(tx, package.id, Meaning(PackageState.VOIDED), command.note or "voided")
    return _result(tx, found, package.id)


@dataclass(frozen=True, slots=True)
class ReportPackageEvent:
    """What the calling vendor knows of a parcel; `occurred_at` is epoch seconds, None means now."""

    allocation_id: str
    package_id: str
    state: PackageState
    exception_reason: ExceptionReason | None = None
    occurred_at: int | None = None
    description: str = ""
    location: str = ""


def report_package_event(tx: Transaction, command: ReportPackageEvent) -> PackedResult:
    """Add the vendor's word to a parcel's history; all of it together decides.

    Raises:
        NotFound, IllegalTransition
    """
    found = lock_allocation(tx, tx.owner_id, command.allocation_id)
    package = _package(tx, found, command.package_id)
    if package.state == PackageState.VOIDED:
        name = f"{allocation_name(found)}/packages/{package.id}"
        raise IllegalTransition(name, event="report on", state="VOIDED", allowed=())
    reason = None
    if command.state == PackageState.EXCEPTION:
        reason = command.exception_reason or ExceptionReason.UNKNOWN
    event = TrackingEvent(
        occurred_at=command.occurred_at or tx.now_ms // 1000,
        meaning=Meaning(command.state, reason),
        raw_status=command.state.value,
        description=command.description,
        location=command.location,
        source=VENDOR_SOURCE,
    )
    packages.add_events(tx.db, [(package.id, event)], tx.now_ms)
    restate_packages(tx, [package.id])
    return _result(tx, found, package.id)


def _add_news(tx: Transaction, package_id: str, meaning: Meaning, description: str) -> None:
    state = meaning.state
    assert state is not None
    event = TrackingEvent(
        occurred_at=tx.now_ms // 1000,
        meaning=meaning,
        raw_status=state.value,
        description=description,
        location="",
        source=VENDOR_SOURCE,
    )
    packages.add_events(tx.db, [(package_id, event)], tx.now_ms)
    restate_packages(tx, [package_id])


def _package(tx: Transaction, found: AllocationRecord, package_id: str) -> PackageRecord:
    for package in packages.records(tx.db, [package_id]):
        if package.allocation_id == found.id:
            return package
    raise NotFound.of(f"{allocation_name(found)}/packages/{package_id}")


def _result(tx: Transaction, found: AllocationRecord, package_id: str) -> PackedResult:
    settle(tx, [found.order_id])
    view = allocation_views.get(tx.db, found.vendor_id, found.id)
    package = next(item for item in view.packages if item.id == package_id)
    return PackedResult(package, view)

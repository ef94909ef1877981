"""Packages: announcing, voiding, tracking events, and which ones are to be asked for."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.errors import AlreadyExists
from oms.domain.packages import PackageStanding
from oms.domain.tracking import ExceptionReason, Meaning, PackageState, TrackingEvent
from oms.storage.database import Database, Row, marks

SYSTEM_SOURCE = "system"  # The source of events that we decide, such as silence for 30 days.


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A parcel before it is written."""

    id: str
    allocation_id: str
    order_id: str
    vendor_id: str
    carrier_code: str
    tracking_number: str
    next_poll_at: int
    stalls_at: int | None
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """A parcel whose order is locked, or that is about to be asked for."""

    id: str
    allocation_id: str
    order_id: str
    vendor_id: str
    merchant_id: str
    carrier_code: str
    tracking_number: str
    state: PackageState
    exception_reason: ExceptionReason | None
    raw_status: str
    handed_over_at: int | None
    delivered_at: int | None
    last_event_at: int | None
    quiet_polls: int
    is_registered: bool
    tracking_problem: str
    version: int
    created_at: int


def insert(db: Database, package: NewPackage, now_ms: int) -> None:
    """Write an announced parcel.

    Raises:
        AlreadyExists: the vendor's number is live on another parcel.
    """
    inserted = db.run(
        "INSERT INTO package (id, allocation_id, order_id, vendor_id, carrier_code,"
        " tracking_number, live_number, state, exception_reason, raw_status, next_poll_at,"
        " quiet_polls, is_registered, tracking_problem, version, created_at, stalls_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'ANNOUNCED', '', '', ?, 0, FALSE, '', 1, ?, ?)"
        " ON CONFLICT DO NOTHING",
        package.id,
        package.allocation_id,
        package.order_id,
        package.vendor_id,
        package.carrier_code,
        package.tracking_number,
        package.tracking_number,
        package.next_poll_at,
        now_ms,
        package.stalls_at,
    )
    if not inserted:
        raise AlreadyExists(
            f"tracking number {package.tracking_number} is live on another parcel of yours:"
            " void that one first if it is wrong",
            resource=package.tracking_number,
        )
    db.many(
        "INSERT INTO package_line (package_id, line_id, quantity) VALUES (?, ?, ?)",
        [(package.id, line_id, quantity) for line_id, quantity in package.lines],
    )


_RECORD = (
    "SELECT p.id, p.allocation_id, p.order_id, p.vendor_id, a.merchant_id, p.carrier_code,"
    " p.tracking_number, p.state, p.exception_reason, p.raw_status, p.handed_over_at,"
    " p.delivered_at, p.last_event_at, p.quiet_polls, p.is_registered, p.tracking_problem,"
    " p.version, p.created_at FROM package p JOIN allocation a ON a.id = p.allocation_id"
)


def records(db: Database, package_ids: Sequence[str]) -> list[PackageRecord]:
    """Read parcels by id, in id order."""
    rows = db.all(f"{_RECORD} WHERE p.id IN ({marks(package_ids)}) ORDER BY p.id", *package_ids)
    return [_record(row) for row in rows]


def live(db: Database, vendor_id: str, tracking_number: str) -> PackageRecord | None:
    """Read a vendor's parcel of a number, unless it was voided."""
    row = db.one(
        f"{_RECORD} WHERE p.vendor_id = ? AND p.live_number = ?", vendor_id, tracking_number
    )
    return None if row is None else _record(row)


def orders_of(db: Database, vendor_id: str, allocation_ids: Sequence[str]) -> list[str]:
    """Return the orders of those of the allocations that are the vendor's."""
    rows = db.all(
        f"SELECT order_id FROM allocation WHERE vendor_id = ? AND id IN ({marks(allocation_ids)})",
        vendor_id,
        *allocation_ids,
    )
    return [row[0] for row in rows]


def due(db: Database, now_ms: int, limit: int) -> list[PackageRecord]:
    """Read the parcels that are to be asked for, the longest overdue first."""
    rows = db.all(
        f"{_RECORD} WHERE p.next_poll_at IS NOT NULL AND p.next_poll_at <= ?"
        " ORDER BY p.next_poll_at LIMIT ?",
        now_ms,
        limit,
    )
    return [_record(row) for row in rows]


def lines_of(db: Database, package_id: str) -> list[tuple[str, int]]:
    """Read (line id, units) of a parcel."""
    rows = db.all(
        "SELECT line_id, quantity FROM package_line WHERE package_id = ? ORDER BY line_id",
        package_id,
    )
    return [(row[0], row[1]) for row in rows]


def add_events(db: Database, events: Iterable[tuple[str, TrackingEvent]], now_ms: int) -> None:
    """Add (package id, event) to histories; what is known already changes nothing."""
    db.many(
        "INSERT INTO tracking_event (package_id, digest, occurred_at, state, exception_reason,"
        " raw_status, description, location, source, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (
                package_id,
                _digest(event),
                event.occurred_at * 1000,
                event.meaning.state or "",
                event.meaning.exception_reason or "",
                event.raw_status,
                event.description,
                event.location,
                event.source,
                now_ms,
            )
            for package_id, event in events
        ],
    )


def events_of(db: Database, package_ids: Sequence[str]) -> dict[str, list[TrackingEvent]]:
    """Read all events of parcels by package id, in no order."""
    found: dict[str, list[TrackingEvent]] = {package_id: [] for package_id in package_ids}
    for row in db.all(
        "SELECT package_id, occurred_at, state, exception_reason, raw_status, description,"
        f" location, source FROM tracking_event WHERE package_id IN ({marks(package_ids)})",
        *package_ids,
    ):
        meaning = Meaning(
            PackageState(row[2]) if row[2] else None, ExceptionReason(row[3]) if row[3] else None
        )
        event = TrackingEvent(row[1] // 1000, meaning, row[4], row[5], row[6], row[7])
        found[row[0]].append(event)
    return found


@dataclass(frozen=True, slots=True)
class Followed:
    """What following a parcel wrote down besides its events. Instants are epoch milliseconds."""

    raw_status: str
    tracking_problem: str
    is_registered: bool
    quiet_polls: int
    next_poll_at: int | None
    stalls_at: int | None


def write_standing(
    db: Database, package_id: str, standing: PackageStanding, followed: Followed
) -> None:
    """Write where a parcel is and when it is asked for next; its version grows.

    One that has come to an end sets its number free for good: it may wake up again, and must not
    then be in the way of the parcel that has the number by now.
    """
    db.run(
        "UPDATE package SET state = ?, exception_reason = ?, handed_over_at = ?, delivered_at = ?,"
        " last_event_at = ?, first_scan_at = ?, was_in_trouble = ?, raw_status = ?,"
        " tracking_problem = ?, is_registered = ?, quiet_polls = ?, next_poll_at = ?,"
        " stalls_at = ?, version = version + 1,"
        " live_number = CASE WHEN ? THEN NULL ELSE live_number END WHERE id = ?",
        standing.state.value,
        standing.exception_reason or "",
        _ms(standing.handed_over_at),
        _ms(standing.delivered_at),
        _ms(standing.last_event_at),
        _ms(standing.first_scan_at),
        standing.was_in_trouble,
        followed.raw_status,
        followed.tracking_problem,
        followed.is_registered,
        followed.quiet_polls,
        followed.next_poll_at,
        followed.stalls_at,
        standing.state in _ENDED_STATES,
        package_id,
    )


def put_off(db: Database, package_id: str, until: int, problem: str) -> None:
    """Ask for a parcel no sooner than at an instant (epoch ms), and say why."""
    db.run(
        "UPDATE package SET next_poll_at = ?, tracking_problem = ?, version = version + 1"
        " WHERE id = ?",
        until,
        problem,
        package_id,
    )


def note_stalls(db: Database, order_ids: Sequence[str]) -> None:
    """Let locked orders know from when on one of their parcels is stalled."""
    db.run(
        "UPDATE orders SET stalls_at = (SELECT MIN(p.stalls_at) FROM package p"
        f" WHERE p.order_id = orders.id) WHERE id IN ({marks(order_ids)})",
        *order_ids,
    )


_ENDED_STATES = frozenset(
    {
        PackageState.DELIVERED,
        PackageState.RETURNED,
        PackageState.EXPIRED,
        PackageState.VOIDED,
    }
)


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000


def _digest(event: TrackingEvent) -> str:
    fields = (event.occurred_at, event.raw_status, event.description, event.location, event.source)
    return hashlib.sha256("\x1f".join(map(str, fields)).encode()).hexdigest()[:32]


def _record(row: Row) -> PackageRecord:
    return PackageRecord(
        id=row[0],
        allocation_id=row[1],
        order_id=row[2],
        vendor_id=row[3],
        merchant_id=row[4],
        carrier_code=row[5],
        tracking_number=row[6],
        state=PackageState(row[7]),
        exception_reason=ExceptionReason(row[8]) if row[8] else None,
        raw_status=row[9],
        handed_over_at=row[10],
        delivered_at=row[11],
        last_event_at=row[12],
        quiet_polls=row[13],
        is_registered=bool(row[14]),
        tracking_problem=row[15],
        version=row[16],
        created_at=row[17],
    )

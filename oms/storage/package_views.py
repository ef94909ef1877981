"""Packages as they are shown, with their lines and their tracking."""

from collections.abc import Sequence
from typing import Any

from oms.domain.errors import NotFound
from oms.domain.tracking import ExceptionReason, PackageState
from oms.domain.views import PackageLineView, PackageView, TrackingEventView
from oms.storage.database import Database, Row, marks

_PACKAGE = (
    "SELECT id, allocation_id, order_id, vendor_id, carrier_code, tracking_number, state,"
    " exception_reason, raw_status, handed_over_at, delivered_at, next_poll_at, tracking_problem,"
    " version, created_at, stalls_at FROM package"
)


def of_allocations(
    db: Database, allocation_ids: Sequence[str], *, with_events: bool
) -> list[PackageView]:
    """Read the packages of allocations, oldest first."""
    rows = db.all(
        f"{_PACKAGE} WHERE allocation_id IN ({marks(allocation_ids)}) ORDER BY id",
        *allocation_ids,
    )
    return _complete(db, rows, with_events=with_events)


def get(db: Database, vendor_id: str, allocation_id: str, package_id: str) -> PackageView:
    """Read one package of a vendor with its tracking; raises NotFound."""
    rows = db.all(
        f"{_PACKAGE} WHERE id = ? AND allocation_id = ? AND vendor_id = ?",
        package_id,
        allocation_id,
        vendor_id,
    )
    if not rows:
        raise NotFound.of(f"vendors/{vendor_id}/allocations/{allocation_id}/packages/{package_id}")
    return _complete(db, rows, with_events=True)[0]


def _complete(db: Database, rows: Sequence[Row], *, with_events: bool) -> list[PackageView]:
    ids = [row[0] for row in rows]
    if not ids:
        return []
    lines: dict[str, list[PackageLineView]] = {}
    for row in db.all(
        "SELECT package_id, line_id, quantity FROM package_line"
        f" WHERE package_id IN ({marks(ids)}) ORDER BY line_id",
        *ids,
    ):
        lines.setdefault(row[0], []).append(PackageLineView(row[1], row[2]))
    events = _events(db, ids) if with_events else {}
    return [
        _package(
            row,
            lines=tuple(lines.get(row[0], ())),
            events=tuple(events.get(row[0], ())),
        )
        for row in rows
    ]


def _events(db: Database, ids: Sequence[str]) -> dict[str, list[TrackingEventView]]:
    found: dict[str, list[TrackingEventView]] = {}
    for row in db.all(
        "SELECT package_id, occurred_at, state, exception_reason, raw_status, description,"
        f" location, source FROM tracking_event WHERE package_id IN ({marks(ids)})"
        " ORDER BY occurred_at, created_at, digest",
        *ids,
    ):
        view = TrackingEventView(
            occurred_at=row[1],
            state=PackageState(row[2]) if row[2] else None,
            exception_reason=ExceptionReason(row[3]) if row[3] else None,
            raw_status=row[4],
            description=row[5],
            location=row[6],
            source=row[7],
        )
        found.setdefault(row[0], []).append(view)
    return found


def _package(row: Row, **more: Any) -> PackageView:
    """Build a package with `more` fields."""
    return PackageView(
        id=row[0],
        allocation_id=row[1],
        order_id=row[2],
        vendor_id=row[3],
        carrier_code=row[4],
        tracking_number=row[5],
        state=PackageState(row[6]),
        exception_reason=ExceptionReason(row[7]) if row[7] else None,
        raw_status=row[8],
        handed_over_at=row[9],
        delivered_at=row[10],
        next_poll_at=row[11],
        tracking_problem=row[12],
        version=row[13],
        created_at=row[14],
        stalls_at=row[15],
        **more,
    )

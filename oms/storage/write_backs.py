"""Write-backs: what stores are told of parcels, and how each store can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.errors import NotFound
from oms.domain.ids import IdKind, new_id
from oms.domain.ledger import LineLedger
from oms.domain.stores import WriteBackMode
from oms.domain.write_backs import (
    UNFINISHED_STATES,
    ParcelStanding,
    ParcelWord,
    WriteBack,
    WriteBackMethod,
    WriteBackState,
)
from oms.storage.database import Database, Row, marks

_ERROR_LENGTH_MAX = 2_000
_WRITE_BACK = (
    "SELECT w.id, w.merchant_id, w.order_id, w.store_id, w.package_id, w.tracking_number, w.state,"
    " w.method, w.failure_count, w.problem_reason, w.problem_message, w.external_id,"
    " w.is_outdated, w.next_attempt_at, w.created_at, w.finished_at, o.number, p.allocation_id,"
    " p.vendor_id FROM write_back w JOIN orders o ON o.id = w.order_id"
    " JOIN package p ON p.id = w.package_id"
)


@dataclass(frozen=True, slots=True)
class OrderParcels:
    """An order with its parcels, as telling its store depends on them."""

    order_id: str
    merchant_id: str
    store_id: str
    mode: WriteBackMode
    parcels: tuple[ParcelStanding, ...]


def parcels_of(db: Database, order_ids: Sequence[str]) -> list[OrderParcels]:
    """Read the parcels of orders that stores were or could be told of, in one statement."""
    found: dict[str, list[Row]] = {}
    for row in db.all(
        "SELECT o.id, o.merchant_id, o.store_id, s.write_back_mode, p.id,"
        " p.handed_over_at IS NOT NULL AND p.handed_over_at >= s.write_back_since_at"
        " AND EXISTS (SELECT 1 FROM package_line pl JOIN order_line l ON l.id = pl.line_id"
        " WHERE pl.package_id = p.id AND l.kind = 'ORIGINAL'),"
        " p.state = 'VOIDED', w.state, w.is_outdated"
        " FROM orders o JOIN store s ON s.id = o.store_id JOIN package p ON p.order_id = o.id"
        " LEFT JOIN write_back w ON w.package_id = p.id"
        f" WHERE o.id IN ({marks(order_ids)}) AND o.admission = 'ADMITTED' ORDER BY o.id, p.id",
        *order_ids,
    ):
        found.setdefault(row[0], []).append(row)
    return [
        OrderParcels(
            order_id=order_id,
            merchant_id=rows[0][1],
            store_id=rows[0][2],
            mode=WriteBackMode(rows[0][3]),
            parcels=tuple(map(_standing, rows)),
        )
        for order_id, rows in found.items()
    ]


def _standing(row: Row) -> ParcelStanding:
    told = None if row[7] is None else WriteBackState(row[7])
    return ParcelStanding(row[4], bool(row[5]), bool(row[6]), told, is_outdated=bool(row[8]))


def ledgers_of(db: Database, order_ids: Sequence[str]) -> Mapping[str, list[LineLedger]]:
    """Read the ledgers of the orders' own lines; replacements are no business of the store."""
    found: dict[str, list[LineLedger]] = {order_id: [] for order_id in order_ids}
    for row in db.all(
        "SELECT order_id, ordered, removed, elsewhere, excluded, allocated, packed, handed_over,"
        f" delivered, settled FROM order_line WHERE order_id IN ({marks(order_ids)})"
        " AND kind = 'ORIGINAL'",
        *order_ids,
    ):
        found[row[0]].append(LineLedger(*row[1:]))
    return found


def insert(db: Database, order: OrderParcels, package_ids: Sequence[str], now_ms: int) -> None:
    """Write pending write-backs for parcels of an order that is locked; one that is there stays."""
    db.many(
        "INSERT INTO write_back (id, merchant_id, order_id, store_id, package_id, tracking_number,"
        " state, method, failure_count, problem_reason, problem_message, external_id, is_outdated,"
        " next_attempt_at, created_at) SELECT ?, ?, ?, ?, id, tracking_number, 'PENDING', '', 0,"
        " '', '', '', FALSE, ?, ? FROM package WHERE id = ? ON CONFLICT (package_id) DO NOTHING",
        [
            (
                new_id(IdKind.WRITE_BACK, now_ms),
                order.merchant_id,
                order.order_id,
                order.store_id,
                now_ms,
                now_ms,
                package_id,
            )
            for package_id in package_ids
        ],
    )


def of_packages(db: Database, package_ids: Sequence[str]) -> list[WriteBack]:
    """Read the write-backs of parcels."""
    rows = db.all(
        f"{_WRITE_BACK} WHERE w.package_id IN ({marks(package_ids)}) ORDER BY w.id", *package_ids
    )
    return [_write_back(row) for row in rows]


def of_order(db: Database, order_id: str) -> tuple[WriteBack, ...]:
    """Read an order's write-backs, oldest first."""
    rows = db.all(f"{_WRITE_BACK} WHERE w.order_id = ? ORDER BY w.id", order_id)
    return tuple(_write_back(row) for row in rows)


def unfinished_of_order(db: Database, order_id: str) -> list[WriteBack]:
    """Read those of an order that are still to be told, oldest first."""
    rows = db.all(
        f"{_WRITE_BACK} WHERE w.order_id = ? AND w.state IN (?, ?) ORDER BY w.id",
        order_id,
        *UNFINISHED_STATES,
    )
    return [_write_back(row) for row in rows]


def get(db: Database, merchant_id: str, write_back_id: str) -> WriteBack:
    """Read one write-back of a merchant; raises NotFound."""
    row = db.one(f"{_WRITE_BACK} WHERE w.id = ? AND w.merchant_id = ?", write_back_id, merchant_id)
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/writeBacks/{write_back_id}")
    return _write_back(row)


@dataclass(frozen=True, slots=True)
class WriteBackFilter:
    """Which write-backs of a merchant: in a state, of an order; None and empty match all."""

    merchant_id: str
    state: WriteBackState | None = None
    order_id: str = ""


def page(db: Database, wanted: WriteBackFilter, before: str, limit: int) -> list[WriteBack]:
    """Return write-backs, newest first, older than the id `before` (empty for the newest)."""
    conditions, parameters = ["w.merchant_id = ?"], list[object]([wanted.merchant_id])
    for condition, value in (
        ("w.state = ?", wanted.state),
        ("w.order_id = ?", wanted.order_id),
        ("w.id < ?", before),
    ):
        if value:
            conditions.append(condition)
            parameters.append(value)
    rows = db.all(
        f"{_WRITE_BACK} WHERE {' AND '.join(conditions)} ORDER BY w.id DESC LIMIT ?",
        *parameters,
        limit,
    )
    return [_write_back(row) for row in rows]


def update(db: Database, write_back: WriteBack) -> None:
    """Write everything that changes in a write-back whose order is locked."""
    db.run(
        "UPDATE write_back SET state = ?, method = ?, failure_count = ?, problem_reason = ?,"
        " problem_message = ?, external_id = ?, is_outdated = ?, next_attempt_at = ?,"
        " finished_at = ? WHERE id = ?",
        write_back.state.value,
        write_back.method or "",
        write_back.failure_count,
        write_back.problem_reason,
        write_back.problem_message[:_ERROR_LENGTH_MAX],
        write_back.external_id,
        write_back.is_outdated,
        write_back.next_attempt_at,
        write_back.finished_at,
        write_back.id,
    )


def parcel_word(db: Database, write_back: WriteBack) -> ParcelWord:
    """Read what a store is told of a parcel, by the store's own line ids."""
    head = db.one(
        "SELECT o.external_id, p.handed_over_at FROM package p JOIN orders o ON o.id = p.order_id"
        " WHERE p.id = ?",
        write_back.package_id,
    )
    assert head is not None
    units = db.all(
        "SELECT l.external_id, pl.quantity FROM package_line pl JOIN order_line l"
        " ON l.id = pl.line_id WHERE pl.package_id = ? AND l.kind = 'ORIGINAL' ORDER BY l.position",
        write_back.package_id,
    )
    return ParcelWord(
        marker=write_back.package_id,
        order_external_id=head[0],
        tracking_number=write_back.tracking_number,
        shipped_at=(head[1] or write_back.created_at) // 1000,
        units=tuple((row[0], row[1]) for row in units),
    )


def is_void(db: Database, package_id: str) -> bool:
    """Tell whether a parcel was voided."""
    row = db.one("SELECT 1 FROM package WHERE id = ? AND state = 'VOIDED'", package_id)
    return row is not None


def note_completion(db: Database, order_id: str, now_ms: int) -> None:
    """Remember that we set out to complete an order in its store, before it is done."""
    db.run(
        "UPDATE orders SET completion_sent_at = COALESCE(completion_sent_at, ?) WHERE id = ?",
        now_ms,
        order_id,
    )


def method_of(db: Database, store_id: str) -> tuple[WriteBackMethod | None, int]:
    """Read how a store can be told and when that was found out (epoch ms); None when it was not."""
    row = db.one("SELECT write_back_method, write_back_method_at FROM store WHERE id = ?", store_id)
    assert row is not None
    return (WriteBackMethod(row[0]) if row[0] else None), row[1]


def remember_method(
    db: Database, store_id: str, method: WriteBackMethod | None, now_ms: int
) -> None:
    """Remember how a store can be told; None forgets it."""
    db.run(
        "UPDATE store SET write_back_method = ?, write_back_method_at = ? WHERE id = ?",
        method or "",
        now_ms,
        store_id,
    )


def _write_back(row: Row) -> WriteBack:
    return WriteBack(
        id=row[0],
        merchant_id=row[1],
        order_id=row[2],
        store_id=row[3],
        package_id=row[4],
        tracking_number=row[5],
        state=WriteBackState(row[6]),
        method=WriteBackMethod(row[7]) if row[7] else None,
        failure_count=row[8],
        problem_reason=row[9],
        problem_message=row[10],
        external_id=row[11],
        is_outdated=bool(row[12]),
        next_attempt_at=row[13],
        created_at=row[14],
        finished_at=row[15],
        order_number=row[16],
        allocation_id=row[17],
        vendor_id=row[18],
    )

"""Orders and their lines: taken over from stores, locked, and recounted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.admission import Admission
from oms.domain.allocations import AllocationState
from oms.domain.ledger import (
    AllocatedUnits,
    LineLedger,
    PackedUnits,
    PendingReason,
    ShippingStatus,
    recount,
    shipping_status,
)
from oms.domain.packages import is_in_trouble
from oms.domain.snapshots import Address, LineSnapshot, OrderSnapshot
from oms.domain.stores import Store
from oms.domain.tracking import PackageState
from oms.storage.catalog import VariantIds
from oms.storage.database import Database, Row, marks


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """What is known of a store order before a new snapshot of it is applied."""

    id: str
    content_hash: str
    store_updated_at: int
    admission: Admission


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A stored line as far as decisions need it."""

    id: str
    order_id: str
    external_id: str
    product_id: str
    variant_id: str
    needs_shipping: bool
    ledger: LineLedger
    pending_reason: str


@dataclass(frozen=True, slots=True)
class AppliedLine:
    """A line as a snapshot makes it; `is_new` when it has no row yet."""

    id: str
    position: int
    snapshot: LineSnapshot
    ids: VariantIds
    ledger: LineLedger
    pending_reason: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class AppliedOrder:
    """An order as a snapshot makes it."""

    id: str
    snapshot: OrderSnapshot
    content_hash: str
    admission: Admission
    lines: tuple[AppliedLine, ...]

    @property
    def has_open_units(self) -> bool:
        """Tell whether units wait to be allocated."""
        return self.admission == Admission.ADMITTED and any(line.ledger.open for line in self.lines)

    @property
    def first_status(self) -> ShippingStatus | None:
        """Return the status of an order that has no allocations yet."""
        if self.admission != Admission.ADMITTED:
            return None
        ledgers = [line.ledger for line in self.lines]
        return shipping_status(ledgers, has_parcel_in_trouble=False)


def known(db: Database, store_id: str, external_ids: Sequence[str]) -> dict[str, KnownOrder]:
    """Find and lock, in id order, the orders of a store that exist already, by external id."""
    rows = db.all(
        "SELECT external_id, id, content_hash, store_updated_at, admission FROM orders"
        f" WHERE store_id = ? AND external_id IN ({marks(external_ids)})"
        f" ORDER BY id{db.lock_rows}",
        store_id,
        *external_ids,
    )
    return {row[0]: KnownOrder(row[1], row[2], row[3], Admission(row[4])) for row in rows}


def lock(db: Database, order_ids: Iterable[str]) -> None:
    """Lock orders in id order, first thing in whatever changes them; SQLite is locked already."""
    if db.lock_rows:
        ids = sorted(set(order_ids))
        db.all(f"SELECT id FROM orders WHERE id IN ({marks(ids)}) ORDER BY id FOR UPDATE", *ids)


def insert(db: Database, store: Store, orders: Sequence[AppliedOrder], now_ms: int) -> None:
    """Write orders that were never seen before, with lines and details."""
    db.many(
        "INSERT INTO orders (id, merchant_id, store_id, external_id, number, store_status,"
        " admission, status, has_open_units, currency, total_minor, customer_name, country,"
        " placed_at, store_updated_at, content_hash, version, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
        [
            (
                order.id,
                store.merchant_id,
                store.id,
                order.snapshot.external_id,
                order.snapshot.number,
                order.snapshot.store_status,
                order.admission.value,
                order.first_status,
                order.has_open_units,
                order.snapshot.currency,
                order.snapshot.total.amount_minor,
                order.snapshot.customer_name,
                order.snapshot.address.country_code,
                order.snapshot.placed_at * 1000,
                order.snapshot.updated_at * 1000,
                order.content_hash,
                now_ms,
            )
            for order in orders
        ],
    )
    db.many(
        "INSERT INTO order_detail (order_id, customer_email, note, address, document)"
        " VALUES (?, ?, ?, ?, ?)",
        [(order.id, *_detail(order.snapshot)) for order in orders],
    )
    insert_lines(db, [(order.id, line) for order in orders for line in order.lines])


def insert_lines(db: Database, lines: Sequence[tuple[str, AppliedLine]]) -> None:
    """Write new lines of (order id, line)."""
    db.many(
        "INSERT INTO order_line (id, order_id, external_id, position, kind, product_id, variant_id,"
        " title, sku, price_minor, needs_shipping, ordered, removed, elsewhere, excluded,"
        " allocated, packed, handed_over, delivered, settled, open_units, over_allocated,"
        " pending_reason) VALUES (?, ?, ?, ?, 'ORIGINAL', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?)",
        [
            (
                line.id,
                order_id,
                line.snapshot.external_id,
                line.position,
                line.ids.product_id,
                line.ids.variant_id,
                line.snapshot.title,
                line.snapshot.sku,
                line.snapshot.price.amount_minor,
                line.ids.needs_shipping,
                *line.ledger.counters(),
                line.ledger.open,
                line.ledger.is_over_allocated,
                line.pending_reason,
            )
            for order_id, line in lines
        ],
    )


def update(db: Database, order: AppliedOrder) -> None:
    """Write what a newer snapshot changed in an order that is locked."""
    snapshot = order.snapshot
    db.run(
        "UPDATE orders SET number = ?, store_status = ?, admission = ?, currency = ?,"
        " total_minor = ?, customer_name = ?, country = ?, store_updated_at = ?, content_hash = ?"
        " WHERE id = ?",
        snapshot.number,
        snapshot.store_status,
        order.admission.value,
        snapshot.currency,
        snapshot.total.amount_minor,
        snapshot.customer_name,
        snapshot.address.country_code,
        snapshot.updated_at * 1000,
        order.content_hash,
        order.id,
    )
    db.run(
        "UPDATE order_detail SET customer_email = ?, note = ?, address = ?, document = ?"
        " WHERE order_id = ?",
        *_detail(snapshot),
        order.id,
    )
    insert_lines(db, [(order.id, line) for line in order.lines if line.is_new])
    db.many(
        "UPDATE order_line SET title = ?, sku = ?, price_minor = ?, product_id = ?,"
        " variant_id = ?, needs_shipping = ?, pending_reason = ? WHERE id = ?",
        [
            (
                line.snapshot.title,
                line.snapshot.sku,
                line.snapshot.price.amount_minor,
                line.ids.product_id,
                line.ids.variant_id,
                line.ids.needs_shipping,
                line.pending_reason,
                line.id,
            )
            for line in order.lines
            if not line.is_new
        ],
    )


def lines_of(db: Database, order_ids: Sequence[str]) -> dict[str, list[LineRecord]]:
    """Read the lines of orders by order id, in the store's order."""
    found: dict[str, list[LineRecord]] = {order_id: [] for order_id in order_ids}
    for row in db.all(
        "SELECT id, order_id, external_id, product_id, variant_id, needs_shipping, pending_reason,"
        " ordered, removed, elsewhere, excluded, allocated, packed, handed_over, delivered,"
        f" settled FROM order_line WHERE order_id IN ({marks(order_ids)}) ORDER BY position",
        *order_ids,
    ):
        found[row[1]].append(
            LineRecord(
                id=row[0],
                order_id=row[1],
                external_id=row[2],
                product_id=row[3],
                variant_id=row[4],
                needs_shipping=bool(row[5]),
                pending_reason=row[6],
                ledger=LineLedger(*row[7:16]),
            )
        )
    return found


def write_ledgers(db: Database, ledgers: Iterable[tuple[str, LineLedger]]) -> None:
    """Write the counters of (line id, ledger)."""
    db.many(
        "UPDATE order_line SET ordered = ?, removed = ?, elsewhere = ?, excluded = ?,"
        " allocated = ?, packed = ?, handed_over = ?, delivered = ?, settled = ?, open_units = ?,"
        " over_allocated = ? WHERE id = ?",
        [
            (*ledger.counters(), ledger.open, ledger.is_over_allocated, line_id)
            for line_id, ledger in ledgers
        ],
    )


def write_pending_reasons(db: Database, reasons: Iterable[tuple[str, PendingReason]]) -> None:
    """Say of (line id, reason) why its open units wait."""
    db.many(
        "UPDATE order_line SET pending_reason = ? WHERE id = ?",
        [(reason.value, line_id) for line_id, reason in reasons],
    )


def refresh(db: Database, order_ids: Sequence[str]) -> None:
    """Recount the ledgers and the status of orders from their allocations and packages.

    The one place that writes either; called in every transaction that touches their inputs, with
    the orders locked. Each order's version grows.
    """
    lines = lines_of(db, order_ids)
    allocated = _allocated_units(db, order_ids)
    packed, troubled = _packed_units(db, order_ids)
    recounted = {
        line.id: recount(line.ledger, allocated.get(line.id, ()), packed.get(line.id, ()))
        for group in lines.values()
        for line in group
    }
    write_ledgers(
        db,
        [
            (line.id, recounted[line.id])
            for group in lines.values()
            for line in group
            if recounted[line.id] != line.ledger
        ],
    )
    db.many(
        "UPDATE orders SET status = CASE WHEN admission = 'ADMITTED' THEN ? END,"
        " has_open_units = ? AND admission = 'ADMITTED', version = version + 1 WHERE id = ?",
        [
            (
                *_state_of(
                    [recounted[line.id] for line in group], is_troubled=order_id in troubled
                ),
                order_id,
            )
            for order_id, group in lines.items()
        ],
    )


def _state_of(ledgers: Sequence[LineLedger], *, is_troubled: bool) -> tuple[str | None, bool]:
    status = shipping_status(ledgers, has_parcel_in_trouble=is_troubled)
    return status, any(ledger.open for ledger in ledgers)


def _allocated_units(db: Database, order_ids: Sequence[str]) -> dict[str, list[AllocatedUnits]]:
    found: dict[str, list[AllocatedUnits]] = {}
    for row in db.all(
        "SELECT al.line_id, a.state, al.quantity, al.packed, al.returned FROM allocation a"
        " JOIN allocation_line al ON al.allocation_id = a.id"
        f" WHERE a.order_id IN ({marks(order_ids)})",
        *order_ids,
    ):
        units = AllocatedUnits(AllocationState(row[1]), row[2], row[3], row[4])
        found.setdefault(row[0], []).append(units)
    return found


def _packed_units(
    db: Database, order_ids: Sequence[str]
) -> tuple[dict[str, list[PackedUnits]], set[str]]:
    found: dict[str, list[PackedUnits]] = {}
    troubled: set[str] = set()
    for row in db.all(
        "SELECT pl.line_id, p.state, p.handed_over_at, pl.quantity, p.order_id FROM package p"
        f" JOIN package_line pl ON pl.package_id = p.id WHERE p.order_id IN ({marks(order_ids)})",
        *order_ids,
    ):
        state = PackageState(row[1])
        units = PackedUnits(state, row[2] is not None, row[3])
        found.setdefault(row[0], []).append(units)
        if is_in_trouble(state):
            troubled.add(row[4])
    return found, troubled


def _detail(snapshot: OrderSnapshot) -> Row:
    # asdict copies deeply, which a flat record does not need.
    address = {name: getattr(snapshot.address, name) for name in Address.__slots__}
    text = json.dumps(address, ensure_ascii=False)
    return snapshot.customer_email, snapshot.note, text, snapshot.raw

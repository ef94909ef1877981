"""Orders and their lines: taken over from stores, locked, and recounted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.admission import Admission
from oms.domain.ledger import (
    LineKind,
    LineLedger,
    PendingReason,
    ShippingStatus,
    StoreWord,
    shipping_status,
)
from oms.domain.snapshots import Address, LineSnapshot, OrderSnapshot
from oms.domain.stores import Store
from oms.storage.catalog import VariantIds
from oms.storage.database import Database, Row, marks


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """What is known of a store order before a new snapshot of it is applied."""

    id: str
    content_hash: str
    store_updated_at: int
    admission: Admission
    is_completed_by_us: bool


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
    word: StoreWord
    pending_reason: str
    sku: str = ""
    title: str = ""
    is_replacement: bool = False


@dataclass(frozen=True, slots=True)
class AppliedLine:
    """A line as a snapshot makes it; `is_new` when it has no row yet."""

    id: str
    position: int
    snapshot: LineSnapshot
    ids: VariantIds
    ledger: LineLedger
    word: StoreWord
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
        "SELECT external_id, id, content_hash, store_updated_at, admission,"
        " completion_sent_at IS NOT NULL FROM orders"
        f" WHERE store_id = ? AND external_id IN ({marks(external_ids)})"
        f" ORDER BY id{db.lock_rows}",
        store_id,
        *external_ids,
    )
    return {
        row[0]: KnownOrder(row[1], row[2], row[3], Admission(row[4]), bool(row[5])) for row in rows
    }


def lock(db: Database, order_ids: Iterable[str]) -> None:
    """Lock orders in id order, first thing in whatever changes them; SQLite is locked already."""
    if db.lock_rows:
        ids = sorted(set(order_ids))
        sql = f"SELECT id FROM orders WHERE id IN ({marks(ids)}) ORDER BY id{db.lock_rows}"
        db.all(sql, *ids)


def exists(db: Database, merchant_id: str, order_id: str) -> bool:
    """Tell whether an order is there and the merchant's."""
    row = db.one("SELECT 1 FROM orders WHERE id = ? AND merchant_id = ?", order_id, merchant_id)
    return row is not None


@dataclass(frozen=True, slots=True)
class OwnedOrder:
    """A locked order of a merchant, as decisions on many orders need it."""

    id: str
    number: str
    admission: Admission
    currency: str
    country: str
    cancelled_at: int | None
    version: int
    placed_at: int


def lock_owned(db: Database, merchant_id: str, order_ids: Sequence[str]) -> dict[str, OwnedOrder]:
    """Lock, in id order, those of the orders that are the merchant's."""
    rows = db.all(
        "SELECT id, number, admission, currency, country, cancelled_at, version, placed_at"
        " FROM orders"
        f" WHERE merchant_id = ? AND id IN ({marks(order_ids)}) ORDER BY id{db.lock_rows}",
        merchant_id,
        *order_ids,
    )
    return {row[0]: OwnedOrder(row[0], row[1], Admission(row[2]), *row[3:]) for row in rows}


def by_merchant(db: Database, order_ids: Sequence[str]) -> dict[str, list[str]]:
    """Group orders by their merchant."""
    found: dict[str, list[str]] = {}
    for order_id, merchant_id in db.all(
        f"SELECT id, merchant_id FROM orders WHERE id IN ({marks(order_ids)}) ORDER BY id",
        *order_ids,
    ):
        found.setdefault(merchant_id, []).append(order_id)
    return found


def cancel(db: Database, order_id: str, now_ms: int) -> None:
    """Note that the merchant cancelled a locked order; a recount excludes what is open."""
    db.run("UPDATE orders SET cancelled_at = ? WHERE id = ?", now_ms, order_id)


def insert(db: Database, store: Store, orders: Sequence[AppliedOrder], now_ms: int) -> None:
    """Write orders that were never seen before, with lines and details."""
    db.many(
        "INSERT INTO orders (id, merchant_id, store_id, external_id, number, store_status,"
        " admission, status, has_open_units, currency, total_minor, customer_name, country,"
        " placed_at, store_updated_at, content_hash, version, created_at, refunded_minor,"
        " charged_minor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
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
                order.snapshot.refunded_minor,
                order.snapshot.charged_minor,
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
        " pending_reason, wanted, is_fulfilled) VALUES (?, ?, ?, ?, 'ORIGINAL', ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                line.word.wanted,
                line.word.is_fulfilled,
            )
            for order_id, line in lines
        ],
    )


def update(db: Database, order: AppliedOrder) -> None:
    """Write what a newer snapshot changed in an order that is locked."""
    snapshot = order.snapshot
    db.run(
        "UPDATE orders SET number = ?, store_status = ?, admission = ?, currency = ?,"
        " total_minor = ?, customer_name = ?, country = ?, store_updated_at = ?, content_hash = ?,"
        " refunded_minor = ?, charged_minor = ? WHERE id = ?",
        snapshot.number,
        snapshot.store_status,
        order.admission.value,
        snapshot.currency,
        snapshot.total.amount_minor,
        snapshot.customer_name,
        snapshot.address.country_code,
        snapshot.updated_at * 1000,
        order.content_hash,
        snapshot.refunded_minor,
        snapshot.charged_minor,
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
        " variant_id = ?, needs_shipping = ?, pending_reason = ?, wanted = ?, is_fulfilled = ?"
        " WHERE id = ?",
        [
            (
                line.snapshot.title,
                line.snapshot.sku,
                line.snapshot.price.amount_minor,
                line.ids.product_id,
                line.ids.variant_id,
                line.ids.needs_shipping,
                line.pending_reason,
                line.word.wanted,
                line.word.is_fulfilled,
                line.id,
            )
            for line in order.lines
            if not line.is_new
        ],
    )


def addresses(db: Database, order_ids: Sequence[str]) -> dict[str, Address]:
    """Read the delivery addresses of orders by order id."""
    rows = db.all(
        f"SELECT order_id, address FROM order_detail WHERE order_id IN ({marks(order_ids)})",
        *order_ids,
    )
    return {row[0]: Address(**json.loads(row[1])) for row in rows}


def lines_of(db: Database, order_ids: Sequence[str]) -> dict[str, list[LineRecord]]:
    """Read the lines of orders by order id, in the store's order."""
    found: dict[str, list[LineRecord]] = {order_id: [] for order_id in order_ids}
    for row in db.all(
        "SELECT id, order_id, external_id, product_id, variant_id, needs_shipping, pending_reason,"
        " ordered, removed, elsewhere, excluded, allocated, packed, handed_over, delivered,"
        " settled, wanted, is_fulfilled, sku, title, kind FROM order_line"
        f" WHERE order_id IN ({marks(order_ids)}) ORDER BY position",
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
                word=StoreWord(row[16], bool(row[17])),
                sku=row[18],
                title=row[19],
                is_replacement=row[20] == LineKind.REPLACEMENT,
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


def titles_and_prices(db: Database, line_ids: Sequence[str]) -> list[tuple[str, str, int]]:
    """Read (line id, title, price of a unit in minor units) of lines."""
    rows = db.all(
        f"SELECT id, title, price_minor FROM order_line WHERE id IN ({marks(line_ids)})",
        *line_ids,
    )
    return [(row[0], row[1], row[2]) for row in rows]


def exclude(db: Database, units: Iterable[tuple[str, int]]) -> None:
    """Exclude (line id, units) of locked orders from processing; a recount follows."""
    db.many(
        "UPDATE order_line SET excluded = excluded + ?, open_units = open_units - ? WHERE id = ?",
        [(count, count, line_id) for line_id, count in units],
    )


def mark_waiting(db: Database, order_ids: Sequence[str], reason: PendingReason) -> None:
    """Say why all open units of orders wait."""
    db.run(
        "UPDATE order_line SET pending_reason = ? WHERE open_units > 0"
        f" AND order_id IN ({marks(order_ids)})",
        reason.value,
        *order_ids,
    )


def forget_lines(db: Database, line_ids: Sequence[str]) -> None:
    """Note that the store does not show lines any more: nothing of them is wanted."""
    db.run(
        f"UPDATE order_line SET wanted = 0, is_fulfilled = FALSE WHERE id IN ({marks(line_ids)})",
        *line_ids,
    )


def pending_reasons(db: Database, order_ids: Sequence[str]) -> dict[str, str]:
    """Read by line id why units of orders wait; empty where nobody has said so yet."""
    rows = db.all(
        f"SELECT id, pending_reason FROM order_line WHERE order_id IN ({marks(order_ids)})",
        *order_ids,
    )
    return {row[0]: row[1] for row in rows}


def write_pending_reasons(db: Database, reasons: Iterable[tuple[str, PendingReason]]) -> None:
    """Say of (line id, reason) why its open units wait."""
    db.many(
        "UPDATE order_line SET pending_reason = ? WHERE id = ?",
        [(reason.value, line_id) for line_id, reason in reasons],
    )


def _detail(snapshot: OrderSnapshot) -> Row:
    # asdict copies deeply, which a flat record does not need.
    address = {name: getattr(snapshot.address, name) for name in Address.__slots__}
    text = json.dumps(address, ensure_ascii=False)
    return snapshot.customer_email, snapshot.note, text, snapshot.raw

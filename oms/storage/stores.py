"""Stores, their credentials, their sync runs, and the orders that could not be taken."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from oms.domain.errors import AlreadyExists, NotFound
from oms.domain.ids import IdKind, new_id
from oms.domain.snapshots import MalformedOrder
from oms.domain.stores import (
    UNFINISHED_RUN_STATES,
    Processing,
    QuarantinedOrder,
    Store,
    StoreState,
    SyncRun,
    SyncRunState,
    WriteBackMode,
)
from oms.storage.database import Database, Row

_STORE = (
    "SELECT id, merchant_id, display_name, platform, base_url, state, processing,"
    " sync_interval_seconds, synced_until_at, products_synced_until_at, version, created_at,"
    " COALESCE((SELECT MAX(r.id) FROM sync_run r WHERE r.store_id = store.id), ''),"
    " write_back_mode, write_back_since_at FROM store"
)


def insert(db: Database, store: Store, credentials: Mapping[str, str]) -> None:
    """Write a store with its credentials; raises AlreadyExists for an address that is connected."""
    inserted = db.run(
        "INSERT INTO store (id, merchant_id, display_name, platform, base_url, state, processing,"
        " sync_interval_seconds, version, created_at, write_back_mode)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        store.id,
        store.merchant_id,
        store.display_name,
        store.platform,
        store.base_url,
        store.state.value,
        store.processing.value,
        store.sync_interval_seconds,
        store.version,
        store.created_at,
        store.write_back_mode.value,
    )
    if not inserted:
        raise AlreadyExists(f"{store.base_url} is connected already", resource=store.base_url)
    set_credentials(db, store.id, credentials)


def set_credentials(db: Database, store_id: str, credentials: Mapping[str, str]) -> None:
    """Replace the credentials of a store."""
    db.run("DELETE FROM store_credential WHERE store_id = ?", store_id)
    db.run(
        "INSERT INTO store_credential (store_id, body) VALUES (?, ?)",
        store_id,
        json.dumps(dict(credentials)),
    )


def drop_credentials(db: Database, store_id: str) -> None:
    """Forget the credentials of a store."""
    db.run("DELETE FROM store_credential WHERE store_id = ?", store_id)


def credentials(db: Database, store_id: str) -> dict[str, str]:
    """Read the credentials of a store; empty when they were forgotten."""
    row = db.one("SELECT body FROM store_credential WHERE store_id = ?", store_id)
    return {} if row is None else json.loads(row[0])


def update(db: Database, store: Store) -> None:
    """Write the changeable fields of a store that was read with a lock; its version grows."""
    db.run(
        "UPDATE store SET display_name = ?, state = ?, processing = ?, sync_interval_seconds = ?,"
        " write_back_mode = ?, write_back_since_at = ?, version = version + 1 WHERE id = ?",
        store.display_name,
        store.state.value,
        store.processing.value,
        store.sync_interval_seconds,
        store.write_back_mode.value,
        store.write_back_since_at,
        store.id,
    )


def set_synced_until(db: Database, store_id: str, orders_at: int, products_at: int) -> None:
    """Record up to where a store has been read completely (epoch ms)."""
    db.run(
        "UPDATE store SET synced_until_at = ?, products_synced_until_at = ? WHERE id = ?",
        orders_at,
        products_at,
        store_id,
    )


def get(db: Database, merchant_id: str, store_id: str, *, lock: bool = False) -> Store:
    """Read one store of a merchant; raises NotFound."""
    row = db.one(
        f"{_STORE} WHERE id = ? AND merchant_id = ?{db.lock_rows if lock else ''}",
        store_id,
        merchant_id,
    )
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/stores/{store_id}")
    return _store(row)


def lock(db: Database, store_id: str) -> None:
    """Keep others from applying orders of a store at the same time; SQLite is locked already."""
    if db.lock_rows:
        db.one("SELECT id FROM store WHERE id = ? FOR UPDATE", store_id)


def page(db: Database, merchant_id: str, after: str, limit: int) -> list[Store]:
    """Return a merchant's stores with an id above `after`, oldest first."""
    rows = db.all(
        f"{_STORE} WHERE merchant_id = ? AND id > ? ORDER BY id LIMIT ?", merchant_id, after, limit
    )
    return [_store(row) for row in rows]


def _store(row: Row) -> Store:
    return Store(
        id=row[0],
        merchant_id=row[1],
        display_name=row[2],
        platform=row[3],
        base_url=row[4],
        state=StoreState(row[5]),
        processing=Processing(row[6]),
        sync_interval_seconds=row[7],
        synced_until_at=row[8],
        products_synced_until_at=row[9],
        version=row[10],
        created_at=row[11],
        latest_sync_run_id=row[12],
        write_back_mode=WriteBackMode(row[13]),
        write_back_since_at=row[14],
    )


def turn_name(store_id: str) -> str:
    """Name the turn of those who call a store."""
    return f"stores/{store_id}"


# --- Sync runs --------------------------------------------------------------------------------

_RUN = (
    "SELECT id, merchant_id, store_id, state, product_count, order_count, order_count_expected,"
    " created_count, changed_count, unchanged_count, quarantined_count, problem_reason,"
    " problem_message, problem_at, failure_count, next_attempt_at, created_at, started_at,"
    " finished_at FROM sync_run"
)


def new_run(store: Store, now_ms: int) -> SyncRun:
    """Make a queued run, not yet written."""
    return SyncRun(
        id=new_id(IdKind.SYNC_RUN, now_ms),
        merchant_id=store.merchant_id,
        store_id=store.id,
        state=SyncRunState.QUEUED,
        product_count=0,
        order_count=0,
        order_count_expected=0,
        created_count=0,
        changed_count=0,
        unchanged_count=0,
        quarantined_count=0,
        problem_reason="",
        problem_message="",
        problem_at=None,
        failure_count=0,
        next_attempt_at=None,
        created_at=now_ms,
        started_at=None,
        finished_at=None,
    )


def insert_run(db: Database, run: SyncRun) -> None:
    """Write a new run."""
    db.run(
        "INSERT INTO sync_run (id, merchant_id, store_id, state, product_count, order_count,"
        " order_count_expected, created_count, changed_count, unchanged_count, quarantined_count,"
        " problem_reason, problem_message, failure_count, created_at, started_at)"
        " VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, '', '', 0, ?, ?)",
        run.id,
        run.merchant_id,
        run.store_id,
        run.state.value,
        run.created_at,
        run.started_at,
    )


def update_run(db: Database, run: SyncRun) -> None:
    """Write everything that changes in a run."""
    db.run(
        "UPDATE sync_run SET state = ?, product_count = ?, order_count = ?,"
        " order_count_expected = ?, created_count = ?, changed_count = ?, unchanged_count = ?,"
        " quarantined_count = ?, problem_reason = ?, problem_message = ?, problem_at = ?,"
        " failure_count = ?, next_attempt_at = ?, started_at = ?, finished_at = ? WHERE id = ?",
        run.state.value,
        run.product_count,
        run.order_count,
        run.order_count_expected,
        run.created_count,
        run.changed_count,
        run.unchanged_count,
        run.quarantined_count,
        run.problem_reason,
        run.problem_message,
        run.problem_at,
        run.failure_count,
        run.next_attempt_at,
        run.started_at,
        run.finished_at,
        run.id,
    )


def run(db: Database, merchant_id: str, store_id: str, run_id: str) -> SyncRun:
    """Read one run; raises NotFound."""
    row = db.one(
        f"{_RUN} WHERE id = ? AND store_id = ? AND merchant_id = ?", run_id, store_id, merchant_id
    )
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/stores/{store_id}/syncRuns/{run_id}")
    return _run(row)


def runs(db: Database, merchant_id: str, store_id: str, before: str, limit: int) -> list[SyncRun]:
    """Return a store's runs, newest first, older than the id `before`."""
    rows = db.all(
        f"{_RUN} WHERE store_id = ? AND merchant_id = ? AND (? = '' OR id < ?)"
        " ORDER BY id DESC LIMIT ?",
        store_id,
        merchant_id,
        before,
        before,
        limit,
    )
    return [_run(row) for row in rows]


def unfinished_runs(db: Database, store_id: str) -> list[SyncRun]:
    """Return the runs of a store that have not ended, oldest first."""
    rows = db.all(
        f"{_RUN} WHERE store_id = ? AND state IN (?, ?, ?) ORDER BY id",
        store_id,
        *UNFINISHED_RUN_STATES,
    )
    return [_run(row) for row in rows]


def _run(row: Row) -> SyncRun:
    found = SyncRun(*row)
    return replace(found, state=SyncRunState(row[3]))


# --- Quarantine -------------------------------------------------------------------------------

_UNNAMED = "?"  # Begins the key of an order of which not even the id could be read.


def quarantine_order(db: Database, store: Store, order: MalformedOrder, now_ms: int) -> None:
    """Keep an order that could not be taken with what is wrong with it; repeated is updated."""
    key = order.external_id or _UNNAMED + hashlib.sha256(order.raw).hexdigest()[:16]
    db.run(
        "INSERT INTO quarantined_order (id, merchant_id, store_id, external_id, problem, document,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (store_id, external_id) DO UPDATE SET problem = excluded.problem,"
        " document = excluded.document, updated_at = excluded.updated_at",
        new_id(IdKind.QUARANTINED_ORDER, now_ms),
        store.merchant_id,
        store.id,
        key,
        order.problem,
        order.raw,
        now_ms,
        now_ms,
    )


def release_quarantined(db: Database, store_id: str, external_ids: list[str]) -> None:
    """Forget the quarantine of orders that can be taken now."""
    db.many(
        "DELETE FROM quarantined_order WHERE store_id = ? AND external_id = ?",
        [(store_id, external_id) for external_id in external_ids],
    )


def quarantined_orders(
    db: Database, merchant_id: str, before: str, limit: int
) -> list[QuarantinedOrder]:
    """Return a merchant's quarantined orders, newest first, older than the id `before`."""
    rows = db.all(
        "SELECT id, merchant_id, store_id, external_id, problem, created_at, updated_at"
        " FROM quarantined_order WHERE merchant_id = ? AND (? = '' OR id < ?)"
        " ORDER BY id DESC LIMIT ?",
        merchant_id,
        before,
        before,
        limit,
    )
    return [
        QuarantinedOrder(
            id=row[0],
            merchant_id=row[1],
            store_id=row[2],
            external_id="" if row[3].startswith(_UNNAMED) else row[3],
            problem=row[4],
            created_at=row[5],
            updated_at=row[6],
        )
        for row in rows
    ]


def quarantined_count(db: Database, merchant_id: str, store_id: str) -> int:
    """Count a merchant's quarantined orders, of one store or (empty) of all."""
    row = db.one(
        "SELECT COUNT(*) FROM quarantined_order WHERE merchant_id = ? AND (? = '' OR store_id = ?)",
        merchant_id,
        store_id,
        store_id,
    )
    return 0 if row is None else int(row[0])

"""Stores: connected, changed, tested, disconnected, and asked to sync."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from oms.domain.errors import GatewayError, InvalidInput, Refused
from oms.domain.ids import IdKind, new_id
from oms.domain.jobs import JobKind
from oms.domain.snapshots import StoreIdentity
from oms.domain.stores import (
    FILES_PLATFORM,
    Processing,
    Store,
    StoreState,
    SyncRun,
    SyncRunState,
    WriteBackMode,
)
from oms.storage import jobs, schedule, stores, turns
from oms.storage.schedule import Slot
from oms.usecases.context import Oms, Transaction, require_version
from oms.usecases.ports import StoreAddress
from oms.usecases.release_lines import request_release

SYNC_INTERVAL_SECONDS_DEFAULT = 300
_DEFAULT_MODES = {FILES_PLATFORM: WriteBackMode.OFF}


@dataclass(frozen=True, slots=True)
class ConnectStore:
    """A store to connect; an empty name takes the store's own title."""

    platform: str
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    display_name: str = ""
    processing: Processing = Processing.AUTOMATIC
    sync_interval_seconds: int = 0
    write_back_mode: WriteBackMode | None = None


def identify_store(oms: Oms, command: ConnectStore) -> ConnectStore:
    """Ask a store whether address and key work; outside any transaction.

    Raises:
        InvalidInput: the address is none that may be connected.
        GatewayError: the store does not answer as it should.
    """
    address = StoreAddress(command.platform, command.base_url, command.credentials)
    identity = oms.stores.open(address).identify()
    return replace(command, display_name=command.display_name or identity.title or command.base_url)


def connect_store(tx: Transaction, command: ConnectStore) -> Store:
    """Write a store that was identified, and start its first sync if there is something to pull.

    Raises:
        AlreadyExists
        InvalidInput: it cannot be told of parcels in that way.
    """
    store = Store(
        id=new_id(IdKind.STORE, tx.now_ms),
        merchant_id=tx.owner_id,
        display_name=command.display_name,
        platform=command.platform,
        base_url=command.base_url.rstrip("/"),
        state=StoreState.CONNECTED,
        processing=command.processing,
        sync_interval_seconds=command.sync_interval_seconds or SYNC_INTERVAL_SECONDS_DEFAULT,
        synced_until_at=None,
        products_synced_until_at=None,
        version=1,
        created_at=tx.now_ms,
        write_back_mode=WriteBackMode.SEPARATE
        if command.platform != FILES_PLATFORM
        else WriteBackMode.OFF,
    )
    store = replace(store, write_back_mode=_write_back_mode(store, command.write_back_mode))
    stores.insert(tx.db, store, command.credentials)
    if store.is_pulled:
        _put_on_schedule(tx, store)
        request_sync(tx, store.id)
    return stores.get(tx.db, tx.owner_id, store.id)


@dataclass(frozen=True, slots=True)
class UpdateStore:
    """Changes of a store; what is empty, None or 0 is kept."""

    store_id: str
    display_name: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    processing: Processing | None = None
    sync_interval_seconds: int = 0
    write_back_mode: WriteBackMode | None = None
    etag: str = ""


def update_store(tx: Transaction, command: UpdateStore) -> Store:
    """Change a store; new credentials connect it again.

    Raises:
        NotFound, Conflict
        InvalidInput: the credentials cannot be right, or it cannot be told of parcels in that way.
    """
    found = _locked(tx, command.store_id, command.etag)
    if command.credentials:
        tx.oms.stores.open(StoreAddress(found.platform, found.base_url, command.credentials))
    changed = replace(
        found,
        display_name=command.display_name or found.display_name,
        processing=command.processing or found.processing,
        sync_interval_seconds=command.sync_interval_seconds or found.sync_interval_seconds,
        state=StoreState.CONNECTED if command.credentials else found.state,
        write_back_mode=_write_back_mode(found, command.write_back_mode),
        write_back_since_at=_write_back_since(tx, found, command),
    )
    stores.update(tx.db, changed)
    if command.credentials:
        stores.set_credentials(tx.db, found.id, command.credentials)
    if changed.state == StoreState.CONNECTED and changed.is_pulled:
        _put_on_schedule(tx, changed)
    if changed.processing == Processing.AUTOMATIC != found.processing:
        request_release(tx, tx.owner_id)
    return stores.get(tx.db, tx.owner_id, found.id)


def _write_back_mode(store: Store, wanted: WriteBackMode | None) -> WriteBackMode:
    """Choose what is wanted, or keep what is there."""
    if wanted not in {None, WriteBackMode.OFF} and not store.is_pulled:
        raise InvalidInput.of("write_back_mode", "is OFF for files: there is no web store to tell")
    return wanted or store.write_back_mode


def _write_back_since(tx: Transaction, found: Store, command: UpdateStore) -> int:
    """Return from when on parcels are told: customers do not hear of those from before it was OFF.

    Whole seconds, since that is how exactly carriers tell when they got a parcel.
    """
    mode = command.write_back_mode or found.write_back_mode
    is_switched_on = mode != WriteBackMode.OFF == found.write_back_mode
    return tx.now_ms // 1000 * 1000 if is_switched_on else found.write_back_since_at


@dataclass(frozen=True, slots=True)
class DisconnectStore:
    """A store that is to be synced no longer."""

    store_id: str
    etag: str = ""


def disconnect_store(tx: Transaction, command: DisconnectStore) -> Store:
    """Stop syncing a store and forget its credentials. Raises NotFound, Conflict."""
    found = _locked(tx, command.store_id, command.etag)
    stores.update(tx.db, replace(found, state=StoreState.DISCONNECTED))
    stores.drop_credentials(tx.db, found.id)
    schedule.remove(tx.db, sync_name(found.id))
    return stores.get(tx.db, tx.owner_id, found.id)


@dataclass(frozen=True, slots=True)
class StoreTest:
    """What a store answered: who it is, or what is wrong."""

    identity: StoreIdentity | None
    problem: GatewayError | None


def probe_store(oms: Oms, merchant_id: str, store_id: str) -> StoreTest:
    """Ask a connected store whether its address and key work. Raises NotFound, Refused."""
    with oms.db.session():
        store = stores.get(oms.db, merchant_id, store_id)
        require_connected(store)
        address = StoreAddress(store.platform, store.base_url, stores.credentials(oms.db, store_id))
        rest_ms = turns.rests_until(oms.db, stores.turn_name(store_id)) - oms.clock.now_ms()
    if rest_ms > 0:
        return StoreTest(None, _rests(rest_ms / 1000))
    try:
        return StoreTest(oms.stores.open(address).identify(), None)
    except GatewayError as problem:
        _remember_rest(oms, store_id, problem)
        return StoreTest(None, problem)


def _rests(seconds: float) -> GatewayError:
    return GatewayError(
        f"the store asked to be left alone for another {seconds:.0f} s: it was not asked",
        reason="GATEWAY_THROTTLED",
        retry_after_seconds=seconds,
    )


def _remember_rest(oms: Oms, store_id: str, problem: GatewayError) -> None:
    if problem.retry_after_seconds:
        with oms.db.transaction():
            now_ms = oms.clock.now_ms()
            not_before = now_ms + int(problem.retry_after_seconds * 1000)
            turns.rest(oms.db, stores.turn_name(store_id), not_before, now_ms)


def request_sync(tx: Transaction, store_id: str) -> SyncRun:
    """Ask for a sync; a run that is queued already is returned instead of a second one.

    Raises:
        NotFound: no such store.
        Refused: it is disconnected, or takes its orders from files.
    """
    store = stores.get(tx.db, tx.owner_id, store_id, lock=True)
    require_connected(store)
    if not store.is_pulled:
        name = f"merchants/{store.merchant_id}/stores/{store.id}"
        raise Refused(f"{name} takes orders from files: send them with ImportOrders")
    for run in stores.unfinished_runs(tx.db, store_id):
        if run.state == SyncRunState.QUEUED:
            return run
    jobs.enqueue(
        tx.db,
        JobKind.SYNC_STORE,
        tx.now_ms,
        args={"store_id": store_id},
        dedupe_key=sync_name(store_id),
        merchant_id=store.merchant_id,
    )
    run = stores.new_run(store, tx.now_ms)
    stores.insert_run(tx.db, run)
    return run


def require_connected(store: Store) -> None:
    """Refuse what needs a connected store."""
    if store.state != StoreState.CONNECTED:
        name = f"merchants/{store.merchant_id}/stores/{store.id}"
        raise Refused(
            f"{name} is disconnected: send its credentials with UpdateStore to connect it again",
            reason="STORE_DISCONNECTED",
            store=name,
        )


def sync_name(store_id: str) -> str:
    """Name a store's row of the timetable, which is the dedupe key of its sync jobs."""
    return f"sync_store:{store_id}"


def _locked(tx: Transaction, store_id: str, etag: str) -> Store:
    found = stores.get(tx.db, tx.owner_id, store_id, lock=True)
    require_version(f"merchants/{tx.owner_id}/stores/{store_id}", etag, found.version)
    return found


def _put_on_schedule(tx: Transaction, store: Store) -> None:
    every_ms = store.sync_interval_seconds * 1000
    slot = Slot(
        name=sync_name(store.id),
        kind=JobKind.SYNC_STORE,
        every_ms=every_ms,
        first_at=tx.now_ms + every_ms,
        args={"store_id": store.id},
        merchant_id=store.merchant_id,
    )
    schedule.put(tx.db, slot)

"""Take orders from a file: a run with a name, batch by batch, each batch one fenced transaction.

A run is begun by the first message and counts anew whenever its name is used again. Nothing else
has to be resumed: what an earlier attempt has taken is known by the content of each order and
changes nothing. While one attempt takes rows, a second one of the same run is refused; one that
was not heard of for `LEASE_MS` is taken to be dead, and whatever it still tries is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from oms.domain.errors import Conflict, Refused
from oms.domain.ids import IdKind, new_id
from oms.domain.imports import BrokenRow, FileOrder, ImportFormat, ImportRun, ImportRunState
from oms.domain.snapshots import OrderSnapshot
from oms.domain.stores import Store
from oms.storage import import_runs, stores
from oms.usecases.apply_orders import apply_orders
from oms.usecases.context import Oms, Transaction, again_if_contended
from oms.usecases.manage_stores import require_connected

BATCH_ORDERS_MAX = 200  # About a tenth of a second for whoever waits for the write lock.
BATCH_BROKEN_MAX = 1_000
LEASE_MS = 10_000  # Longer than streams rest without a word, and than a batch takes.
HEARD_EVERY_MS = 2_000


@dataclass(frozen=True, slots=True)
class BeginImport:
    """A file to take in. `exported_at` is epoch seconds, None when it is not known."""

    name: str
    store_id: str
    format: ImportFormat
    exported_at: int | None = None


def begin_import(oms: Oms, merchant_id: str, command: BeginImport) -> "OrderIntake":
    """Begin a run, or begin it anew.

    Raises:
        NotFound: the store.
        Refused: the store is disconnected, or another attempt takes rows.
    """
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        store = stores.get(oms.db, merchant_id, command.store_id)
        require_connected(store)
        run = _begin(oms, store, command, now_ms)
    return OrderIntake(oms, store, run, command.exported_at)


def _begin(oms: Oms, store: Store, command: BeginImport, now_ms: int) -> ImportRun:
    begun = ImportRun(
        id=new_id(IdKind.IMPORT_RUN, now_ms),
        merchant_id=store.merchant_id,
        name=command.name,
        store_id=store.id,
        format=command.format,
        state=ImportRunState.RUNNING,
        attempt=1,
        line_count=0,
        order_count=0,
        created_count=0,
        changed_count=0,
        unchanged_count=0,
        broken_count=0,
        problem="",
        heard_at=now_ms,
        started_at=now_ms,
        finished_at=None,
    )
    if import_runs.insert(oms.db, begun):
        return begun
    known = import_runs.lock(oms.db, store.merchant_id, command.name)
    assert known is not None
    if known.state == ImportRunState.RUNNING and now_ms < known.heard_at + LEASE_MS:
        left = (known.heard_at + LEASE_MS - now_ms) // 1000 + 1
        raise Refused(
            f"the import run {command.name} takes rows already; if that one has ended without a"
            f" word, try again in {left} s"
        )
    again = replace(begun, id=known.id, attempt=known.attempt + 1)
    import_runs.write(oms.db, again, attempt=known.attempt)
    import_runs.forget_broken_rows(oms.db, known.id)
    return again


def as_seen(run: ImportRun, now_ms: int) -> ImportRun:
    """Return a run as it is: one that runs and was not heard of for long was interrupted."""
    if run.state == ImportRunState.RUNNING and now_ms >= run.heard_at + LEASE_MS:
        problem = "the server ended in the middle of it"
        return replace(run, state=ImportRunState.INTERRUPTED, problem=problem)
    return run


class OrderIntake:
    """Takes the bytes of one file; not to be used by two threads at once."""

    def __init__(self, oms: Oms, store: Store, run: ImportRun, exported_at: int | None) -> None:
        """Continue a run that was begun."""
        self._oms = oms
        self._store = store
        self._run = run
        self._file = oms.stores.read_file(run.format, exported_at)
        self._orders: dict[str, OrderSnapshot] = {}
        self._broken: list[BrokenRow] = []

    @property
    def run(self) -> ImportRun:
        """Return the run as far as it has come."""
        return self._run

    def take(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes; every step ends with a batch.

        Raises:
            InvalidInput: the file as a whole is not what it should be.
            Conflict: another attempt has taken over.
            NotFound, Refused: the store is not there any more.
        """
        yield from self._collect(self._file.feed(chunk))
        self.rest()

    def end(self) -> Iterator[None]:
        """Take what is left, and finish the run; raises as `take`."""
        yield from self._collect(self._file.end())
        self._write_batch(ImportRunState.SUCCEEDED)

    def rest(self) -> None:
        """Say that the run goes on, if that was not said a moment ago; raises Conflict."""
        now_ms = self._oms.clock.now_ms()
        if now_ms >= self._run.heard_at + HEARD_EVERY_MS:
            self._save(replace(self._run, heard_at=now_ms))

    def break_off(self, problem: str) -> None:
        """Mark the run as interrupted, unless it is somebody else's by now; rows stay taken."""
        ended = replace(
            self._run,
            state=ImportRunState.INTERRUPTED,
            problem=problem,
            finished_at=self._oms.clock.now_ms(),
        )
        with self._oms.db.transaction():
            import_runs.write(self._oms.db, ended, attempt=self._run.attempt)

    def _collect(self, found: Iterator[FileOrder | BrokenRow]) -> Iterator[None]:
        for item in found:
            if isinstance(item, BrokenRow):
                self._broken.append(item)
            else:
                if item.order.external_id in self._orders:
                    # The same order twice is taken as from two files, one after the other.
                    self._write_batch()
                    yield
                self._orders[item.order.external_id] = item.order
            if len(self._orders) >= BATCH_ORDERS_MAX or len(self._broken) >= BATCH_BROKEN_MAX:
                self._write_batch()
                yield

    def _write_batch(self, state: ImportRunState = ImportRunState.RUNNING) -> None:
        """Write what was collected, whole or not at all, with the run's counters."""
        self._run = again_if_contended(partial(self._write, state))
        self._oms.db.shed_cache()
        self._orders, self._broken = {}, []

    def _write(self, state: ImportRunState) -> ImportRun:
        orders, broken = list(self._orders.values()), self._broken
        with self._oms.db.transaction():
            tx = Transaction(self._oms.db, self._oms.clock.now_ms(), self._oms)
            self._fence(replace(self._run, heard_at=tx.now_ms))
            store = stores.get(tx.db, self._store.merchant_id, self._store.id)
            require_connected(store)
            applied = apply_orders(tx, store, orders, ())
            import_runs.add_broken_rows(tx.db, self._run, broken)
            is_over = state != ImportRunState.RUNNING
            run = replace(
                self._run,
                state=state,
                line_count=self._file.line_count,
                order_count=self._run.order_count + len(orders),
                created_count=self._run.created_count + applied.created,
                changed_count=self._run.changed_count + applied.changed,
                unchanged_count=self._run.unchanged_count + applied.unchanged,
                broken_count=self._run.broken_count + len(broken),
                heard_at=tx.now_ms,
                finished_at=tx.now_ms if is_over else None,
            )
            self._fence(run)
        return run

    def _save(self, run: ImportRun) -> None:
        with self._oms.db.transaction():
            self._fence(run)
        self._run = run

    def _fence(self, run: ImportRun) -> None:
        if not import_runs.write(self._oms.db, run, attempt=run.attempt):
            name = f"merchants/{run.merchant_id}/importRuns/{run.name}"
            raise Conflict(
                f"another import of {name} has taken over",
                resource=name,
                current_etag=str(import_runs.get(self._oms.db, run.merchant_id, run.name).attempt),
            )

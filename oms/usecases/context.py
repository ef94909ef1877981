"""What every use case is given: the database, the clock, the outside world, and who calls."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from oms import crash_points
from oms.domain.errors import Conflict, Contended
from oms.domain.poll_schedule import Cadence
from oms.domain.principals import SYSTEM, Principal
from oms.storage import requests
from oms.storage.database import Database
from oms.usecases.ports import (
    CarrierGateway,
    Clock,
    Machine,
    PhotoStore,
    PictureDecoder,
    StoreGateways,
)

log = logging.getLogger(__name__)

GIVING_WAY_MAX = 2  # How often a transaction that gave way to others is run again.

C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices of the operator. Seconds unless said otherwise."""

    sync_overlap_seconds: int = 120  # Stores commit late: read this much of the last window again.
    tracking_tick_seconds: float = 30.0  # How often due parcels are looked for.
    cadence: Cadence = field(default_factory=Cadence)


@dataclass(frozen=True, slots=True)
class Oms:
    """The order management, wired. `carrier` is None when no tracking service is configured."""

    db: Database
    clock: Clock
    stores: StoreGateways
    carrier: CarrierGateway | None
    photos: PhotoStore
    decoder: PictureDecoder
    machine: Machine
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one method. `body_hash` tells two requests with one `request_id` apart."""

    caller: Principal
    method: str
    request_id: str = ""
    body_hash: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open write transaction. `caller` is None in a job."""

    db: Database
    now_ms: int
    oms: Oms
    caller: Principal | None = None

    @property
    def actor(self) -> str:
        """Name who acts, for history."""
        return SYSTEM if self.caller is None else self.caller.actor

    @property
    def owner_id(self) -> str:
        """Return the id of the calling merchant or vendor."""
        assert self.caller is not None
        return self.caller.id


UseCase = Callable[[Transaction, C], R]


def mutate(
    oms: Oms,
    call: Call,
    use_case: UseCase[C, R],
    command: C,
    encode: Callable[[R], bytes],
    remember: Callable[[R], bytes] | None = None,
) -> bytes:
    """Run a use case in one transaction, at most once per request id; return the encoded answer.

    The same id again returns the answer of the first call; `remember` encodes what is kept for
    that, where it differs (secrets are shown once). A use case does nothing outside its
    transaction: one that had to give way to others is run again.
    """

    def run() -> bytes:
        with oms.db.transaction():
            now_ms = oms.clock.now_ms()
            if call.request_id:
                earlier = requests.begin(
                    oms.db, **_key(call), body_hash=call.body_hash, now_ms=now_ms
                )
                if earlier is not None:
                    return earlier
            result = use_case(Transaction(oms.db, now_ms, oms, call.caller), command)
            answer = encode(result)
            if call.request_id:
                requests.complete(oms.db, **_key(call), answer=(remember or encode)(result))
            crash_points.reach("call.written")
        crash_points.reach("call.committed")
        return answer

    return again_if_contended(run)


def again_if_contended(run: Callable[[], R]) -> R:
    """Run what is one transaction, or may be repeated; if it had to give way, run it again.

    The order of locks (ARCHITECTURE.md) leaves no deadlock that we know of. One that we do not
    know of costs its victim a moment instead of its call.

    Raises:
        Contended: it had to give way again and again.
    """
    for _ in range(GIVING_WAY_MAX):
        try:
            return run()
        except Contended:
            log.warning("gave way to another transaction: once more")
    return run()


def _key(call: Call) -> dict[str, str]:
    return {"principal": call.caller.actor, "method": call.method, "request_id": call.request_id}


def earlier_answer(oms: Oms, call: Call) -> bytes | None:
    """Look up the answer to a request id before work that happens outside the transaction."""
    if not call.request_id:
        return None
    with oms.db.session():
        return requests.find(
            oms.db,
            principal=call.caller.actor,
            method=call.method,
            request_id=call.request_id,
            body_hash=call.body_hash,
        )


def require_version(resource: str, etag: str, version: int) -> None:
    """Refuse a change of something that was not read as it is now; an empty etag always passes.

    Raises:
        Conflict: with the present etag.
    """
    if etag and etag != str(version):
        raise Conflict(
            f"{resource} changed since it was read: its etag is {version}, not {etag}; read again",
            resource=resource,
            current_etag=version,
        )

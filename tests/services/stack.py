"""The whole product for a test: server, order management, pretend shop and carrier, and callers."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from google.protobuf.message import Message

from app.demo.carrier import TOKEN as CARRIER_TOKEN
from app.demo.carrier import PretendCarrier
from app.demo.shop import Hook, PretendShop, ShopOptions
from app.demo.shop_reply import Reply
from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.errors import FbaliError
from oms.domain.accounts import Token
from oms.domain.ids import IdKind, new_id
from oms.domain.partnerships import PartnershipEvent
from oms.domain.poll_schedule import Cadence
from oms.domain.principals import Principal, Role
from oms.gateways.carriers.seventeentrack import SeventeenTrack
from oms.gateways.http import HttpSettings, trust_store
from oms.gateways.photos.decoder import ProcessDecoder
from oms.gateways.photos.disk import DiskPhotoStore
from oms.gateways.stores.registry import StoreRegistry
from oms.settings import Settings, read_settings
from oms.storage import accounts, jobs
from oms.storage.database import Database
from oms.storage.tables import TABLES
from oms.usecases.context import Oms, Policy, Transaction
from oms.usecases.manage_accounts import (
    InviteVendor,
    IssueToken,
    MovePartnership,
    create_merchant,
    create_vendor,
    invite_vendor,
    issue_token,
    move_partnership,
)
from oms.usecases.run_job import Leases, run_job
from server.app import SERVICES, ApiThread
from workers.app import Workers

CARRIER_SECONDS_PER_STEP = 10.0
WAIT_SECONDS_MAX = 20.0
POLL_SECONDS = 0.01
JOBS_AT_ONCE_MAX = 1_000

# Service of the contract -> the client's property for it.
STUBS = {
    "OrderService": "orders",
    "HostingService": "hosting",
    "FulfillmentService": "fulfillment",
    "AfterSalesService": "after_sales",
    "AdminService": "admin",
}
METHODS = {
    method.name: (service.name, method) for service in SERVICES for method in service.methods
}

T = TypeVar("T")
Dump = Mapping[str, Sequence[tuple[Any, ...]]]


class StackClock:
    """Real time, and whatever a test adds to it; product, shop and carrier share it."""

    def __init__(self) -> None:
        self._ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def now_seconds(self) -> int:
        return self.now_ms() // 1000

    def advance(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)


@dataclass(frozen=True)
class Caller:
    """Somebody with a token (or none), and the shipped client that carries it."""

    role: Role | None
    id: str
    client: Client
    secret: str = ""
    token_name: str = ""

    @property
    def name(self) -> str:
        return f"{self.role.value.lower()}s/{self.id}" if self.role and self.id else ""

    def call(self, request: Message) -> Any:
        """Call the method whose request this is, over the wire.

        A client stream has this one message; of a server stream the first answer is returned.
        """
        service, method = METHODS[request.DESCRIPTOR.name.removesuffix("Request")]
        call = getattr(getattr(self.client, STUBS[service]), method.name)
        if method.client_streaming:
            return call(iter([request]))
        if method.server_streaming:
            answers = call(request)
            first = next(answers, None)
            if method.name.startswith("Watch"):
                answers.cancel()  # It would never end.
            else:
                list(answers)
            return first
        return call(request)

    def code(self, request: Message) -> str:
        """Tell the gRPC code that a request is answered with."""
        try:
            self.call(request)
        except FbaliError as refusal:
            return refusal.code
        return "OK"


@dataclass
class StackOptions:
    """What a test wants to be different; `hook` answers the shop's requests if it returns one."""

    store_timeout_seconds: float = 5.0
    worker_threads: int = 4
    hook: Hook = field(default=lambda _path, _query: None)
    shop: Mapping[str, Any] = field(default_factory=dict)  # Further ShopOptions.


class Stack:
    """Running when made; use it as a context manager, or call `close`."""

    def __init__(self, database: Database, folder: Path, options: StackOptions | None = None):
        self.options = options or StackOptions()
        self.clock = StackClock()
        self._closing = ExitStack()
        self.shop = self._closing.enter_context(self._shop())
        self.carrier = self._closing.enter_context(
            PretendCarrier(self.clock, seconds_per_step=CARRIER_SECONDS_PER_STEP)
        )
        self.settings = _settings(database, folder, self.options)
        self.oms = _wire(database, self)
        self._leases = Leases(self.oms)
        self._closing.callback(database.close)
        self.api = self._serve(self.oms)
        self._add_accounts()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.close()

    @property
    def db(self) -> Database:
        return self.oms.db

    # --- Callers ------------------------------------------------------------------------------

    def caller(self, role: Role | None, principal_id: str = "", secret: str = "") -> Caller:
        """Connect somebody who has a secret already, or nothing at all."""
        policy = CallPolicy(sleep=lambda _seconds: None)
        client = Client(f"127.0.0.1:{self.api.port}", token=secret, policy=policy)
        self._closing.callback(client.close)
        return Caller(role, principal_id, client, secret)

    def new_caller(self, role: Role, principal_id: str = "") -> Caller:
        """Issue a token and connect with it."""
        with self.db.transaction():
            issued = issue_token(self._transaction(), IssueToken(role, principal_id, "test"))
        made = self.caller(role, principal_id, issued.secret)
        return replace(made, token_name=f"tokens/{issued.token.id}")

    def expired_caller(self, role: Role, principal_id: str) -> Caller:
        """Connect with a token that has stopped working a second ago."""
        now_ms, secret = self.clock.now_ms(), f"fba_expired_{role.value.lower()}"
        token = Token(
            id=new_id(IdKind.TOKEN, now_ms),
            role=role,
            principal_id=principal_id,
            display_name="expired",
            created_at=now_ms - 5000,
            expire_at=now_ms - 1000,
            revoked_at=None,
        )
        with self.db.transaction():
            accounts.insert_token(self.db, token, secret)
        return self.caller(role, principal_id, secret)

    def vendor(self, display_name: str, *merchants: Caller, acceptance_required: bool = False):
        """Add a vendor who works for merchants."""
        with self.db.transaction():
            vendor_id = create_vendor(self._transaction(), display_name).id
            invitation = InviteVendor(vendor_id, acceptance_required=acceptance_required)
            for merchant in merchants:
                tx = replace(self._transaction(), caller=_principal(merchant))
                invite_vendor(tx, invitation)
                move_partnership(
                    tx, MovePartnership(merchant.id, vendor_id, PartnershipEvent.ACCEPT)
                )
        return self.new_caller(Role.VENDOR, vendor_id)

    def merchant_named(self, display_name: str) -> Caller:
        with self.db.transaction():
            merchant_id = create_merchant(self._transaction(), display_name).id
        return self.new_caller(Role.MERCHANT, merchant_id)

    # --- Work ---------------------------------------------------------------------------------

    def work(self) -> None:
        """Run what is due, and what that causes, in this thread until nothing is due any more."""
        for _ in range(JOBS_AT_ONCE_MAX):
            due = jobs.take_due(self.db, self.clock.now_ms(), 50)
            if not due:
                return
            for job_id, _kind in due:
                run_job(self.oms, self._leases, job_id)
        raise AssertionError("work never ends")

    def start_workers(self) -> Workers:
        """Start the threads that do the work from now on."""
        settings = replace(self.settings, worker_threads=self.options.worker_threads)
        workers = Workers(self.oms, settings)
        workers.start()
        self._closing.callback(workers.stop)
        return workers

    # --- Parts --------------------------------------------------------------------------------

    def serve(self, oms: Oms) -> int:
        """Start one more server on another order management; return its port."""
        return self._serve(oms).port

    def _serve(self, oms: Oms) -> ApiThread:
        api = ApiThread(oms, self.settings)
        self._closing.callback(api.stop)
        return api

    def _shop(self) -> PretendShop:
        def hook(path: str, query: Mapping[str, str]) -> Reply | None:
            return self.options.hook(path, query)

        options = ShopOptions(now_seconds=self.clock.now_seconds, hook=hook, **self.options.shop)
        return PretendShop(options)

    def _add_accounts(self) -> None:
        self.operator = self.new_caller(Role.OPERATOR)
        self.merchant = self.merchant_named("Merchant One")
        self.other_merchant = self.merchant_named("Merchant Two")
        self.vendor_a = self.vendor("Vendor A", self.merchant)
        self.vendor_b = self.vendor("Vendor B", self.merchant)
        self.other_vendor = self.vendor("Vendor Other", self.other_merchant)

    def _transaction(self) -> Transaction:
        return Transaction(self.db, self.clock.now_ms(), self.oms)


def _principal(caller: Caller) -> Principal:
    assert caller.role is not None
    return Principal(caller.role, caller.id, "")


def _settings(database: Database, folder: Path, options: StackOptions) -> Settings:
    return read_settings(
        {
            "FBALI_DATA_DIR": str(folder),
            "FBALI_DATABASE_URL": database.url,
            "FBALI_LISTEN": "127.0.0.1:0",
            "FBALI_STORE_TIMEOUT_SECONDS": str(options.store_timeout_seconds),
        }
    )


def _wire(database: Database, stack: Stack) -> Oms:
    http = HttpSettings(
        clock=stack.clock,
        tls=trust_store(),
        timeout_seconds=stack.settings.store_timeout_seconds,
        allow_private_addresses=True,
        pause=lambda _seconds: None,
    )
    return Oms(
        db=database,
        clock=stack.clock,
        stores=StoreRegistry(http),
        carrier=SeventeenTrack(CARRIER_TOKEN, http, base_url=stack.carrier.base_url),
        photos=DiskPhotoStore(stack.settings.photos_dir),
        decoder=ProcessDecoder(),
        policy=Policy(tracking_tick_seconds=0.1, cadence=Cadence.every(0.1)),
    )


def dump(database: Database, *, without: Iterable[str] = ()) -> Dump:
    """Read every row of every table but some, in an order that does not depend on the database."""
    names = [table._meta.table_name for table in TABLES]
    with database.session():
        return {
            name: sorted(
                (tuple(_plain(value) for value in row) for row in database.all(_all_of(name))),
                key=repr,
            )
            for name in names
            if name not in set(without)
        }


def _all_of(table: str) -> str:
    return f'SELECT * FROM "{table}"'


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def wait_for(found: Callable[[], T], *, seconds: float = WAIT_SECONDS_MAX) -> T:
    """Ask again and again until the answer is true; fail with the last one after a deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        with suppress(InterruptedError):
            time.sleep(POLL_SECONDS)
    return answer

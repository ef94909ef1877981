"""Many at once: one wins, the others are refused, and every ledger holds."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from google.protobuf.message import Message

from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1.allocation_pb2 import (
    ALLOCATION_STATE_ACCEPTED,
    ALLOCATION_STATE_CLOSED,
    ALLOCATION_STATE_REJECTED,
    REJECT_REASON_OUT_OF_STOCK,
)
from fbali.v1.order_service_pb2 import SyncOrdersRequest
from fbali.v1.package_pb2 import PackageLine, PackageState
from oms.storage.database import Database
from tests.functional import goods
from tests.functional.estate import (
    allocations_of,
    connect,
    host,
    last_id,
    orders_of,
    products_of,
    sync,
)
from tests.functional.ledgers import wrong_ledgers
from tests.services.lock_recorder import LockRecorder
from tests.services.stack import Caller, Stack, dump, wait_for

ORDERS = 12
THREADS = 20
SECONDS = 3.0
REFUSALS = {"FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND", "ABORTED"}


@pytest.fixture
def database(database: Database) -> Iterator[LockRecorder]:
    """Watches the order of locks, whatever is done at once."""
    recorder = LockRecorder(database.url)
    yield recorder
    recorder.close()
    assert recorder.faults == []


@pytest.fixture
def store(stack: Stack) -> str:
    """A store with orders of two lamps (vendor A) and three mats (vendor B) each."""
    now = stack.clock.now_seconds()
    units = {goods.LAMP: 2, goods.MAT_M: 3}
    orders = [goods.order(1001 + number, units, now=now) for number in range(ORDERS)]
    stack.shop.store.load(goods.products(now), orders)
    name = str(connect(stack, stack.merchant).name)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"])
    host(stack.merchant, stack.vendor_b, products["Mat"])
    stack.work()
    return name


def race(caller: Caller, requests: Sequence[Message]) -> list[str]:
    """Send all at the same moment; return the codes."""
    everybody = Barrier(len(requests))

    def call(request: Message) -> str:
        everybody.wait()
        return caller.code(request)

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(call, requests))


def test_allocation_is_either_accepted_or_rejected(stack: Stack, store: str):
    parts = allocations_of(stack.vendor_a)
    expected = {}

    for part in parts:
        accept = fulfillment.AcceptAllocationRequest(name=part.name)
        reject = fulfillment.RejectAllocationRequest(
            name=part.name, reject_reason=REJECT_REASON_OUT_OF_STOCK
        )
        codes = race(stack.vendor_a, [accept, reject])
        assert sorted(codes) == ["FAILED_PRECONDITION", "OK"]
        won = ALLOCATION_STATE_ACCEPTED if codes[0] == "OK" else ALLOCATION_STATE_REJECTED
        expected[part.name] = won

    assert {part.name: part.state for part in allocations_of(stack.vendor_a)} == expected
    assert len(expected) == ORDERS
    assert wrong_ledgers(stack.db) == []


@pytest.mark.parametrize("has_etag", [False, True])
def test_units_are_packed_once(stack: Stack, store: str, *, has_etag: bool):
    for part in allocations_of(stack.vendor_a):
        requests = [
            fulfillment.CreatePackageRequest(
                parent=part.name,
                tracking_number=f"SMOOTH-{part.order_number}-{number}",
                lines=[PackageLine(line=part.lines[0].line, quantity=2)],
                etag=part.etag if has_etag else "",
            )
            for number in range(2)
        ]
        refusal = "ABORTED" if has_etag else "FAILED_PRECONDITION"
        assert sorted(race(stack.vendor_a, requests)) == sorted(["OK", refusal])

    parts = allocations_of(stack.vendor_a)
    assert [(part.state, part.lines[0].packed_quantity, len(part.packages)) for part in parts] == [
        (ALLOCATION_STATE_CLOSED, 2, 1)
    ] * ORDERS
    assert wrong_ledgers(stack.db) == []


def test_one_of_many_gets_a_tracking_number(stack: Stack, store: str):
    requests = [
        fulfillment.CreatePackageRequest(parent=part.name, tracking_number="SMOOTH-1")
        for part in allocations_of(stack.vendor_a)
    ]

    codes = race(stack.vendor_a, requests)

    assert Counter(codes) == {"OK": 1, "ALREADY_EXISTS": ORDERS - 1}
    assert len(dump(stack.db)["package"]) == 1
    assert wrong_ledgers(stack.db) == []


def test_batches_that_name_the_same_numbers_the_other_way_round_do_not_block_each_other(
    stack: Stack, store: str, caplog: pytest.LogCaptureFixture
):
    parts = [part.name for part in allocations_of(stack.vendor_a)]
    numbers = [f"SMOOTH-{number}" for number in range(ORDERS // 2)]
    halves = [(parts[: ORDERS // 2], numbers), (parts[ORDERS // 2 :], numbers[::-1])]

    codes = race(
        stack.vendor_a,
        [
            fulfillment.BatchCreatePackagesRequest(
                parent="vendors/-",
                packages=[
                    fulfillment.PackageToCreate(allocation=part, tracking_number=number)
                    for part, number in zip(half, ordered, strict=True)
                ],
            )
            for half, ordered in halves
        ],
    )

    assert codes == ["OK", "OK"]
    assert "deadlock" not in caplog.text
    assert len(dump(stack.db)["package"]) == len(numbers)
    assert wrong_ledgers(stack.db) == []


def test_vendor_packs_while_the_store_takes_units_out(stack: Stack, store: str):
    for part in allocations_of(stack.vendor_a):
        number = int(part.order_number)
        stack.shop.store.refund(number, amount="71.23", units={number * 10: 1})
    pack = [
        fulfillment.CreatePackageRequest(
            parent=part.name, tracking_number=f"SMOOTH-{part.order_number}"
        )
        for part in allocations_of(stack.vendor_a)
    ]
    stack.clock.advance(5)
    stack.merchant.call(SyncOrdersRequest(name=store))
    workers = stack.start_workers()

    codes = race(stack.vendor_a, pack)

    wait_for(lambda: is_at_rest(stack))
    workers.stop()
    assert codes == ["OK"] * ORDERS
    assert wrong_ledgers(stack.db) == []
    lamps = [order.lines[0] for order in orders_of(stack.merchant)]
    # Whoever came first: a unit was withdrawn before it was packed, or its money alone goes back.
    assert {
        (line.packed_quantity, line.removed_quantity, line.open_quantity) for line in lamps
    } <= {(1, 1, 0), (2, 0, 0)}


def is_at_rest(stack: Stack) -> bool:
    """Tell whether no job but the regular ones waits."""
    with stack.db.session():
        rows = stack.db.all("SELECT kind FROM job WHERE state = 'PENDING'")
    return not {row[0] for row in rows} & {"allocate_orders", "release_lines", "sync_store"}


@dataclass
class Crowd:
    """Two vendors, a merchant and a shop that do something at random, all at once."""

    stack: Stack
    store: str
    deadline: float

    def act(self, seed: int) -> Counter[str]:
        chance = random.Random(seed)
        codes: Counter[str] = Counter()
        vendor = (self.stack.vendor_a, self.stack.vendor_b)[seed % 2]
        for number in range(10_000):
            if time.monotonic() > self.deadline:
                break
            caller, request = self.choose(vendor, chance, f"SMOOTH-{seed}-{number}")
            codes[caller.code(request)] += 1
        return codes

    def choose(
        self, vendor: Caller, chance: random.Random, tracking_number: str
    ) -> tuple[Caller, Message]:
        part = chance.choice(allocations_of(vendor))
        actions: list[Callable[..., Any]] = [
            *(self.pack, self.pack, self.pack, self.report, self.report, self.void),
            *(self.accept, self.reject, self.close, self.change_shop),
        ]
        request = chance.choice(actions)(part, chance, tracking_number)
        return (self.stack.merchant if "Sync" in type(request).__name__ else vendor), request

    def accept(self, part: Any, _chance: random.Random, _number: str) -> Message:
        return fulfillment.AcceptAllocationRequest(name=part.name, etag=part.etag)

    def reject(self, part: Any, _chance: random.Random, _number: str) -> Message:
        return fulfillment.RejectAllocationRequest(
            name=part.name, reject_reason=REJECT_REASON_OUT_OF_STOCK
        )

    def close(self, part: Any, _chance: random.Random, _number: str) -> Message:
        return fulfillment.CloseAllocationRequest(
            name=part.name, reject_reason=REJECT_REASON_OUT_OF_STOCK
        )

    def pack(self, part: Any, chance: random.Random, tracking_number: str) -> Message:
        lines = [PackageLine(line=part.lines[0].line, quantity=1)]
        return fulfillment.CreatePackageRequest(
            parent=part.name,
            tracking_number=tracking_number,
            lines=lines if chance.random() < 0.8 else [],
            handed_over=chance.random() < 0.3,
        )

    def void(self, part: Any, chance: random.Random, _number: str) -> Message:
        return fulfillment.VoidPackageRequest(name=self.parcel(part, chance))

    def report(self, part: Any, chance: random.Random, _number: str) -> Message:
        states = [*range(PackageState.Value("PACKAGE_STATE_HANDED_OVER"), 10)]
        return fulfillment.ReportPackageEventRequest(
            name=self.parcel(part, chance),
            state=chance.choice(states),
        )

    def parcel(self, part: Any, chance: random.Random) -> str:
        names = [parcel.name for parcel in part.packages]
        return str(chance.choice(names)) if names else f"{part.name}/packages/p0"

    def change_shop(self, _part: Any, chance: random.Random, _number: str) -> Message:
        number = chance.randrange(1001, 1001 + ORDERS)
        if chance.random() < 0.3:
            self.stack.shop.change_order(number, note=f"note {chance.random()}")
        elif chance.random() < 0.2:
            line_id = number * 10 + chance.randrange(2)
            self.stack.shop.store.refund(number, amount="1.00", units={line_id: 1})
        return SyncOrdersRequest(name=self.store)


@pytest.fixture
def crowd(stack: Stack, store: str) -> Iterator[Crowd]:
    """Everybody, for a few seconds, while the workers work; B takes over what A gives back."""
    lamp = next(item.name for item in products_of(stack.merchant) if item.title == "Lamp")
    host(stack.merchant, stack.vendor_b, lamp)
    workers = stack.start_workers()
    yield Crowd(stack, store, time.monotonic() + SECONDS)
    workers.stop()


def test_ledgers_and_statuses_hold_after_a_crowd_did_anything_at_random(
    stack: Stack, crowd: Crowd, caplog: pytest.LogCaptureFixture
):
    with ThreadPoolExecutor(THREADS) as threads:
        codes: Counter[str] = sum(threads.map(crowd.act, range(THREADS)), Counter())
    wait_for(lambda: is_at_rest(stack))

    sync(stack, stack.merchant, crowd.store)
    wait_for(lambda: is_at_rest(stack))

    assert set(codes) <= {"OK"} | REFUSALS
    assert codes["OK"] > THREADS
    assert "deadlock" not in caplog.text
    assert [record.message for record in caplog.records if "unavailable" in record.message] == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert wrong_ledgers(stack.db) == []
    assert {last_id(order.name) for order in orders_of(stack.merchant)} == {
        row[0] for row in dump(stack.db)["orders"]
    }

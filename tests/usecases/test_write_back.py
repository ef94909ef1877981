"""What corrections do to what a store was told, and work that is cut short."""

import pytest

from oms.domain.errors import GatewayError
from oms.domain.jobs import JobKind
from oms.domain.ledger import ShippingStatus
from oms.domain.tracking import Meaning, PackageState, TrackingEvent
from oms.domain.write_backs import WriteBackState
from oms.storage import packages, recounting, write_backs
from oms.usecases.context import Transaction
from oms.usecases.follow_packages import restate_packages
from oms.usecases.tell_stores import tell_stores
from tests.services.fake_gateways import WorkerKilled
from tests.services.snapshots import line_snapshot, order_snapshot

S = WriteBackState


class Counter:
    """A vendor who packed an order of two mugs in one parcel, which a carrier has."""

    def __init__(self, scene):
        self.scene = scene
        self.vendor = scene.new_vendor()
        scene.host(self.vendor)
        order = scene.take(order_snapshot("1001", line_snapshot("l1", quantity=2)))
        part = order.allocations[0].id
        self.package = scene.pack(self.vendor, part, "T-1", handed_over=True).package

    def told(self):
        [found] = self.scene.order().write_backs
        return found

    def void(self):
        """Correct the parcel as an operator would in the database's words: it never was one."""
        scene = self.scene
        with scene.db.transaction():
            tx = Transaction(scene.db, scene.clock.now_ms(), scene.oms)
            event = TrackingEvent(
                occurred_at=tx.now_ms // 1000 + 1,
                meaning=Meaning(PackageState.VOIDED),
                raw_status="VOIDED",
                description="",
                location="",
                source="system",
            )
            packages.add_events(tx.db, [(self.package.id, event)], tx.now_ms)
            order_ids = restate_packages(tx, [self.package.id])
            recounting.refresh(tx.db, order_ids)
            tell_stores(tx, order_ids)

    def kinds(self):
        history = self.scene.order().history
        return [event.kind for event in history if event.kind.startswith("write_back.")]


@pytest.fixture
def counter(scene):
    return Counter(scene)


def test_parcel_voided_after_it_was_told_is_marked_and_stays_in_the_store(counter):
    counter.scene.run_jobs()

    counter.void()
    counter.void()

    assert (counter.told().state, counter.told().is_outdated) == (S.CONFIRMED, True)
    assert counter.kinds()[-1] == "write_back.outdated"
    assert counter.kinds().count("write_back.outdated") == 1
    assert [word.tracking_number for word in counter.scene.shop.told] == ["T-1"]


def test_parcel_voided_before_it_was_told_is_never_told(counter):
    counter.void()
    counter.scene.run_jobs()

    assert counter.told().state == S.SUPERSEDED
    assert counter.scene.shop.told == []
    assert counter.kinds() == ["write_back.superseded"]


def test_parcel_voided_while_the_answer_was_lost_is_looked_up(counter):
    shop = counter.scene.shop
    shop.write_faults.extend([None, GatewayError("gone", reason="GATEWAY_TIMEOUT")])
    counter.scene.run_jobs()
    counter.void()
    counter.scene.clock.advance_ms(60_000)
    counter.scene.run_jobs()

    assert (counter.told().state, counter.told().is_outdated) == (S.CONFIRMED, True)
    assert len(shop.told) == 1


def test_parcel_voided_while_it_could_not_be_sent_is_superseded(counter):
    counter.scene.shop.write_faults.append(GatewayError("gone", reason="GATEWAY_TIMEOUT"))
    counter.scene.run_jobs()
    waiting = counter.told()
    counter.void()
    counter.scene.clock.advance_ms(60_000)
    counter.scene.run_jobs()

    assert (waiting.state, waiting.failure_count) == (S.SENT, 1)
    assert counter.told().state == S.SUPERSEDED
    assert counter.scene.shop.told == []


@pytest.mark.parametrize("before_the_write", [True, False])
def test_killed_worker_says_nothing_twice(counter, before_the_write):
    faults = [WorkerKilled()] if before_the_write else [None, WorkerKilled()]
    counter.scene.shop.write_faults.extend(faults)
    with pytest.raises(WorkerKilled):
        counter.scene.run_jobs()
    cut_short = counter.told().state

    counter.scene.clock.advance_ms(60_000)
    counter.scene.run_jobs()

    assert cut_short == S.SENT
    assert counter.told().state == S.CONFIRMED
    assert len(counter.scene.shop.told) == 1
    assert counter.scene.shop.completed == ["1001"]


def test_job_that_kills_its_workers_is_set_aside_and_the_write_back_fails(counter):
    for _ in range(3):
        counter.scene.shop.write_faults.append(WorkerKilled())
        with pytest.raises(WorkerKilled):
            counter.scene.run_jobs()
        counter.scene.clock.advance_ms(60_000)
    counter.scene.run_jobs()

    assert (counter.told().state, counter.told().problem_reason) == (S.FAILED, "INTERNAL")
    assert (JobKind.WRITE_BACK.value, "QUARANTINED") in counter.scene.job_states()


def test_own_completion_does_not_count_as_fulfilled_by_hand(counter):
    counter.scene.run_jobs()
    completed = order_snapshot(
        "1001", line_snapshot("l1", quantity=2), is_fulfilled=True, store_status="completed"
    )
    counter.scene.take(completed)
    counter.void()

    order = counter.scene.order()
    assert counter.scene.shop.completed == ["1001"]
    assert [line.ledger.elsewhere for line in order.lines] == [0]
    assert order.status in {ShippingStatus.PROCESSING, ShippingStatus.PENDING}


def test_completion_by_hand_counts_as_fulfilled_elsewhere(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.take(order_snapshot("1001", line_snapshot("l1", quantity=2)))
    completed = order_snapshot(
        "1001", line_snapshot("l1", quantity=2), is_fulfilled=True, store_status="completed"
    )
    scene.take(completed)

    assert [line.ledger.elsewhere for line in scene.order().lines] == [2]


def test_telling_again_changes_nothing(counter):
    counter.scene.run_jobs()
    before = counter.scene.dump()
    order_id = counter.scene.order().id
    with counter.scene.db.transaction():
        tx = Transaction(counter.scene.db, counter.scene.clock.now_ms(), counter.scene.oms)
        tell_stores(tx, [order_id])

    assert counter.scene.dump() == before


def test_way_that_is_gone_is_forgotten_and_looked_for_anew(counter):
    gone = GatewayError("no such plugin", reason="GATEWAY_NOT_FOUND")
    counter.scene.shop.write_faults.append(gone)
    counter.scene.run_jobs()

    assert counter.told().state == S.FAILED
    assert write_backs.method_of(counter.scene.db, counter.scene.store.id) == (None, 0)

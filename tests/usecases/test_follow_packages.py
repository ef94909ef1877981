"""Following parcels: what carriers say is applied once, and nothing is lost when they fail."""

import contextlib

import pytest

from oms.domain.errors import GatewayError
from oms.domain.jobs import CRASHES_MAX, LEASE_MS, JobKind
from oms.domain.ledger import LineLedger, ShippingStatus
from oms.domain.tracking import ExceptionReason, Meaning, PackageState, TrackingEvent
from tests.services.fake_gateways import WorkerKilled
from tests.services.snapshots import order_snapshot

P = PackageState
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Road:
    """A vendor who packed one mug per tracking number."""

    def __init__(self, scene):
        self.scene = scene
        self.vendor = scene.new_vendor()
        scene.host(self.vendor)
        self.started_at = scene.clock.now_ms() // 1000

    def send(self, *numbers):
        for number in numbers:
            order = self.scene.take(order_snapshot(f"order-{number}"))
            self.scene.pack(self.vendor, order.allocations[0].id, number)

    def scan(self, number, state, reason=None, *, at=None, raw="scan"):
        """Let the carrier tell of a scan, now or so many seconds after the start."""
        seconds = self.scene.clock.now_ms() // 1000 if at is None else self.started_at + at
        event = TrackingEvent(seconds, Meaning(state, reason), raw, "", "Berlin", "fake")
        self.scene.carrier.events.setdefault(number, []).append(event)

    def poll(self, after_ms=0):
        """Let time pass, then poll what is due."""
        self.scene.clock.advance_ms(after_ms)
        self.scene.enqueue(JobKind.POLL_TRACKING, dedupe_key="poll_tracking")
        self.scene.run_jobs()

    def package(self, number):
        order = self.scene.order(f"order-{number}")
        [package] = [item for part in order.allocations for item in part.packages]
        return package

    def status(self, number):
        return self.scene.order(f"order-{number}").status

    def ledger(self, number):
        [line] = self.scene.order(f"order-{number}").lines
        return line.ledger


@pytest.fixture
def road(scene):
    return Road(scene)


def test_new_parcels_are_registered_once_and_asked_for_at_once(road):
    road.send("T1", "T2")

    road.poll()
    road.poll(DAY_MS)

    assert sorted(road.scene.carrier.registered) == ["T1", "T2"]
    assert sorted(road.scene.carrier.fetched) == ["T1", "T1", "T2", "T2"]


def test_parcels_are_asked_for_in_batches_of_the_carrier(road):
    road.scene.carrier.batch_size_max = 2
    road.send("T1", "T2", "T3", "T4", "T5")
    road.scan("T5", P.IN_TRANSIT)

    road.poll()

    assert sorted(road.scene.carrier.fetched) == ["T1", "T2", "T3", "T4", "T5"]
    assert road.package("T5").state == P.IN_TRANSIT


def test_journey_moves_parcel_ledger_and_order(road):
    road.send("T1")
    for state, status, delivered in (
        (P.IN_TRANSIT, ShippingStatus.IN_TRANSIT, 0),
        (P.OUT_FOR_DELIVERY, ShippingStatus.IN_TRANSIT, 0),
        (P.DELIVERED, ShippingStatus.DELIVERED, 1),
    ):
        road.scene.clock.advance_ms(3 * DAY_MS)
        road.scan("T1", state)
        road.poll()

        assert (road.package("T1").state, road.status("T1")) == (state, status)
        assert road.ledger("T1") == LineLedger(1, packed=1, handed_over=1, delivered=delivered)
    assert road.package("T1").delivered_at == road.scene.clock.now_ms()


def test_polls_that_bring_nothing_new_change_only_the_next_poll(road):
    road.send("T1")
    road.scan("T1", P.IN_TRANSIT)
    road.poll()
    before = road.scene.dump("job", "package", "orders")

    road.poll(DAY_MS)
    road.poll(2 * DAY_MS)

    assert road.scene.dump("job", "package", "orders") == before
    assert road.package("T1").next_poll_at > road.scene.clock.now_ms()


def test_late_and_reordered_scans_do_not_move_a_parcel_backwards(road):
    road.send("T1")
    road.scan("T1", P.DELIVERED, at=500)
    road.poll()

    road.scan("T1", P.IN_TRANSIT, at=400)
    road.scan("T1", P.HANDED_OVER, at=300)
    road.poll(2 * DAY_MS)

    package = road.package("T1")
    assert (package.state, package.handed_over_at) == (P.DELIVERED, (road.started_at + 300) * 1000)
    assert [event.state for event in package.events] == [P.HANDED_OVER, P.IN_TRANSIT, P.DELIVERED]


def test_exception_is_shown_with_its_reason_and_recovers(road):
    road.send("T1")
    road.scan("T1", P.EXCEPTION, ExceptionReason.CUSTOMS)
    road.poll()
    assert road.status("T1") == ShippingStatus.EXCEPTION
    assert road.package("T1").exception_reason == ExceptionReason.CUSTOMS

    road.scene.clock.advance_ms(DAY_MS)
    road.scan("T1", P.IN_TRANSIT)
    road.poll()

    assert road.status("T1") == ShippingStatus.IN_TRANSIT
    assert road.package("T1").exception_reason is None


def test_late_scan_that_proves_the_hand_over_is_counted_though_the_parcel_stays_where_it_is(road):
    road.send("T1")
    road.scan("T1", P.EXCEPTION, ExceptionReason.DELAYED, at=500)
    road.poll()
    assert road.ledger("T1") == LineLedger(1, packed=1)

    road.scan("T1", P.HANDED_OVER, at=100)
    road.poll(DAY_MS)

    assert road.package("T1").state == P.EXCEPTION
    assert road.ledger("T1") == LineLedger(1, packed=1, handed_over=1)


def test_status_that_no_scan_tells_of_is_kept_once(road):
    road.send("T1")
    road.scene.carrier.latest["T1"] = Meaning(P.DELIVERED)

    road.poll()
    road.poll(2 * DAY_MS)

    assert road.status("T1") == ShippingStatus.DELIVERED
    assert [event.state for event in road.package("T1").events] == [P.DELIVERED]


def test_unknown_scan_is_kept_and_moves_nothing(road):
    road.send("T1")
    road.scan("T1", None, raw="Teleported")

    road.poll()

    package = road.package("T1")
    assert (package.state, package.events[0].raw_status) == (P.ANNOUNCED, "Teleported")


def test_refused_number_says_why_and_is_registered_again_later(road):
    road.send("T1", "T2")
    road.scene.carrier.refusals["T1"] = "no such number"
    road.poll()
    assert (road.package("T1").tracking_problem, road.package("T2").tracking_problem) == (
        "no such number",
        "",
    )
    assert road.scene.carrier.fetched == ["T2"]

    road.scene.carrier.refusals.clear()
    road.poll(DAY_MS)

    assert road.package("T1").tracking_problem == ""
    assert road.scene.carrier.registered.count("T1") == 2


def test_silent_parcel_is_given_up_after_thirty_days(road):
    road.send("T1")
    road.scan("T1", P.IN_TRANSIT)
    road.poll()
    for _ in range(29):
        road.poll(DAY_MS)
    assert road.package("T1").state == P.IN_TRANSIT

    road.poll(2 * DAY_MS)
    road.poll(2 * DAY_MS)

    package = road.package("T1")
    assert (package.state, package.next_poll_at) == (P.EXPIRED, None)
    assert road.status("T1") == ShippingStatus.EXCEPTION
    assert [event.state for event in package.events] == [P.IN_TRANSIT, P.EXPIRED]


def test_failing_carrier_leaves_the_parcels_schedule_alone_and_is_asked_later(road):
    road.send("T1")
    road.scan("T1", P.IN_TRANSIT)
    error = GatewayError("slow down", reason="GATEWAY_THROTTLED", retry_after_seconds=90)
    road.scene.carrier.faults.append(error)
    before = road.scene.dump("job", "turn")

    road.poll()

    assert road.scene.dump("job", "turn") == before
    [job] = road.scene.db.all(
        "SELECT due_at - ?, failures FROM job WHERE state = 'PENDING'", road.scene.clock.now_ms()
    )
    assert job == (90_000, 1)
    road.poll(90_000)
    assert road.package("T1").state == P.IN_TRANSIT


def test_carrier_that_fails_half_way_keeps_what_came_before(road):
    road.scene.carrier.batch_size_max = 1
    road.send("T1", "T2")
    for number in ("T1", "T2"):
        road.scan(number, P.IN_TRANSIT)
    error = GatewayError("broken", reason="GATEWAY_SERVER_ERROR")
    road.scene.carrier.faults.extend([None, None, error])

    road.poll()

    assert [road.package(number).state for number in ("T1", "T2")] == [P.IN_TRANSIT, P.ANNOUNCED]
    road.poll(HOUR_MS)
    assert road.package("T2").state == P.IN_TRANSIT


def test_number_that_was_used_again_stops_nobody(road):
    road.send("T1")
    road.scan("T1", P.DELIVERED)
    road.poll()
    other = road.scene.take(order_snapshot("order-again"))
    road.scene.pack(road.vendor, other.allocations[0].id, "T1")
    road.send("T2")
    road.scan("T2", P.IN_TRANSIT)
    road.scene.clock.advance_ms(2 * DAY_MS)
    road.scan("T1", P.RETURNING)

    road.poll()

    assert road.package("T2").state == P.IN_TRANSIT
    assert road.package("T1").state == P.RETURNING
    assert road.scene.job_states().count(("poll_tracking", "DONE")) == 2


def test_history_tells_what_the_carrier_said(road):
    road.send("T1")
    road.scan("T1", P.EXCEPTION, ExceptionReason.LOST)

    road.poll()

    history = road.scene.order("order-T1").history
    [event] = [row for row in history if row.actor == "carrier"]
    assert event.kind == "package.exception"
    assert event.details == {"before": "ANNOUNCED", "after": "EXCEPTION", "reason": "LOST"}


class Deadly:
    """A parcel whose news kill whoever takes them, or fail, in the middle of the transaction."""

    def __init__(self, road, number, error):
        self.error, self.kills = error, 0
        self.id, self.db = road.package(number).id, road.scene.db
        self.db.on_statement = self.watch

    def watch(self, sql):
        if sql.startswith("UPDATE package SET state"):
            self.db.on_statement = None
            written = "SELECT 1 FROM tracking_event WHERE package_id = ?"
            is_hit = self.db.one(written, self.id) is not None
            self.db.on_statement = self.watch
            if is_hit:
                self.kills += 1
                raise self.error


@pytest.mark.parametrize(
    ("error", "kills"), [(WorkerKilled, 1 + CRASHES_MAX), (ValueError("no such day"), 2)]
)
def test_parcel_whose_news_are_deadly_is_passed_over_for_a_day_and_the_others_go(
    road, error, kills
):
    numbers = ["T1", "T2", "T3", "T4"]
    road.send(*numbers)
    for number in numbers:
        road.scan(number, P.IN_TRANSIT)
    deadly = Deadly(road, "T2", error)
    road.scene.enqueue(JobKind.POLL_TRACKING, dedupe_key="poll_tracking")

    for _ in range(12):
        with contextlib.suppress(WorkerKilled):
            road.scene.run_jobs()
        road.scene.clock.advance_ms(LEASE_MS)

    deadly.db.on_statement = None
    assert deadly.kills == kills
    assert {number: road.package(number).state for number in numbers} == {
        "T1": P.IN_TRANSIT,
        "T2": P.ANNOUNCED,
        "T3": P.IN_TRANSIT,
        "T4": P.IN_TRANSIT,
    }
    assert road.package("T2").tracking_problem == "its news could not be taken"
    assert ("poll_tracking", "DONE") in road.scene.job_states()
    assert ("poll_tracking", "QUARANTINED") not in road.scene.job_states()

    road.poll(DAY_MS)

    assert road.package("T2").state == P.IN_TRANSIT
    assert road.package("T2").tracking_problem == ""


def test_service_that_is_down_sets_no_parcel_aside(road):
    road.send("T1", "T2")
    road.scan("T1", P.IN_TRANSIT)
    down = GatewayError("down", reason="GATEWAY_SERVER_ERROR")
    road.scene.carrier.faults.extend([down] * 5)
    road.poll()

    for _ in range(8):
        road.scene.clock.advance_ms(600_000)
        road.scene.run_jobs()

    assert road.package("T1").state == P.IN_TRANSIT
    assert [road.package(number).tracking_problem for number in ("T1", "T2")] == ["", ""]

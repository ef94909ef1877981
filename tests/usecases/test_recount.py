"""Whatever happens, what is stored is what a count from scratch comes to."""

import contextlib
import random
from collections import defaultdict

import pytest

from oms.domain.allocations import AllocationEvent
from oms.domain.errors import FbaliError, GatewayError
from oms.domain.jobs import JobKind
from oms.domain.tracking import ExceptionReason, Meaning, PackageState, TrackingEvent
from oms.usecases.pack import ReportPackageEvent, VoidPackage, report_package_event, void_package
from oms.usecases.withdraw_units import AnswerCancellation, answer_cancellation
from tests.services.snapshots import line_snapshot, order_snapshot

P, E = PackageState, AllocationEvent
STEPS = 160
TROUBLE = {"EXCEPTION", "RETURNING", "RETURNED", "EXPIRED"}
Counts = defaultdict[str, dict[str, int]]
LIVE = {"SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED"}


class Chaos:
    """A merchant, two vendors and a carrier who do anything at any time."""

    def __init__(self, scene, seed):
        self.scene = scene
        self.random = random.Random(seed)
        self.vendors = [
            scene.new_vendor("First"),
            scene.new_vendor("Second", acceptance_required=True),
        ]
        for priority, vendor in enumerate(self.vendors, 1):
            scene.host(vendor, "mug", priority=priority, unit_cost=100)
        scene.host(self.vendors[1], "plate", unit_cost=200)
        self.seconds = 0
        self.number = 0

    def step(self):
        self.scene.clock.advance_ms(self.random.choice([1, 1000, 3_600_000, 90_000_000]))
        act = self.random.choice(
            [
                self.store,
                self.store,
                self.answer,
                self.answer_cancellation,
                self.pack,
                self.pack,
                self.pack,
                self.void,
                self.report,
                self.poll,
            ]
        )
        with contextlib.suppress(FbaliError):
            act()
        self.scene.run_jobs()

    def store(self):
        self.seconds += 1
        names = self.random.sample(["l1", "l2", "l3"], self.random.randint(1, 3))
        lines = []
        for name in names:
            quantity = self.random.randint(1, 4)
            removed = self.random.randint(0, quantity) if self.random.random() < 0.3 else 0
            product = "plate" if name == "l3" else "mug"
            lines.append(line_snapshot(name, product, quantity=quantity, removed_quantity=removed))
        order = order_snapshot(
            f"100{self.random.randint(0, 9)}",
            *lines,
            updated_at=1_799_990_000 + self.seconds,
            is_paid=self.random.random() < 0.8,
            is_cancelled=self.random.random() < 0.05,
            is_fulfilled=self.random.random() < 0.05,
        )
        self.scene.apply(order)

    def part(self):
        vendor = self.random.choice(self.vendors)
        parts = self.scene.allocations(vendor)
        if self.random.random() < 0.7:
            parts = [part for part in parts if part.state in LIVE] or parts
        return (vendor, self.random.choice(parts)) if parts else (vendor, None)

    def answer(self):
        vendor, part = self.part()
        if part is not None:
            event = self.random.choice([E.ACCEPT, E.REJECT, E.CLOSE_SHORT])
            self.scene.answer(vendor, part.id, event)

    def answer_cancellation(self):
        vendor, part = self.part()
        if part is not None:
            command = AnswerCancellation(part.id, agreed=self.random.random() < 0.6)
            self.scene.do(answer_cancellation, command, vendor)

    def pack(self):
        vendor, part = self.part()
        if part is not None:
            self.number += 1
            line = self.random.choice(part.lines)
            lines = (
                [(line.line_id, self.random.randint(1, 3))] if self.random.random() < 0.7 else []
            )
            handed_over = self.random.random() < 0.4
            self.scene.pack(
                vendor, part.id, f"T{self.number}", lines=lines, handed_over=handed_over
            )

    def parcel(self):
        vendor, part = self.part()
        found = [] if part is None else list(part.packages)
        return (vendor, part, self.random.choice(found)) if found else (vendor, part, None)

    def void(self):
        vendor, part, parcel = self.parcel()
        if parcel is not None:
            self.scene.do(void_package, VoidPackage(part.id, parcel.id), vendor)

    def report(self):
        vendor, part, parcel = self.parcel()
        if parcel is not None:
            state = self.random.choice([state for state in P if state != P.VOIDED])
            command = ReportPackageEvent(part.id, parcel.id, state)
            self.scene.do(report_package_event, command, vendor)

    def poll(self):
        if self.random.random() < 0.2:
            self.scene.carrier.faults.append(GatewayError("down", reason="GATEWAY_TIMEOUT"))
        state = self.random.choice(
            [P.HANDED_OVER, P.IN_TRANSIT, P.EXCEPTION, P.DELIVERED, P.RETURNED]
        )
        reason = self.random.choice(list(ExceptionReason)) if state == P.EXCEPTION else None
        at = self.scene.clock.now_ms() // 1000 - self.random.randint(0, 300_000)
        event = TrackingEvent(at, Meaning(state, reason), f"raw-{at}", "", "", "fake")
        known = sorted(row[0] for row in self.scene.db.all("SELECT tracking_number FROM package"))
        number = self.random.choice(known or ["T0"])
        self.scene.carrier.events.setdefault(number, []).append(event)
        self.scene.enqueue(JobKind.POLL_TRACKING, dedupe_key="poll")
        self.scene.enqueue(JobKind.EXPIRE_ALLOCATIONS, dedupe_key="expire")


def counted_lines(db):
    """Count every line's units from allocations and parcels, with nothing of the product's code."""
    counted: Counts = defaultdict(
        lambda: dict.fromkeys(("allocated", "packed", "handed", "delivered"), 0)
    )
    for line, state, quantity, packed, returned in db.all(
        "SELECT l.line_id, a.state, l.quantity, l.packed, l.returned FROM allocation_line l"
        " JOIN allocation a ON a.id = l.allocation_id"
    ):
        counted[line]["allocated"] += quantity - packed - returned if state in LIVE else 0
    for line, state, handed_over_at, quantity in db.all(
        "SELECT l.line_id, p.state, p.handed_over_at, l.quantity FROM package_line l"
        " JOIN package p ON p.id = l.package_id WHERE p.state <> 'VOIDED'"
    ):
        counted[line]["packed"] += quantity
        counted[line]["handed"] += quantity if handed_over_at is not None else 0
        counted[line]["delivered"] += quantity if state == "DELIVERED" else 0
    return counted


def expected_status(lines, *, is_admitted, is_troubled):
    if not is_admitted:
        return None
    if is_troubled:
        return "EXCEPTION"
    if any(line["open"] for line in lines):
        return "PENDING"
    if any(line["allocated"] or line["packed"] > line["handed"] for line in lines):
        return "PROCESSING"
    if any(line["handed"] > line["delivered"] for line in lines):
        return "IN_TRANSIT"
    return "DELIVERED" if any(line["delivered"] for line in lines) else None


def check_lines(db):
    """Compare every stored ledger, and return the lines by order id."""
    counted = counted_lines(db)
    orders = defaultdict(list)
    for row in db.all(
        "SELECT id, order_id, ordered - removed - elsewhere - excluded, open_units, over_allocated,"
        " allocated, packed, handed_over, delivered FROM order_line"
    ):
        line = counted[row[0]]
        rest = row[2] - line["allocated"] - line["packed"]
        line["open"] = max(0, rest)
        assert row[5:] == (line["allocated"], line["packed"], line["handed"], line["delivered"])
        assert (row[3], bool(row[4])) == (line["open"], rest < 0)
        orders[row[1]].append(line)
    return orders


def check(scene):
    db = scene.db
    orders = check_lines(db)
    troubled = {
        order for order, state in db.all("SELECT order_id, state FROM package") if state in TROUBLE
    }
    for order_id, admission, status, has_open_units in db.all(
        "SELECT id, admission, status, has_open_units FROM orders"
    ):
        is_admitted = admission == "ADMITTED"
        lines = orders[order_id]
        assert status == expected_status(
            lines, is_admitted=is_admitted, is_troubled=order_id in troubled
        )
        assert bool(has_open_units) == (is_admitted and any(line["open"] for line in lines))
    packed = "SELECT allocation_id, line_id, SUM(packed) FROM allocation_line GROUP BY 1, 2"
    in_parcels = (
        "SELECT p.allocation_id, l.line_id, SUM(l.quantity) FROM package p JOIN package_line l"
        " ON l.package_id = p.id WHERE p.state <> 'VOIDED' GROUP BY 1, 2"
    )
    assert {row for row in db.all(packed) if row[2]} == set(db.all(in_parcels))


@pytest.mark.parametrize("seed", range(6))
def test_stored_counters_and_statuses_are_those_of_a_count_from_scratch(scene, seed):
    chaos = Chaos(scene, seed)
    seen: set[str | None] = set()

    for _ in range(STEPS):
        chaos.step()
        check(scene)
        seen |= {row[0] for row in scene.db.all("SELECT status FROM orders")}

    assert len(seen) >= 4
    assert scene.db.one("SELECT COUNT(*) FROM package") > (10,)
    assert {state for _, state in scene.job_states()} <= {"DONE", "PENDING"}

"""Parcels of a vendor: what is packed, what is left, and what a void gives back."""

import pytest

from oms.domain.allocations import AllocationEvent, AllocationState
from oms.domain.costs import CostKind, CostSource
from oms.domain.errors import AlreadyExists, QuantityExceeded
from oms.domain.ledger import LineLedger, ShippingStatus
from oms.domain.money import Money
from oms.domain.tracking import ExceptionReason, PackageState
from oms.usecases.answer_allocation import RecordCosts, record_costs
from oms.usecases.pack import (
    CreatePackage,
    PackedResult,
    ReportPackageEvent,
    VoidPackage,
    create_package,
    report_package_event,
    void_package,
)
from tests.services.snapshots import line_snapshot, order_snapshot

S, P = AllocationState, PackageState


class Bench:
    """A vendor with one part: three mugs and two plates."""

    def __init__(self, scene):
        self.scene = scene
        self.vendor = scene.new_vendor()
        scene.host(self.vendor, "mug", unit_cost=300)
        scene.host(self.vendor, "plate")
        lines = line_snapshot("l1", quantity=3), line_snapshot("l2", "plate", quantity=2)
        scene.take(order_snapshot("1001", *lines))
        self.lines = {line.external_id: line.id for line in scene.order().lines}

    @property
    def part(self):
        [part] = self.scene.allocations(self.vendor)
        return part

    def pack(self, number, *, handed_over=False, **quantities):
        lines = [(self.lines[name], quantity) for name, quantity in quantities.items()]
        return self.scene.pack(
            self.vendor, self.part.id, number, lines=lines, handed_over=handed_over
        )

    def pack_at_once(self, *numbers):
        """Pack one mug per number, each in a thread of its own."""
        part, lines = self.part.id, [(self.lines["l1"], 1)]
        return self.scene.at_once(
            len(numbers),
            lambda index: self.scene.pack(self.vendor, part, numbers[index], lines=lines),
        )

    def refusal_to_pack(self, number, **quantities):
        lines = [(self.lines.get(name, name), quantity) for name, quantity in quantities.items()]
        command = CreatePackage(self.part.id, number, lines=lines)
        return self.scene.refusal(create_package, command, self.vendor)

    def void(self, package, **changes):
        command = VoidPackage(self.part.id, package.id, **changes)
        return self.scene.do(void_package, command, self.vendor)

    def report(self, package, state, **changes):
        command = ReportPackageEvent(self.part.id, package.id, state, **changes)
        return self.scene.do(report_package_event, command, self.vendor)

    def ledgers(self):
        return {line.external_id: line.ledger for line in self.scene.order().lines}

    def left(self):
        return sum(line.quantity - line.packed - line.returned for line in self.part.lines)


@pytest.fixture
def bench(scene):
    return Bench(scene)


def test_first_parcel_accepts_the_part(bench):
    packed = bench.pack("T1", l1=2)

    assert (packed.package.state, packed.allocation.state) == (P.ANNOUNCED, S.ACCEPTED)
    assert packed.allocation.accepted_at == bench.scene.clock.now_ms()
    assert bench.ledgers() == {
        "l1": LineLedger(3, allocated=1, packed=2),
        "l2": LineLedger(2, allocated=2),
    }
    assert bench.scene.order().status == ShippingStatus.PROCESSING


def test_parcel_without_lines_takes_everything_that_is_left(bench):
    bench.pack("T1", l1=2)

    packed = bench.pack("T2")

    units = {line.line_id: line.quantity for line in packed.package.lines}
    assert units == {bench.lines["l1"]: 1, bench.lines["l2"]: 2}
    assert packed.allocation.state == S.CLOSED


def test_last_unit_closes_the_part(bench):
    assert bench.pack("T1", l1=2, l2=1).allocation.state == S.ACCEPTED
    assert bench.pack("T2", l1=1).allocation.state == S.ACCEPTED
    assert bench.part.closed_at is None

    assert bench.pack("T3", l2=1).allocation.state == S.CLOSED

    assert bench.part.closed_at == bench.scene.clock.now_ms()
    assert (len(bench.part.packages), bench.left()) == (3, 0)
    assert bench.refusal_to_pack("T4", l1=1) == "ILLEGAL_TRANSITION"


@pytest.mark.parametrize(
    ("quantities", "reason"),
    [
        ({"l1": 4}, "QUANTITY_EXCEEDED"),
        ({"l1": 1, "l2": 3}, "QUANTITY_EXCEEDED"),
        ({"foreign": 1}, "RESOURCE_NOT_FOUND"),
    ],
)
def test_more_than_is_left_is_refused(bench, quantities, reason):
    assert bench.refusal_to_pack("T1", **quantities) == reason


def test_line_named_twice_is_refused(bench):
    lines = [(bench.lines["l1"], 1), (bench.lines["l1"], 1)]
    command = CreatePackage(bench.part.id, "T1", lines=lines)

    assert bench.scene.refusal(create_package, command, bench.vendor) == "INVALID_FIELD"


@pytest.mark.parametrize("number", ["", "  \t"])
def test_parcel_without_a_number_is_refused(bench, number):
    assert bench.refusal_to_pack(number, l1=1) == "INVALID_FIELD"


def test_number_that_is_live_on_another_parcel_is_refused(bench):
    package = bench.pack("T1", l1=1).package
    assert bench.refusal_to_pack(" T1 ", l1=1) == "RESOURCE_ALREADY_EXISTS"

    bench.void(package)

    assert bench.pack("T1", l1=1).package.tracking_number == "T1"


def test_same_parcel_by_many_at_once_is_announced_once(bench):
    packed = bench.pack_at_once("T1", "T1", "T1", "T1")

    assert sum(isinstance(result, PackedResult) for result in packed) == 1
    assert sum(isinstance(result, AlreadyExists) for result in packed) == 3
    assert (len(bench.part.packages), bench.left()) == (1, 4)


def test_parcels_at_once_never_pack_more_than_there_is(bench):
    packed = bench.pack_at_once("T1", "T2", "T3", "T4", "T5")

    assert sum(isinstance(result, PackedResult) for result in packed) == 3
    assert sum(isinstance(result, QuantityExceeded) for result in packed) == 2
    assert bench.ledgers()["l1"] == LineLedger(3, packed=3)


def test_void_gives_the_units_back_to_the_vendor(bench):
    package = bench.pack("T1", l1=2).package
    before = bench.part

    voided = bench.void(package, note="wrong number")

    assert (voided.package.state, voided.allocation.state) == (P.VOIDED, S.ACCEPTED)
    assert voided.package.next_poll_at is None
    assert bench.ledgers()["l1"] == LineLedger(3, allocated=3)
    assert bench.part.version > before.version
    assert bench.part.total(CostSource.QUOTED) == (Money("CNY", 900),)


def test_void_reopens_a_part_that_was_closed(bench):
    package = bench.pack("T1").package
    assert bench.part.state == S.CLOSED

    bench.void(package)

    assert (bench.part.state, bench.part.closed_at, bench.left()) == (S.ACCEPTED, None, 5)
    assert bench.scene.order().status == ShippingStatus.PROCESSING
    assert bench.pack("T2").allocation.state == S.CLOSED


def test_void_after_a_short_close_gives_back_only_what_was_packed(bench):
    package = bench.pack("T1", l1=1).package
    bench.scene.answer(bench.vendor, bench.part.id, AllocationEvent.CLOSE_SHORT, note="no more")

    bench.void(package)

    assert (bench.part.state, bench.left()) == (S.ACCEPTED, 1)
    assert bench.ledgers() == {"l1": LineLedger(3, allocated=1), "l2": LineLedger(2)}


def test_second_void_is_refused(bench):
    package = bench.pack("T1", l1=2).package
    bench.void(package)
    command = VoidPackage(bench.part.id, package.id)

    assert bench.scene.refusal(void_package, command, bench.vendor) == "ILLEGAL_TRANSITION"


def test_parcel_that_a_carrier_has_is_not_voided(bench):
    package = bench.pack("T1", handed_over=True, l1=2).package
    command = VoidPackage(bench.part.id, package.id)

    assert package.state == P.HANDED_OVER
    assert bench.scene.refusal(void_package, command, bench.vendor) == "ILLEGAL_TRANSITION"


def test_void_of_a_parcel_that_changed_since_is_refused(bench):
    package = bench.pack("T1", l1=2).package
    bench.report(package, P.EXCEPTION, exception_reason=ExceptionReason.DELAYED)
    command = VoidPackage(bench.part.id, package.id, etag=str(package.version))

    assert bench.scene.refusal(void_package, command, bench.vendor) == "ETAG_MISMATCH"


def test_handed_over_parcels_make_an_order_in_transit_only_when_all_are(bench):
    bench.pack("T1", handed_over=True, l1=3)
    assert bench.scene.order().status == ShippingStatus.PROCESSING

    second = bench.pack("T2", l2=2).package
    assert bench.scene.order().status == ShippingStatus.PROCESSING
    bench.report(second, P.HANDED_OVER)

    assert bench.scene.order().status == ShippingStatus.IN_TRANSIT


def test_reports_of_the_vendor_move_parcel_and_order(bench):
    package = bench.pack("T1", handed_over=True).package
    for state, status in (
        (P.IN_TRANSIT, ShippingStatus.IN_TRANSIT),
        (P.EXCEPTION, ShippingStatus.EXCEPTION),
        (P.OUT_FOR_DELIVERY, ShippingStatus.IN_TRANSIT),
        (P.DELIVERED, ShippingStatus.DELIVERED),
        (P.RETURNING, ShippingStatus.EXCEPTION),
    ):
        bench.scene.clock.advance_ms(1000)

        assert bench.report(package, state).package.state == state

        assert bench.scene.order().status == status
    assert bench.ledgers()["l2"] == LineLedger(2, packed=2, handed_over=2)


def test_same_report_again_adds_nothing(bench):
    package = bench.pack("T1", handed_over=True).package
    bench.report(package, P.IN_TRANSIT, occurred_at=1_800_000_500)

    again = bench.report(package, P.IN_TRANSIT, occurred_at=1_800_000_500)

    states = [event.state for event in again.package.events]
    assert states == [P.HANDED_OVER, P.IN_TRANSIT]


def test_report_on_a_void_parcel_is_refused(bench):
    package = bench.pack("T1", l1=2).package
    bench.void(package)
    command = ReportPackageEvent(bench.part.id, package.id, P.IN_TRANSIT)

    assert bench.scene.refusal(report_package_event, command, bench.vendor) == "ILLEGAL_TRANSITION"


def test_history_tells_of_parcels_and_of_a_state_only_when_it_changes(bench):
    bench.pack("T1", l1=1)
    bench.pack("T2", l1=1)

    kinds = [event.kind for event in bench.scene.order().history][2:]
    assert kinds == ["allocation.accepted", "package.announced", "package.announced"]


def test_recorded_costs_count_instead_of_the_quoted_ones(bench):
    costs = [
        (CostKind.PRODUCT, Money("CNY", 1000), "three mugs"),
        (CostKind.ADJUSTMENT, Money("CNY", -100), "discount"),
        (CostKind.SHIPPING, Money("USD", 500), ""),
    ]

    part = bench.scene.do(record_costs, RecordCosts(bench.part.id, costs), bench.vendor)

    assert part.total(CostSource.QUOTED) == (Money("CNY", 900),)
    assert part.final_costs() == (Money("CNY", 900), Money("USD", 500))
    notes = {cost.note for cost in part.costs if cost.source == CostSource.ACTUAL}
    assert notes == {"three mugs", "discount", ""}


@pytest.mark.parametrize(
    "cost", [(CostKind.PRODUCT, Money("CNY", -1), ""), (CostKind.TAX, Money("XYZ", 1), "")]
)
def test_costs_that_cannot_be_are_refused(bench, cost):
    command = RecordCosts(bench.part.id, [(CostKind.TAX, Money("CNY", 1), ""), cost])

    assert bench.scene.refusal(record_costs, command, bench.vendor) == "INVALID_FIELD"


def test_costs_of_a_rejected_part_are_refused(bench):
    bench.scene.reject(bench.vendor, bench.part.id)
    command = RecordCosts(bench.part.id, [(CostKind.TAX, Money("CNY", 1), "")])

    assert bench.scene.refusal(record_costs, command, bench.vendor) == "ILLEGAL_TRANSITION"

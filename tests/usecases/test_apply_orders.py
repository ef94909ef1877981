"""Taking over what a store says: idempotent, newest wins, one bad order stops nothing."""

from dataclasses import replace

import pytest

from oms.domain.admission import Admission
from oms.domain.allocations import AllocationEvent, AllocationState
from oms.domain.ledger import LineLedger, ShippingStatus
from oms.domain.snapshots import MalformedOrder
from oms.storage import stores
from oms.usecases.apply_orders import Applied
from oms.usecases.pack import VoidPackage, void_package
from oms.usecases.withdraw_units import AnswerCancellation, answer_cancellation
from tests.services.snapshots import UPDATED_AT, line_snapshot, order_snapshot


def later(order, seconds=60, **changes):
    """Give the order as the store shows it later, with the document that goes with it."""
    changed = replace(order, updated_at=order.updated_at + seconds, **changes)
    return replace(changed, raw=repr(replace(changed, raw=b"")).encode())


def ledgers(order):
    return {line.external_id: line.ledger for line in order.lines}


def quarantined(scene):
    found = stores.quarantined_orders(scene.db, scene.merchant.id, "", 100)
    return {item.external_id: item.problem for item in found}


def test_new_order_is_taken_with_everything(scene):
    order = order_snapshot("1001", line_snapshot(quantity=2), note="fragile")

    assert scene.apply(order) == Applied(created=1, changed=0, unchanged=0, quarantined=0)

    taken = scene.order()
    assert (taken.number, taken.store_status, taken.total) == ("#1001", "processing", order.total)
    assert (taken.admission, taken.status) == (Admission.ADMITTED, ShippingStatus.PENDING)
    assert (taken.customer_email, taken.note) == (order.customer_email, "fragile")
    assert (taken.recipient, taken.country) == (order.address, "DE")
    assert taken.placed_at == order.placed_at * 1000
    assert ledgers(taken) == {"l1": LineLedger(2)}
    assert [event.kind for event in taken.history] == ["order.admitted"]
    [row] = scene.db.all("SELECT document FROM order_detail")
    assert bytes(row[0]) == order.raw


def test_second_application_changes_nothing(scene):
    page = [order_snapshot("1001"), order_snapshot("1002", is_paid=False)]
    bad = MalformedOrder("1003", "no total", b"{}")
    scene.apply(*page, malformed=[bad])
    before = scene.dump()

    applied = scene.apply(*page, malformed=[bad])

    assert applied == Applied(created=0, changed=0, unchanged=2, quarantined=1)
    assert scene.dump() == before


def test_older_snapshot_is_ignored(scene):
    old = order_snapshot("1001", line_snapshot(quantity=5))
    new = later(old, lines=(line_snapshot(quantity=2),))
    scene.apply(new)
    before = scene.dump()

    assert scene.apply(old).unchanged == 1

    assert scene.dump() == before


def test_newest_of_a_page_wins_whatever_its_place(scene):
    old = order_snapshot("1001", line_snapshot(quantity=5))
    new = later(old, lines=(line_snapshot(quantity=2),))

    assert scene.apply(new, old) == Applied(created=1, changed=0, unchanged=0, quarantined=0)

    assert ledgers(scene.order()) == {"l1": LineLedger(2)}


def test_change_within_the_same_second_is_taken(scene):
    order = order_snapshot("1001")
    scene.apply(order)

    assert scene.apply(later(order, 0, store_status="on-hold")).changed == 1

    assert scene.order().store_status == "on-hold"


def test_same_page_by_many_at_once_makes_one_order_each(scene):
    page = [
        order_snapshot(f"100{number}", line_snapshot(product_id=f"new-{number}"))
        for number in range(3)
    ]

    applied = scene.at_once(5, lambda _: scene.apply(*page))

    assert sorted(applied, key=str) == [Applied(0, 0, 3, 0)] * 4 + [Applied(3, 0, 0, 0)]
    for table, count in (("orders", 3), ("order_line", 3), ("product", 5), ("variant", 5)):
        assert scene.db.all(f"SELECT COUNT(*) FROM {table}") == [(count,)]


def test_malformed_order_is_set_aside_and_the_rest_goes_on(scene):
    applied = scene.apply(
        order_snapshot("1001"),
        malformed=[MalformedOrder("1002", "total is 'abc'", b"raw"), MalformedOrder("", "?", b"x")],
    )

    assert applied == Applied(created=1, changed=0, unchanged=0, quarantined=2)
    assert scene.orders("ADMITTED") == ["1001"]
    assert quarantined(scene)["1002"] == "total is 'abc'"


def test_malformed_order_is_kept_once_with_its_latest_problem(scene):
    scene.apply(malformed=[MalformedOrder("1002", "first", b"1")])
    scene.apply(malformed=[MalformedOrder("1002", "second", b"2")])

    assert quarantined(scene) == {"1002": "second"}


def test_order_without_an_id_shows_none(scene):
    scene.apply(malformed=[MalformedOrder("", "no id", b"x")])

    assert quarantined(scene) == {"": "no id"}


def test_malformed_order_is_released_when_it_can_be_read(scene):
    scene.apply(malformed=[MalformedOrder("1001", "no total", b"{}")])

    scene.apply(order_snapshot("1001"))

    assert quarantined(scene) == {}
    assert scene.orders("ADMITTED") == ["1001"]


def test_deleted_product_sets_an_order_aside_until_it_is_changed(scene):
    broken = order_snapshot("1001", line_snapshot(product_id=""))
    assert scene.apply(broken, order_snapshot("1002")).quarantined == 1
    assert list(quarantined(scene)) == ["1001"]

    scene.apply(later(broken, lines=(line_snapshot(),)))

    assert quarantined(scene) == {}
    assert scene.orders("PENDING") == ["1001", "1002"]


def test_product_deleted_after_an_order_was_taken_changes_nothing_for_it(scene):
    vendor = scene.new_vendor()
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)
    scene.apply(later(order, lines=(line_snapshot(product_id="", quantity=2),)))

    scene.host(vendor)

    assert ledgers(scene.order()) == {"l1": LineLedger(2, allocated=2)}


def test_order_that_is_paid_later_is_admitted_and_allocated_once(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    unpaid = order_snapshot("1001", is_paid=False)
    waiting = scene.take(unpaid)
    assert (waiting.admission, waiting.status) == (Admission.UNPAID, None)
    assert (scene.orders("PENDING"), scene.allocations(vendor)) == ([], [])

    scene.take(later(unpaid, 60, is_paid=True))
    paid = scene.take(later(unpaid, 120, is_paid=True))

    assert (paid.admission, paid.status) == (Admission.ADMITTED, ShippingStatus.PROCESSING)
    assert len(scene.allocations(vendor)) == 1
    kinds = [event.kind for event in paid.history]
    assert kinds == ["order.seen", "order.admitted", "allocation.submitted", "order.changed"]


def test_admitted_order_stays_admitted_when_the_store_takes_the_payment_back(scene):
    order = order_snapshot("1001")
    scene.apply(order)

    scene.apply(later(order, is_paid=False))

    assert scene.order().admission == Admission.ADMITTED


def test_order_cancelled_before_allocation_is_ended(scene):
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)

    ended = scene.take(later(order, is_cancelled=True))

    assert ledgers(ended) == {"l1": LineLedger(2, removed=2)}
    assert (ended.status, scene.orders("PENDING"), scene.orders("ENDED")) == (None, [], ["1001"])


def test_cancelled_order_is_withdrawn_from_a_vendor_who_has_not_accepted(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)

    cancelled = scene.take(later(order, is_cancelled=True))

    [ledger] = ledgers(cancelled).values()
    [part] = scene.allocations(vendor)
    assert ledger == LineLedger(2, removed=2)
    assert (cancelled.status, part.state) == (None, AllocationState.CANCELLED)


def test_vendor_who_accepted_is_asked_for_a_cancelled_order_and_answers(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)
    [part] = scene.allocations(vendor)
    scene.answer(vendor, part.id, AllocationEvent.ACCEPT)

    cancelled = scene.take(later(order, is_cancelled=True))

    [ledger] = ledgers(cancelled).values()
    assert ledger == LineLedger(2, removed=2, allocated=2)
    assert (ledger.is_over_allocated, cancelled.status) == (True, ShippingStatus.PROCESSING)
    [asked] = scene.allocations(vendor)
    assert asked.state == AllocationState.CANCELLATION_REQUESTED
    assert [line.asked_back for line in asked.lines] == [2]
    scene.do(answer_cancellation, AnswerCancellation(part.id, agreed=True), vendor)
    [answered] = scene.allocations(vendor)
    assert (scene.order().status, answered.state) == (None, AllocationState.CANCELLED)


def test_what_the_store_cancelled_is_not_shipped_after_a_parcel_is_voided(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)
    [part] = scene.allocations(vendor)
    packed = scene.pack(vendor, part.id, "T1")

    scene.take(later(order, is_cancelled=True))
    scene.do(void_package, VoidPackage(part.id, packed.package.id), vendor)
    scene.do(answer_cancellation, AnswerCancellation(part.id, agreed=True), vendor)
    scene.run_jobs()

    assert scene.order().status is None
    assert [line.ledger.open for line in scene.order().lines] == [0]
    assert len(scene.allocations(vendor)) == 1


def test_what_the_store_fulfilled_goes_to_no_second_vendor(scene):
    first, second = scene.new_vendor("First"), scene.new_vendor("Second")
    scene.host(first, priority=1)
    scene.host(second, priority=2)
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)

    scene.take(later(order, is_fulfilled=True))
    scene.run_jobs()

    [part] = scene.allocations(first)
    assert part.state == AllocationState.CANCELLED
    assert scene.allocations(second) == []
    assert [line.ledger for line in scene.order().lines] == [LineLedger(2, elsewhere=2)]


def test_quantity_up_after_allocation_opens_the_rest_alone(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)

    scene.take(later(order, lines=(line_snapshot(quantity=5),)))

    assert ledgers(scene.order()) == {"l1": LineLedger(5, allocated=5)}
    assert [part.lines[0].quantity for part in scene.allocations(vendor)] == [2, 3]


def test_quantity_down_takes_open_units_first(scene):
    order = order_snapshot("1001", line_snapshot(quantity=5))
    scene.take(order)

    scene.take(later(order, lines=(line_snapshot(quantity=3),)))

    assert ledgers(scene.order()) == {"l1": LineLedger(5, removed=2)}


def test_line_added_is_new_and_line_that_vanished_is_removed(scene):
    order = order_snapshot("1001", line_snapshot("l1", quantity=2), line_snapshot("l2", "plate"))
    scene.take(order)

    lines = (line_snapshot("l2", "plate"), line_snapshot("l3", quantity=4))
    scene.take(later(order, lines=lines))

    assert ledgers(scene.order()) == {
        "l1": LineLedger(2, removed=2),
        "l2": LineLedger(1),
        "l3": LineLedger(4),
    }


def test_line_that_comes_back_is_open_again(scene):
    order = order_snapshot("1001", line_snapshot("l1"), line_snapshot("l2", "plate"))
    scene.take(order)
    scene.take(later(order, lines=(line_snapshot("l1"),)))

    scene.take(later(order, 120))

    assert ledgers(scene.order()) == {"l1": LineLedger(1), "l2": LineLedger(1)}


def test_order_fulfilled_in_the_store_has_nothing_open_until_that_is_undone(scene):
    order = order_snapshot("1001", line_snapshot(quantity=2))
    scene.take(order)

    scene.take(later(order, is_fulfilled=True))
    assert ledgers(scene.order()) == {"l1": LineLedger(2, elsewhere=2)}
    assert scene.order().status is None

    scene.take(later(order, 120))
    assert ledgers(scene.order()) == {"l1": LineLedger(2)}
    assert scene.order().status == ShippingStatus.PENDING


def test_lines_that_need_no_shipping_are_fulfilled_elsewhere(scene):
    lines = (line_snapshot(), line_snapshot("l2", "ebook", quantity=3, needs_shipping=False))

    scene.take(order_snapshot("1001", *lines))

    assert ledgers(scene.order()) == {"l1": LineLedger(1), "l2": LineLedger(3, elsewhere=3)}


def test_unknown_product_gets_a_place_in_the_catalogue_and_can_be_hosted(scene):
    vendor = scene.new_vendor()
    lines = (
        line_snapshot("l1", "lamp", variant_id="red", title="Lamp red"),
        line_snapshot("l2", "lamp", variant_id="blue", title="Lamp blue"),
    )
    scene.take(order_snapshot("1001", *lines))
    assert scene.waiting_reasons() == {"l1": "UNHOSTED", "l2": "UNHOSTED"}

    scene.host(vendor, "lamp")

    [part] = scene.allocations(vendor)
    assert sorted(line.title for line in part.lines) == ["Lamp blue", "Lamp red"]
    assert scene.waiting_reasons() == {}


@pytest.mark.parametrize("raw", [b"\x00\xff", "💥 \u202e".encode(), b"x" * 300_000])
def test_document_of_the_store_is_kept_byte_by_byte(scene, raw):
    scene.apply(order_snapshot("1001", raw=raw))

    [row] = scene.db.all("SELECT document FROM order_detail")
    assert bytes(row[0]) == raw


def test_snapshot_is_as_new_as_the_store_says(scene):
    scene.apply(order_snapshot("1001"))

    assert scene.order().store_updated_at == UPDATED_AT * 1000

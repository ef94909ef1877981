"""Handing every vendor its part: by the rules, once, and on again when a part comes back."""

import pytest

from oms.domain.allocations import AllocationEvent, AllocationState, RejectReason
from oms.domain.costs import CostKind, CostSource
from oms.domain.jobs import JobKind
from oms.domain.ledger import LineLedger, ShippingStatus
from oms.domain.money import Money
from oms.domain.partnerships import PartnershipEvent
from oms.domain.stores import Processing
from oms.usecases.allocate_orders import allocate
from oms.usecases.context import Transaction
from oms.usecases.manage_hostings import DeleteHosting, delete_hosting
from oms.usecases.manage_stores import UpdateStore, update_store
from tests.services.snapshots import line_snapshot, order_snapshot

S, E = AllocationState, AllocationEvent
HOUR_MS = 3_600_000


def allocate_again(scene, *external_ids):
    with scene.db.transaction():
        tx = Transaction(scene.db, scene.clock.now_ms(), scene.oms)
        return allocate(tx, [scene.order(external_id).id for external_id in external_ids])


def units(part):
    return {line.title: line.quantity for line in part.lines}


def test_order_is_split_into_one_part_per_vendor(scene):
    first, second = scene.new_vendor("First"), scene.new_vendor("Second")
    scene.host(first, "mug")
    scene.host(second, "plate")
    scene.put_products("bowl")
    scene.host(first, "bowl")

    order = scene.take(
        order_snapshot(
            "1001",
            line_snapshot("l1", "mug", quantity=2),
            line_snapshot("l2", "plate", quantity=3),
            line_snapshot("l3", "bowl"),
        )
    )

    [part] = scene.allocations(first)
    assert (units(part), part.state) == ({"Mug": 2, "Bowl": 1}, S.SUBMITTED)
    [part] = scene.allocations(second)
    assert units(part) == {"Plate": 3}
    assert order.status == ShippingStatus.PROCESSING
    assert {line.ledger.open for line in order.lines} == {0}


def test_lines_without_a_hosting_wait_with_their_reason_while_others_go(scene):
    vendor = scene.new_vendor()
    scene.host(vendor, "mug")

    order = scene.take(order_snapshot("1001", line_snapshot(), line_snapshot("l2", "plate")))

    assert scene.waiting_reasons() == {"l2": "UNHOSTED"}
    assert order.status == ShippingStatus.PENDING
    assert len(scene.allocations(vendor)) == 1


def test_hosting_releases_the_lines_that_waited_for_it(scene):
    vendor = scene.new_vendor()
    scene.take(order_snapshot("1001", line_snapshot(), line_snapshot("l2", "plate")))
    scene.take(order_snapshot("1002", line_snapshot()))

    scene.host(vendor, "mug")

    numbers = {part.order_number for part in scene.allocations(vendor)}
    assert (numbers, len(scene.allocations(vendor))) == ({"#1001", "#1002"}, 2)
    assert scene.waiting_reasons("1001") == {"l2": "UNHOSTED"}
    assert scene.orders("PROCESSING") == ["1002"]


def test_hosting_for_another_country_does_not_fit(scene):
    scene.host(scene.new_vendor(), countries=("FR",))

    scene.take(order_snapshot("1001"))

    assert scene.waiting_reasons() == {"l1": "COUNTRY_NOT_COVERED"}


def test_deleted_hosting_leaves_live_parts_and_gives_waiting_lines_their_new_reason(scene):
    vendor = scene.new_vendor()
    hosting = scene.host(vendor)
    scene.take(order_snapshot("1001"))
    scene.move_partnership(vendor, PartnershipEvent.SUSPEND)
    scene.take(order_snapshot("1002"))
    assert scene.waiting_reasons("1002") == {"l1": "VENDOR_INACTIVE"}

    scene.do(delete_hosting, DeleteHosting(hosting.id), scene.merchant)
    scene.run_jobs()

    assert scene.waiting_reasons("1002") == {"l1": "UNHOSTED"}
    assert [part.state for part in scene.allocations(vendor)] == [S.SUBMITTED]


def test_store_with_manual_processing_keeps_its_orders_until_it_is_automatic(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.do(
        update_store, UpdateStore(scene.store.id, processing=Processing.MANUAL), scene.merchant
    )
    scene.take(order_snapshot("1001"))
    assert (scene.waiting_reasons(), scene.allocations(vendor)) == ({"l1": "MANUAL"}, [])

    command = UpdateStore(scene.store.id, processing=Processing.AUTOMATIC)
    scene.do(update_store, command, scene.merchant)
    scene.run_jobs()

    assert (scene.waiting_reasons(), len(scene.allocations(vendor))) == ({}, 1)


def test_suspended_vendor_gets_nothing_until_it_is_resumed(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.move_partnership(vendor, PartnershipEvent.SUSPEND)
    scene.take(order_snapshot("1001"))
    assert scene.waiting_reasons() == {"l1": "VENDOR_INACTIVE"}

    scene.move_partnership(vendor, PartnershipEvent.RESUME)
    scene.run_jobs()

    assert len(scene.allocations(vendor)) == 1


def test_allocating_twice_changes_nothing(scene):
    scene.host(scene.new_vendor())
    scene.take(order_snapshot("1001", line_snapshot(), line_snapshot("l2", "plate")))
    before = scene.dump("orders")

    assert allocate_again(scene, "1001") == 0

    assert scene.dump("orders") == before


def test_many_workers_at_once_allocate_once(scene):
    vendor = scene.new_vendor()
    names = [f"100{number}" for number in range(4)]
    scene.host(vendor)
    scene.apply(*(order_snapshot(name, line_snapshot(quantity=2)) for name in names))

    made = scene.at_once(4, lambda index: allocate_again(scene, *names[index:], *names[:index]))

    assert sorted(made, key=str) == [0, 0, 0, 4]
    assert len(scene.allocations(vendor)) == 4
    ledgers = [scene.order(name).lines[0].ledger for name in names]
    assert ledgers == [LineLedger(2, allocated=2)] * 4


def test_rejected_units_go_to_the_next_vendor_and_never_back(scene):
    first, second = scene.new_vendor("First"), scene.new_vendor("Second")
    scene.host(first, priority=1)
    scene.host(second, priority=2)
    scene.take(order_snapshot("1001", line_snapshot(quantity=3)))
    [part] = scene.allocations(first)

    rejected = scene.reject(first, part.id)
    assert scene.order().lines[0].ledger == LineLedger(3)
    scene.run_jobs()

    assert (rejected.state, rejected.reject_reason) == (S.REJECTED, "OUT_OF_STOCK")
    assert [(line.packed, line.returned) for line in rejected.lines] == [(0, 3)]
    [next_part] = scene.allocations(second)
    assert units(next_part) == {"Mug": 3}
    scene.reject(second, next_part.id)
    scene.run_jobs()
    assert (len(scene.allocations(first)), len(scene.allocations(second))) == (1, 1)
    assert scene.waiting_reasons() == {"l1": "VENDOR_REJECTED"}


def test_vendor_that_refused_one_line_still_gets_others(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.take(order_snapshot("1001"))
    scene.reject(vendor, scene.allocations(vendor)[0].id)

    scene.take(order_snapshot("1002"))

    assert len(scene.allocations(vendor, S.SUBMITTED)) == 1


def test_part_closed_short_goes_to_the_next_vendor_and_never_back(scene):
    first, second = scene.new_vendor("First"), scene.new_vendor("Second")
    scene.host(first, priority=1)
    scene.take(order_snapshot("1001", line_snapshot(quantity=3)))
    [part] = scene.allocations(first)
    scene.pack(first, part.id, "T1", lines=[(part.lines[0].line_id, 1)])

    reason = RejectReason.OUT_OF_STOCK
    closed = scene.answer(first, part.id, E.CLOSE_SHORT, reject_reason=reason, note="two broke")
    scene.run_jobs()

    assert (closed.state, closed.note, closed.lines[0].returned) == (S.CLOSED, "two broke", 2)
    assert scene.order().lines[0].ledger == LineLedger(3, packed=1)
    assert scene.waiting_reasons() == {"l1": "VENDOR_REJECTED"}
    scene.host(second, priority=2)
    assert [units(part) for part in scene.allocations(second)] == [{"Mug": 2}]


def test_part_that_was_not_accepted_in_time_expires_and_goes_on(scene):
    first = scene.new_vendor("First", acceptance_required=True, acceptance_hours=2)
    second = scene.new_vendor("Second")
    scene.host(first, priority=1)
    scene.host(second, priority=2)
    scene.take(order_snapshot("1001"))
    [part] = scene.allocations(first)
    assert part.accept_deadline_at == scene.clock.now_ms() + 2 * HOUR_MS

    for milliseconds, state in ((2 * HOUR_MS - 1, S.SUBMITTED), (1, S.EXPIRED)):
        scene.clock.advance_ms(milliseconds)
        run_expiry(scene)
        assert [part.state for part in scene.allocations(first)] == [state]

    assert [part.state for part in scene.allocations(second)] == [S.SUBMITTED]
    assert scene.allocations(second)[0].accept_deadline_at is None


def test_accepted_part_never_expires(scene):
    vendor = scene.new_vendor(acceptance_required=True, acceptance_hours=2)
    scene.host(vendor)
    scene.take(order_snapshot("1001"))
    accepted = scene.answer(vendor, scene.allocations(vendor)[0].id, E.ACCEPT)
    scene.clock.advance_ms(99 * HOUR_MS)

    run_expiry(scene)

    [part] = scene.allocations(vendor)
    assert (part.state, part.accepted_at) == (S.ACCEPTED, accepted.accepted_at)


def run_expiry(scene):
    scene.enqueue(JobKind.EXPIRE_ALLOCATIONS)
    scene.run_jobs()


@pytest.mark.parametrize(
    ("before", "event"),
    [([], E.CLOSE_SHORT), ([E.ACCEPT], E.ACCEPT), ([E.ACCEPT], E.REJECT), ([E.REJECT], E.ACCEPT)],
)
def test_answer_that_the_table_lacks_changes_nothing(scene, before, event):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.take(order_snapshot("1001"))
    [part] = scene.allocations(vendor)
    for earlier in before:
        scene.answer(vendor, part.id, earlier)

    assert scene.answer_refusal(vendor, part.id, event) == "ILLEGAL_TRANSITION"


def test_answer_to_a_part_that_changed_since_is_refused(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.take(order_snapshot("1001"))
    [part] = scene.allocations(vendor)
    scene.answer(vendor, part.id, E.ACCEPT, etag=str(part.version))

    refusal = scene.answer_refusal(vendor, part.id, E.CLOSE_SHORT, etag=str(part.version))

    assert refusal == "ETAG_MISMATCH"


def test_part_is_quoted_and_returned_units_take_their_quote_back(scene):
    vendor = scene.new_vendor()
    scene.host(vendor, unit_cost=300, shipping_cost=Money("CNY", 50))
    scene.take(order_snapshot("1001", line_snapshot(quantity=4)))
    [part] = scene.allocations(vendor)
    assert sorted((cost.kind, cost.amount) for cost in part.costs) == [
        (CostKind.PRODUCT, Money("CNY", 1200)),
        (CostKind.SHIPPING, Money("CNY", 200)),
    ]
    scene.pack(vendor, part.id, "T1", lines=[(part.lines[0].line_id, 3)])

    scene.answer(vendor, part.id, E.CLOSE_SHORT, note="one broke")

    [part] = scene.allocations(vendor)
    assert part.total(CostSource.QUOTED) == (Money("CNY", 1050),)
    assert [cost.note for cost in part.costs].count("units given back") == 2


def test_rejected_part_costs_nothing(scene):
    vendor = scene.new_vendor()
    scene.host(vendor, unit_cost=300)
    scene.take(order_snapshot("1001", line_snapshot(quantity=4)))

    rejected = scene.reject(vendor, scene.allocations(vendor)[0].id)

    assert rejected.total(CostSource.QUOTED) == (Money("CNY", 0),)


def test_history_tells_who_did_what_in_order(scene):
    vendor = scene.new_vendor()
    hosting = scene.host(vendor)
    scene.take(order_snapshot("1001"))
    [part] = scene.allocations(vendor)
    scene.reject(vendor, part.id)

    told = [(event.kind, event.actor, dict(event.details)) for event in scene.order().history]

    assert told == [
        ("order.admitted", "store", {"store_status": "processing", "after": "ADMITTED"}),
        (
            "allocation.submitted",
            "system",
            {"after": "SUBMITTED", "units": "1", "hostings": hosting.id},
        ),
        (
            "allocation.rejected",
            vendor.actor,
            {"before": "SUBMITTED", "after": "REJECTED", "reason": "OUT_OF_STOCK"},
        ),
    ]


def test_history_tells_once_why_an_order_waits_and_again_when_that_changes(scene):
    vendor = scene.new_vendor()
    hosting = scene.host(vendor, "mug")
    scene.move_partnership(vendor, PartnershipEvent.SUSPEND)
    scene.take(order_snapshot("1001", line_snapshot(), line_snapshot("l2", "plate")))

    allocate_again(scene, "1001")
    scene.do(delete_hosting, DeleteHosting(hosting.id), scene.merchant)
    scene.run_jobs()

    told = [
        (event.kind, event.actor, dict(event.details), event.subject)
        for event in scene.order().history
        if event.kind == "order.waiting"
    ]
    subject = f"merchants/{scene.merchant.id}/orders/{scene.order().id}"
    assert told == [
        ("order.waiting", "system", {"reason": "UNHOSTED,VENDOR_INACTIVE"}, subject),
        ("order.waiting", "system", {"reason": "UNHOSTED"}, subject),
    ]

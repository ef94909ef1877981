"""Store, merchant, vendors, carrier and time play at random, and no unit is lost or sent twice.

The short form runs with the other tests; `make machine` plays much longer. What fails is printed as
a program of calls, smallest first, with a blob that repeats it.
"""

import os
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1 import hosting_service_pb2 as hosting
from fbali.v1 import order_service_pb2 as orders
from fbali.v1.allocation_pb2 import (
    ALLOCATION_STATE_CANCELLED,
    ALLOCATION_STATE_CLOSED,
    ALLOCATION_STATE_EXPIRED,
    ALLOCATION_STATE_REJECTED,
    REJECT_REASON_OUT_OF_STOCK,
)
from fbali.v1.cost_entry_pb2 import COST_KIND_ADJUSTMENT, COST_KIND_PRODUCT
from fbali.v1.hold_pb2 import HOLD_REASON_ADDRESS, HOLD_REASON_COOL_OFF
from fbali.v1.money_pb2 import Money
from fbali.v1.order_pb2 import ShippingStatus
from fbali.v1.package_pb2 import PACKAGE_STATE_VOIDED, PackageLine
from fbali.v1.package_pb2 import ExceptionReason as ReportedReason
from fbali.v1.package_pb2 import PackageState as ReportedState
from fbali.v1.placement_pb2 import PlacementChoice
from fbali.v1.store_pb2 import PROCESSING_AUTOMATIC, PROCESSING_MANUAL
from oms.domain.tracking import ExceptionReason, Meaning, PackageState
from oms.usecases.allocate_orders import allocate
from oms.usecases.context import Transaction
from tests.functional import goods
from tests.functional.ledgers import wrong_costs, wrong_ledgers
from tests.functional.order_world import World, new_world
from tests.services.stack import Stack

EXAMPLES = int(os.environ.get("FBALI_MACHINE_EXAMPLES", "12"))
STEPS = int(os.environ.get("FBALI_MACHINE_STEPS", "30"))
ORDERS_MAX = 4  # More of them are alike, and less is done to each.
ENDED = {
    ALLOCATION_STATE_CLOSED,
    ALLOCATION_STATE_REJECTED,
    ALLOCATION_STATE_EXPIRED,
    ALLOCATION_STATE_CANCELLED,
}
PLAY = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)

# Things are chosen by their place, since ids differ from run to run; mostly the newest ones.
places = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5])
sides = st.integers(0, 1)
kinds = st.sampled_from([goods.LAMP, goods.MAT_M, goods.MAT_L, goods.MUG])
counts = st.integers(1, 3)
flags = st.booleans()
hours = st.sampled_from([1, 5, 25, 49, 200, 24 * 31])
store_statuses = st.sampled_from(
    ["processing", "processing", "cancelled", "completed", "refunded", "trash", "on-hold"]
)
reported = st.sampled_from([*range(1, 10)])
meanings = st.one_of(
    st.sampled_from([Meaning(None), *(Meaning(state) for state in PackageState)]).filter(
        lambda meaning: meaning.state not in (PackageState.EXCEPTION, PackageState.VOIDED)
    ),
    st.sampled_from([Meaning(PackageState.EXCEPTION, reason) for reason in ExceptionReason]),
)


class Orders(RuleBasedStateMachine):
    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.world: World = self.closing.enter_context(new_world(stack))
        self.etags: dict[str, str] = {}  # As somebody read them some time ago.
        self.noted: dict[str, dict[Any, Any]] = {"cost_entry": {}, "event": {}}

    def teardown(self) -> None:
        self.closing.close()

    # --- The store ----------------------------------------------------------------------------

    @initialize(units=st.dictionaries(kinds, counts, min_size=1, max_size=3), side=sides)
    def business_begins(self, units, side):
        self.world.host("Lamp", self.world.vendors[side], 1)
        self.world.host("Mat", self.world.vendors[0], 1)
        self.world.host("Mat", self.world.vendors[1], 2)
        self.somebody_buys(units, is_paid=True)

    @precondition(lambda self: self.world.next_order < 1001 + ORDERS_MAX)
    @rule(units=st.dictionaries(kinds, counts, min_size=1, max_size=3), is_paid=flags)
    def somebody_buys(self, units, is_paid):
        self.world.put_order(units, "processing" if is_paid else "pending")
        self.world.sync()

    @rule(place=places, status=store_statuses)
    def status_changes(self, place, status):
        order = self.world.order(place)
        self.world.shop.change_order(order.id, status=status, paid_at=order.created_at)
        self.world.sync()

    @rule(place=places, line=sides, units=counts)
    def store_refunds(self, place, line, units):
        order = self.world.order(place)
        if order.items:
            item = order.items[line % len(order.items)]
            refunded = sum(refund.units.get(item.id, 0) for refund in order.refunds)
            taken = min(units, item.quantity - refunded)
            chosen = {item.id: taken} if taken > 0 else {}  # Else money only.
            self.world.shop.store.refund(order.id, amount="1.00", units=chosen)
            self.world.sync()

    @rule(place=places, line=sides, quantity=st.integers(0, 4))
    def quantity_changes(self, place, line, quantity):
        order = self.world.order(place)
        if order.items:
            items = list(order.items)
            items[line % len(items)] = replace(items[line % len(items)], quantity=quantity)
            self.world.change_items(order, tuple(items))
            self.world.sync()

    @rule(place=places, line=sides, is_back=flags)
    def line_goes(self, place, line, is_back):
        order = self.world.order(place)
        if order.items:
            gone = order.items[line % len(order.items)]
            self.world.change_items(order, tuple(item for item in order.items if item != gone))
            self.world.sync()
            if is_back:
                self.world.change_items(order, order.items)
                self.world.sync()

    @rule(place=places, kind=kinds, quantity=counts)
    def line_comes(self, place, kind, quantity):
        self.world.add_item(self.world.order(place), kind, quantity)
        self.world.sync()

    @rule(place=places, street=st.sampled_from(["1 Market St", "2 Mill Ln"]))
    def address_changes(self, place, street):
        buyer = replace(goods.BUYER, street=street)
        self.world.shop.change_order(self.world.order(place).id, buyer=buyer)
        self.world.sync()

    # --- The merchant -------------------------------------------------------------------------

    def order_name(self, place):
        found = self.world.orders()
        return found[-1 - place % len(found)] if found else None

    @rule(count=counts, side=sides, does_exclude=flags, remember=flags)
    def merchant_places(self, count, side, does_exclude, remember):
        choice = PlacementChoice(product=self.world.products["Mug"], remember=remember)
        if does_exclude:
            choice.exclude = True
        else:
            choice.vendor = self.world.vendors[side].name
        names = [order.name for order in self.world.orders()[-count:]]
        if names:
            self.say_merchant(orders.PlaceOrdersRequest, orders=names, choices=[choice])

    @rule(place=places, ends_in=st.sampled_from([None, 2, 30]))
    def merchant_holds(self, place, ends_in):
        order = self.order_name(place)
        if order is None:
            return
        request = {"orders": [order.name], "reason": HOLD_REASON_ADDRESS}
        if ends_in is not None:
            now = self.world.stack.clock.now_seconds()
            request["reason"] = HOLD_REASON_COOL_OFF
            request["expire_time"] = {"seconds": now + ends_in * 3600}
        self.say_merchant(orders.HoldOrdersRequest, **request)

    @rule(place=places, reason=st.sampled_from([0, HOLD_REASON_ADDRESS]))
    def merchant_releases(self, place, reason):
        order = self.order_name(place)
        if order is not None:
            self.say_merchant(orders.ReleaseOrdersRequest, orders=[order.name], reason=reason)

    @rule(place=places, is_stale=flags)
    def merchant_cancels(self, place, is_stale):
        order = self.order_name(place)
        if order is not None:
            etag = self.etag(order, is_stale=is_stale)
            request = orders.CancelOrderRequest(name=order.name, etag=etag)
            self.judge_etag(order, etag, self.world.say(self.world.merchant, request))

    @rule(
        change=st.sampled_from(["host", "end", "suspend", "resume", "manual", "automatic"]),
        title=st.sampled_from(["Lamp", "Mat", "Mug"]),
        side=sides,
        priority=st.integers(0, 3),
    )
    def merchant_changes_the_rules(self, change, title, side, priority):
        vendor = self.world.vendors[side]
        partnership = f"{self.world.merchant.name}/partnerships/{vendor.id}"
        requests = {
            "suspend": hosting.SuspendPartnershipRequest(name=partnership),
            "resume": hosting.ResumePartnershipRequest(name=partnership),
            "manual": hosting.UpdateStoreRequest(
                name=self.world.store, processing=PROCESSING_MANUAL
            ),
            "automatic": hosting.UpdateStoreRequest(
                name=self.world.store, processing=PROCESSING_AUTOMATIC
            ),
        }
        if change == "host":
            self.world.host(title, vendor, priority)
        elif change == "end":
            self.end_a_hosting(priority)
        else:
            self.world.say(self.world.merchant, requests[change])

    def end_a_hosting(self, place):
        request = hosting.ListHostingsRequest(parent=self.world.merchant.name)
        found = sorted(
            self.world.merchant.call(request).hostings,
            key=lambda item: (item.product_title, item.vendor_display_name, item.priority),
        )
        if found:
            name = found[place % len(found)].name
            self.world.say(self.world.merchant, hosting.DeleteHostingRequest(name=name))

    def say_merchant(self, kind, **fields):
        request = kind(parent=self.world.merchant.name, **fields)
        assert self.world.say(self.world.merchant, request) in {"OK", "FAILED_PRECONDITION"}

    # --- The vendors --------------------------------------------------------------------------

    def part(self, place):
        """Choose a vendor and a part: first what the vendors are to do something about."""
        found = [
            (part.state in ENDED, -part.create_time.seconds, side, part.order_number, part)
            for side, vendor in enumerate(self.world.vendors)
            for part in self.world.parts(vendor)
        ]
        found.sort(key=lambda item: item[:4])
        _, _, side, _, part = found[place % len(found)] if found else (0, 0, 0, "", None)
        return self.world.vendors[side], part

    @rule(place=places, is_stale=flags)
    def vendor_accepts(self, place, is_stale):
        self.answer(place, fulfillment.AcceptAllocationRequest, is_stale=is_stale)

    @rule(place=places, is_stale=flags)
    def vendor_rejects(self, place, is_stale):
        kind, reason = fulfillment.RejectAllocationRequest, REJECT_REASON_OUT_OF_STOCK
        self.answer(place, kind, is_stale=is_stale, reject_reason=reason)

    @rule(place=places, is_stale=flags)
    def vendor_closes_short(self, place, is_stale):
        kind, reason = fulfillment.CloseAllocationRequest, REJECT_REASON_OUT_OF_STOCK
        self.answer(place, kind, is_stale=is_stale, reject_reason=reason)

    @rule(place=places, agreed=flags, is_stale=flags)
    def vendor_answers_a_cancellation(self, place, agreed, is_stale):
        kind = fulfillment.AnswerCancellationRequest
        self.answer(place, kind, is_stale=is_stale, agreed=agreed)

    def answer(self, place, kind, *, is_stale, **fields):
        vendor, part = self.part(place)
        if part is not None:
            etag = self.etag(part, is_stale=is_stale)
            request = kind(name=part.name, etag=etag, **fields)
            self.judge_etag(part, etag, self.world.say(vendor, request))

    @rule(place=places, units=st.integers(0, 3), is_with_carrier=flags)
    def vendor_packs(self, place, units, is_with_carrier):
        vendor, part = self.part(place)
        if part is not None:
            line = part.lines[units % len(part.lines)].line
            request = fulfillment.CreatePackageRequest(
                parent=part.name,
                tracking_number=self.world.number(),
                lines=[PackageLine(line=line, quantity=units)] if units else [],
                handed_over=is_with_carrier,
            )
            self.world.say(vendor, request)

    def parcel(self, place):
        """Choose a vendor and a parcel, the newest first that is not void."""
        found = [
            (parcel.state == PACKAGE_STATE_VOIDED, -parcel.create_time.seconds, vendor, parcel)
            for vendor in self.world.vendors
            for part in self.world.parts(vendor)
            for parcel in part.packages
        ]
        found.sort(key=lambda item: item[:2])
        return found[place % len(found)][2:] if found else (None, None)

    @rule(place=places)
    def vendor_voids(self, place):
        vendor, parcel = self.parcel(place)
        if parcel is not None:
            request = fulfillment.VoidPackageRequest(name=parcel.name)
            self.world.say(vendor, request)

    @rule(place=places, state=reported, reason=st.sampled_from(ReportedReason.values()))
    def vendor_reports(self, place, state, reason):
        vendor, parcel = self.parcel(place)
        if parcel is not None:
            request = fulfillment.ReportPackageEventRequest(name=parcel.name, state=state)
            if state == ReportedState.Value("PACKAGE_STATE_EXCEPTION"):
                request.exception_reason = reason
            self.world.say(vendor, request)

    @rule(place=places, minor=st.integers(-300, 900))
    def vendor_records_costs(self, place, minor):
        vendor, part = self.part(place)
        if part is not None:
            cost = fulfillment.RecordedCost(
                kind=COST_KIND_ADJUSTMENT if minor < 0 else COST_KIND_PRODUCT,
                amount=Money(currency_code="USD", amount_minor=minor),
            )
            request = fulfillment.RecordCostsRequest(name=part.name, costs=[cost])
            self.world.say(vendor, request)

    def etag(self, item, *, is_stale):
        """Return the etag that somebody read first, or none at all; keep the present one."""
        first = self.etags.setdefault(item.name, item.etag)
        return first if is_stale else ""

    def judge_etag(self, item, etag, code):
        assert (code == "ABORTED") == (etag not in ("", item.etag)), (etag, item.etag, code)

    # --- The carrier and time -----------------------------------------------------------------

    @rule(place=places, meaning=meanings, ago=st.sampled_from([0, 60, 7200, 90_000]))
    def carrier_tells(self, place, meaning, ago):
        _vendor, parcel = self.parcel(place)
        if parcel is not None:
            self.world.hear(parcel.tracking_number, meaning, ago, f"word-{meaning.state}")
            self.world.pass_time(3600)

    @rule(place=places)
    def carrier_repeats_itself(self, place):
        _vendor, parcel = self.parcel(place)
        if parcel is not None:
            told = self.world.carrier.events.get(parcel.tracking_number, [])
            told.extend(reversed(list(told)))
            self.world.pass_time(3600)

    @rule(count=hours)
    def time_passes(self, count):
        self.world.pass_time(count * 3600)

    # --- What always holds --------------------------------------------------------------------

    @invariant()
    def every_unit_is_accounted_for(self):
        assert wrong_ledgers(self.world.stack.db) == []
        for order in self.world.orders():
            for line in order.lines:
                held = line.allocated_quantity + line.packed_quantity
                assert held <= line.ordered_quantity, line

    @invariant()
    def costs_follow_from_units_and_are_never_rewritten(self):
        assert wrong_costs(self.world.stack.db) == []
        self.assert_only_grown("cost_entry")

    @invariant()
    def history_only_grows(self):
        self.assert_only_grown("event")

    def assert_only_grown(self, table):
        now = self.world.noted(table)
        assert {key: now.get(key) for key in self.noted[table]} == self.noted[table]
        self.noted[table] = now

    @invariant()
    def api_shows_the_status_that_is_stored(self):
        with self.world.stack.db.session():
            rows = self.world.stack.db.all("SELECT number, status FROM orders")
        shown = {
            order.number: ShippingStatus.Name(order.shipping_status).removeprefix(
                "SHIPPING_STATUS_"
            )
            for order in self.world.orders()
        }
        stored = {number: status or "UNSPECIFIED" for number, status in rows if number in shown}
        assert shown == stored

    @invariant()
    def nothing_waits_that_could_go(self):
        stack = self.world.stack
        with stack.db.transaction():
            waiting = [row[0] for row in stack.db.all("SELECT id FROM orders WHERE has_open_units")]
            tx = Transaction(stack.db, stack.clock.now_ms(), stack.oms)
            assert allocate(tx, waiting) == 0

    @invariant()
    def nobody_sees_what_is_not_his(self):
        world = self.world
        request = orders.ListOrdersRequest(parent=world.stranger.name)
        assert list(world.stranger.call(request).orders) == []
        assert world.parts(world.foreign_vendor) == []
        for side, vendor in enumerate(world.vendors):
            parts = world.parts(vendor)
            assert {part.name.split("/")[1] for part in parts} <= {vendor.id}
            for part in parts[:1]:
                peek = fulfillment.GetAllocationRequest(name=part.name)
                assert world.vendors[1 - side].code(peek) == "NOT_FOUND"


def test_whatever_everybody_does_every_unit_is_accounted_for(shared_stack: Stack):
    class OrdersHere(Orders):
        def __init__(self) -> None:
            super().__init__(shared_stack)

    run_state_machine_as_test(OrdersHere, settings=PLAY)

"""What the scripted server answers: a merchant with two stores, two vendors and a busy order."""

from google.protobuf.timestamp_pb2 import Timestamp

from fbali.v1 import admin_service_pb2 as admin
from fbali.v1 import order_service_pb2 as orders
from fbali.v1.address_pb2 import Address
from fbali.v1.allocation_pb2 import (
    ALLOCATION_STATE_ACCEPTED,
    ALLOCATION_STATE_CLOSED,
    Allocation,
    AllocationLine,
)
from fbali.v1.cost_entry_pb2 import (
    COST_KIND_PRODUCT,
    COST_KIND_SHIPPING,
    COST_SOURCE_ACTUAL,
    COST_SOURCE_QUOTED,
    CostEntry,
)
from fbali.v1.event_pb2 import Event
from fbali.v1.hosting_pb2 import HOSTING_STATE_ACTIVE, Hosting
from fbali.v1.job_pb2 import JOB_STATE_QUARANTINED, Job
from fbali.v1.money_pb2 import Money
from fbali.v1.order_pb2 import (
    ADMISSION_ADMITTED,
    ADMISSION_UNPAID,
    PENDING_REASON_UNHOSTED,
    SHIPPING_STATUS_EXCEPTION,
    SHIPPING_STATUS_PENDING,
    Order,
    OrderLine,
)
from fbali.v1.package_pb2 import (
    EXCEPTION_REASON_CUSTOMS,
    PACKAGE_STATE_DELIVERED,
    PACKAGE_STATE_EXCEPTION,
    PACKAGE_STATE_HANDED_OVER,
    PACKAGE_STATE_IN_TRANSIT,
    Package,
    PackageLine,
    TrackingEvent,
)
from fbali.v1.placement_pb2 import (
    OrderPlacement,
    PlacementLine,
    PlacementPart,
    WaitingLine,
)
from fbali.v1.product_pb2 import Product, Variant
from fbali.v1.store_pb2 import (
    PROCESSING_AUTOMATIC,
    PROCESSING_MANUAL,
    STORE_PLATFORM_WOOCOMMERCE,
    STORE_STATE_CONNECTED,
    STORE_STATE_DISCONNECTED,
    Store,
    SyncRun,
    SyncRunState,
)
from fbali.v1.token_pb2 import ROLE_VENDOR, Role, Token
from fbali.v1.vendor_pb2 import PARTNERSHIP_STATE_ACTIVE, Partnership
from fbali.v1.write_back_pb2 import WriteBack, WriteBackMethod, WriteBackState

TOKEN = "fbali-secret-1"
MERCHANT = "merchants/m01jd9z5zq8k3v6t2r4w7x9y1aa"
SHENZHEN = "vendors/v01jd9z5zq8k3v6t2r4w7x9y1ab"
TOKYO = "vendors/v01jd9z5zq8k3v6t2r4w7x9y1ac"
STORE = f"{MERCHANT}/stores/s01jd9z5zq8k3v6t2r4w7x9y1ad"
OUTLET = f"{MERCHANT}/stores/s01jd9z5zq8k3v6t2r4w7x9y1ae"
ORDER = f"{MERCHANT}/orders/o01jd9z5zq8k3v6t2r4w7x9y1af"
MUG = f"{MERCHANT}/products/p01jd9z5zq8k3v6t2r4w7x9y1ag"
LAMP = f"{MERCHANT}/products/p01jd9z5zq8k3v6t2r4w7x9y1ah"
HOSTING = f"{MERCHANT}/hostings/h01jd9z5zq8k3v6t2r4w7x9y1ai"
LONG_TITLE = "Enamel mug with a very long title that a shop owner wrote for search engines"
NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
HOUR = 3600
DAY = 24 * HOUR


def at(seconds_from_noon: int) -> Timestamp:
    return Timestamp(seconds=NOON + seconds_from_noon)


def money(currency_code: str, amount_minor: int) -> Money:
    return Money(currency_code=currency_code, amount_minor=amount_minor)


RECIPIENT = Address(
    recipient_name="Zoë Quinn-Featherstonehaugh",
    company="Fern & Moss",
    line1="Chausseestraße 12",
    line2="Hinterhof, 3. OG",
    city="Berlin",
    postal_code="10115",
    region_code="DE",
    phone="+49 30 123456",
)


def order_lines() -> list[OrderLine]:
    return [
        OrderLine(
            name=f"{ORDER}/lines/l1",
            product=MUG,
            variant=f"{MUG}/variants/x1",
            title=LONG_TITLE,
            sku="MUG-BLUE",
            price=money("EUR", 1490),
            ordered_quantity=3,
            allocated_quantity=1,
            packed_quantity=2,
            handed_over_quantity=2,
            delivered_quantity=1,
        ),
        OrderLine(
            name=f"{ORDER}/lines/l2",
            product=LAMP,
            variant=f"{LAMP}/variants/x2",
            title="提灯 paper lantern",
            sku="LAMP",
            price=money("EUR", 3900),
            ordered_quantity=1,
            packed_quantity=1,
            handed_over_quantity=1,
        ),
        OrderLine(
            name=f"{ORDER}/lines/l3",
            title="Gift card holder",
            price=money("EUR", 250),
            ordered_quantity=2,
            removed_quantity=1,
            open_quantity=1,
            pending_reason=PENDING_REASON_UNHOSTED,
        ),
    ]


def mug_package() -> Package:
    return Package(
        name=f"{SHENZHEN}/allocations/a01jd9z5zq8k3v6t2r4w7x9y1aj/packages/k1",
        carrier_code="3011",
        tracking_number="RX123456789CN",
        state=PACKAGE_STATE_DELIVERED,
        raw_status="Delivered_Other",
        lines=[PackageLine(line=f"{ORDER}/lines/l1", quantity=2)],
        events=[
            TrackingEvent(
                occur_time=at(-4 * DAY),
                state=PACKAGE_STATE_HANDED_OVER,
                raw_status="InTransit_PickedUp",
                description="Picked up by the carrier",
                location="Shenzhen, CN",
                source="17track",
            ),
            TrackingEvent(
                occur_time=at(-2 * DAY),
                state=PACKAGE_STATE_IN_TRANSIT,
                description="Departed from the international sorting centre",
                location="Frankfurt am Main, DE",
                source="17track",
            ),
            TrackingEvent(
                occur_time=at(-DAY),
                state=PACKAGE_STATE_DELIVERED,
                description="Handed to a neighbour",
                location="Berlin, DE",
                source="17track",
            ),
        ],
        create_time=at(-5 * DAY),
        hand_over_time=at(-4 * DAY),
        deliver_time=at(-DAY),
        etag="k1-1",
    )


def mug_allocation() -> Allocation:
    return Allocation(
        name=f"{SHENZHEN}/allocations/a01jd9z5zq8k3v6t2r4w7x9y1aj",
        order=ORDER,
        order_number="1042",
        vendor_display_name="Shenzhen Source",
        merchant_display_name="Mugs and more",
        state=ALLOCATION_STATE_ACCEPTED,
        recipient=RECIPIENT,
        lines=[
            AllocationLine(
                line=f"{ORDER}/lines/l1",
                title=LONG_TITLE,
                sku="MUG-BLUE",
                vendor_sku="SZ-4471",
                purchase_url="https://detail.example/item/4471",
                quantity=3,
                packed_quantity=2,
                unit_cost=money("USD", 420),
            )
        ],
        packages=[mug_package()],
        costs=[
            CostEntry(
                kind=COST_KIND_PRODUCT,
                source=COST_SOURCE_QUOTED,
                amount=money("USD", 1260),
                create_time=at(-6 * DAY),
            ),
            CostEntry(
                kind=COST_KIND_SHIPPING,
                source=COST_SOURCE_ACTUAL,
                amount=money("USD", 735),
                note="air mail",
                create_time=at(-5 * DAY),
            ),
        ],
        quoted_totals=[money("USD", 1260)],
        actual_totals=[money("USD", 735)],
        create_time=at(-6 * DAY),
        accept_time=at(-6 * DAY + HOUR),
        etag="a1-3",
    )


def lamp_allocation() -> Allocation:
    name = f"{TOKYO}/allocations/a01jd9z5zq8k3v6t2r4w7x9y1ak"
    return Allocation(
        name=name,
        order=ORDER,
        order_number="1042",
        vendor_display_name="Tokyo Lights",
        merchant_display_name="Mugs and more",
        state=ALLOCATION_STATE_CLOSED,
        lines=[
            AllocationLine(
                line=f"{ORDER}/lines/l2", title="提灯 paper lantern", quantity=1, packed_quantity=1
            )
        ],
        packages=[
            Package(
                name=f"{name}/packages/k2",
                tracking_number="1234-5678-9012",
                state=PACKAGE_STATE_EXCEPTION,
                exception_reason=EXCEPTION_REASON_CUSTOMS,
                lines=[PackageLine(line=f"{ORDER}/lines/l2", quantity=1)],
                events=[
                    TrackingEvent(
                        occur_time=at(-3 * HOUR),
                        state=PACKAGE_STATE_EXCEPTION,
                        exception_reason=EXCEPTION_REASON_CUSTOMS,
                        description="Held by customs: invoice missing",
                        location="Leipzig, DE",
                        source="17track",
                    )
                ],
                create_time=at(-3 * DAY),
                hand_over_time=at(-2 * DAY),
                next_poll_time=at(2 * HOUR),
            )
        ],
        costs=[
            CostEntry(
                kind=COST_KIND_PRODUCT,
                source=COST_SOURCE_ACTUAL,
                amount=money("JPY", 1800),
                create_time=at(-3 * DAY),
            )
        ],
        actual_totals=[money("JPY", 1800)],
        create_time=at(-6 * DAY),
        accept_time=at(-3 * DAY),
        close_time=at(-3 * DAY),
    )


def failed_write_back() -> WriteBack:
    return WriteBack(
        name=f"{MERCHANT}/writeBacks/b01jd9z5zq8k3v6t2r4w7x9y1am",
        order=ORDER,
        order_number="1042",
        tracking_number="RX123456789CN",
        state=WriteBackState.WRITE_BACK_STATE_FAILED,
        method=WriteBackMethod.WRITE_BACK_METHOD_CORE_FULFILLMENT,
        failure_count=1,
        problem_message="the store refused the key (401: no write permissions)",
        problem_reason="GATEWAY_CREDENTIALS_REFUSED",
        create_time=at(-4 * DAY),
        finish_time=at(-4 * DAY),
    )


def full_order() -> Order:
    return Order(
        name=ORDER,
        store=STORE,
        external_id="98117",
        number="1042",
        store_status="processing",
        admission=ADMISSION_ADMITTED,
        shipping_status=SHIPPING_STATUS_EXCEPTION,
        customer_name="Zoë Quinn-Featherstonehaugh",
        customer_email="zoe@example.com",
        recipient=RECIPIENT,
        customer_note="Please ring twice.\nIt is a present, so no invoice in the parcel!",
        total=money("EUR", 8620),
        lines=order_lines(),
        allocations=[mug_allocation(), lamp_allocation()],
        write_backs=[failed_write_back()],
        cost_totals=[money("USD", 735), money("JPY", 1800)],
        history=[
            Event(
                sequence=1,
                kind="order.admitted",
                actor="store",
                subject=ORDER,
                details={"before": "unpaid", "after": "admitted"},
                occur_time=at(-6 * DAY),
            ),
            Event(
                sequence=9,
                kind="package.exception",
                actor="carrier",
                subject=lamp_allocation().packages[0].name,
                details={"before": "in_transit", "after": "exception", "reason": "customs"},
                occur_time=at(-3 * HOUR),
            ),
        ],
        place_time=at(-6 * DAY - HOUR),
        create_time=at(-6 * DAY),
        etag="o-7",
    )


def placement() -> OrderPlacement:
    mugs = PlacementLine(line=f"{ORDER}/lines/l1", title="Enamel mug", quantity=3)
    return OrderPlacement(
        order=ORDER,
        order_number="1042",
        parts=[
            PlacementPart(
                vendor=SHENZHEN,
                vendor_display_name="Shenzhen Source",
                lines=[mugs],
                quoted_totals=[money("EUR", 1260)],
            )
        ],
        waiting_lines=[
            WaitingLine(
                line=f"{ORDER}/lines/l3",
                title="Gift card holder",
                quantity=1,
                reason=PENDING_REASON_UNHOSTED,
            )
        ],
        revenue=money("EUR", 4470),
        quoted_totals=[money("EUR", 1260)],
        margin=money("EUR", 3210),
    )


def listed_orders() -> list[Order]:
    listed = full_order()
    listed.recipient.CopyFrom(Address(region_code="DE"))
    for name in ("customer_email", "customer_note", "cost_totals", "history"):
        listed.ClearField(name)
    rude = Order(
        name=f"{MERCHANT}/orders/o01jd9z5zq8k3v6t2r4w7x9y1al",
        store=STORE,
        number="1043",
        admission=ADMISSION_ADMITTED,
        shipping_status=SHIPPING_STATUS_PENDING,
        customer_name="Eve\x1b]0;owned\x07 \x1b[31m\u202etxet\n[bold]x[/bold]",
        recipient=Address(region_code="US"),
        total=money("KWD", 12345),
        lines=[OrderLine(ordered_quantity=1, open_quantity=1)],
        place_time=at(-HOUR),
    )
    unpaid = Order(
        name=f"{MERCHANT}/orders/o01jd9z5zq8k3v6t2r4w7x9y1am",
        store=OUTLET,
        number="77",
        admission=ADMISSION_UNPAID,
        customer_name="田中太郎",
        total=money("JPY", 5400),
        place_time=at(-7 * DAY),
    )
    return [rude, listed, unpaid]


STORES = [
    Store(
        name=STORE,
        display_name="Mugs and more",
        platform=STORE_PLATFORM_WOOCOMMERCE,
        base_url="https://mugs.example",
        state=STORE_STATE_CONNECTED,
        processing=PROCESSING_AUTOMATIC,
        sync_interval_seconds=300,
        synced_until_time=at(-60),
        latest_sync_run=f"{STORE}/syncRuns/r1",
        etag="s-1",
        create_time=at(-90 * DAY),
    ),
    Store(
        name=OUTLET,
        display_name="Outlet",
        platform=STORE_PLATFORM_WOOCOMMERCE,
        base_url="https://outlet.mugs.example",
        state=STORE_STATE_DISCONNECTED,
        processing=PROCESSING_MANUAL,
        sync_interval_seconds=90,
        create_time=at(-80 * DAY),
    ),
]


def sync_run(state: str, **fields: object) -> SyncRun:
    values = {"name": f"{STORE}/syncRuns/r1", "create_time": at(-60), "start_time": at(-58)}
    number = SyncRunState.Value(f"SYNC_RUN_STATE_{state}")
    return SyncRun(state=number, **{**values, **fields})  # type: ignore[arg-type]


FINISHED_RUN = sync_run(
    "SUCCEEDED",
    order_count=120,
    order_count_expected=120,
    created_count=4,
    changed_count=11,
    unchanged_count=104,
    quarantined_count=1,
    finish_time=at(0),
)
PRODUCT = Product(
    name=MUG,
    store=STORE,
    external_id="55",
    title="Enamel mug",
    sku="MUG",
    variants=[
        Variant(name=f"{MUG}/variants/x1", title="Blue", sku="MUG-BLUE", price=money("EUR", 1490)),
        Variant(name=f"{MUG}/variants/x3", title="Red", sku="MUG-RED", price=money("EUR", 1490)),
    ],
    hosting_count=1,
    waiting_unit_count=2,
)
HOSTED = Hosting(
    name=HOSTING,
    product=MUG,
    vendor=SHENZHEN,
    vendor_display_name="Shenzhen Source",
    region_codes=["DE", "US"],
    priority=100,
    vendor_sku="SZ-4471",
    unit_cost=money("USD", 420),
    shipping_cost=money("USD", 250),
    state=HOSTING_STATE_ACTIVE,
    etag="h-1",
    create_time=at(-30 * DAY),
    product_title="Enamel mug",
)
PARTNERSHIP = Partnership(
    name=f"{MERCHANT}/partnerships/{SHENZHEN.removeprefix('vendors/')}",
    merchant=MERCHANT,
    merchant_display_name="Mugs and more",
    vendor=SHENZHEN,
    vendor_display_name="Shenzhen Source",
    state=PARTNERSHIP_STATE_ACTIVE,
    acceptance_required=True,
    acceptance_hours=48,
    create_time=at(-30 * DAY),
)
ISSUED = Token(
    name="tokens/t01jd9z5zq8k3v6t2r4w7x9y1an",
    role=ROLE_VENDOR,
    principal=SHENZHEN,
    display_name="Ann, packing",
    create_time=at(-DAY),
)
STUCK_JOB = Job(
    name="jobs/j01jd9z5zq8k3v6t2r4w7x9y1ao",
    kind="sync_store",
    state=JOB_STATE_QUARANTINED,
    merchant=MERCHANT,
    failure_count=9,
    last_error="the store answers with a page of HTML",
    due_time=at(-HOUR),
    create_time=at(-DAY),
)
CALLER = admin.GetServerInfoResponse(
    version="0.1.0",
    capabilities=["store.woocommerce"],
    caller_role=Role.ROLE_VENDOR,
    caller=SHENZHEN,
    caller_display_name="Shenzhen Source",
)
COUNTS = orders.CountOrdersResponse(
    counts=[
        orders.TagCount(tag=tag, order_count=count)
        for tag, count in zip(orders.OrderTag.values(), (214, 3, 12, 40, 2, 150, 9, 8), strict=True)
    ],
    quarantined_count=1,
)

"""What one merchant and one vendor own after a first day of work, by resource name."""

import hashlib
import zlib
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from app.demo.shop import CONSUMER_KEY, CONSUMER_SECRET
from fbali.v1 import after_sales_service_pb2 as after_sales
from fbali.v1.admin_service_pb2 import IssueTokenRequest
from fbali.v1.after_sales_policy_pb2 import ISSUE_TYPE_OTHER
from fbali.v1.case_pb2 import (
    CASE_REJECT_REASON_NOT_COVERED,
    RESOLUTION_MODE_FULL_REFUND,
    RESOLUTION_MODE_OTHER,
    ResolutionTerm,
)
from fbali.v1.fulfillment_service_pb2 import (
    AcceptAllocationRequest,
    CreatePackageRequest,
    ListAllocationsRequest,
)
from fbali.v1.hosting_pb2 import Hosting
from fbali.v1.hosting_service_pb2 import (
    BatchCreateHostingsRequest,
    ConnectStoreRequest,
    InviteVendorRequest,
    ListProductsRequest,
    SuspendPartnershipRequest,
)
from fbali.v1.import_run_pb2 import IMPORT_FORMAT_JSON_LINES
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetSyncRunRequest,
    ImportOrdersRequest,
    ListOrdersRequest,
    SyncOrdersRequest,
)
from fbali.v1.package_pb2 import PackageLine
from fbali.v1.store_pb2 import STORE_PLATFORM_WOOCOMMERCE
from fbali.v1.token_pb2 import ROLE_VENDOR
from oms.domain.ids import IdKind, new_id
from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.orders import lock
from tests.functional import goods
from tests.services.pictures import photo as picture
from tests.services.stack import Caller, Stack

PHOTO = picture()
PHOTO_SHA256 = hashlib.sha256(PHOTO).hexdigest()


@dataclass(frozen=True)
class Estate:
    """Resource names; each of the mutating methods has something here that it may be done to."""

    merchant: str
    vendor: str
    store: str
    sync_run: str
    product: str
    variant: str
    hosting: str
    order: str
    waiting: str  # An order whose only product is un-hosted.
    submitted: str  # Allocations, by their state.
    accepted: str
    packed: str  # With one unit in a parcel; the vendor is asked for the other one.
    package: str
    line: str  # Of the allocation `submitted`.
    token: str
    job: str  # Quarantined.
    partnership: str  # Active.
    suspended: str
    invitation: str  # Of the vendor, by a third merchant.
    stranger: str  # A vendor who was never invited.
    import_run: str
    write_back: str  # Given up; of the parcel.
    new_store_url: str
    claimed_order: str  # Shipped, with units that may be claimed.
    claimed_line: str
    drafted: str  # Cases, by what may be done to them.
    submitted_case: str
    asked: str
    offered: str
    rejected: str
    escalated: str
    agreed: str  # To be settled by hand.
    policy: str
    upload: str  # The merchant's, of a photo of the case `drafted`.
    photo: str  # What it became.
    proof: str  # The same photo, of the case `submitted_case`.

    def claimed_by(self, owner: "Estate") -> Self:
        """Give the same names as somebody else would write them, as if they were his."""
        ids = {
            last_id(self.merchant): last_id(owner.merchant),
            last_id(self.vendor): last_id(owner.vendor),
        }
        claimed = {}
        for field in fields(self):
            name = getattr(self, field.name)
            for mine, his in ids.items():
                name = name.replace(mine, his)
            claimed[field.name] = name
        return replace(self, **claimed)


def last_id(name: str) -> str:
    return name.rpartition("/")[2]


def settle(stack: Stack, merchant: Caller, vendor: Caller) -> Estate:
    """Connect the shop, sync it, host with the vendor, and let it begin to work."""
    stack.work()  # What others left to be done would otherwise change the shop under our eyes.
    fill(stack, shipped_later=True)
    store = connect(stack, merchant)
    stack.work()
    products = {item.title: item for item in products_of(merchant)}
    hosted = host(merchant, vendor, products["Lamp"].name, products["Mat"].name)
    stack.work()
    orders = {item.number: item for item in orders_of(merchant)}
    parts = {item.order_number: item for item in allocations_of(vendor)}
    vendor.call(AcceptAllocationRequest(name=parts["1002"].name))
    parcel = vendor.call(
        CreatePackageRequest(
            parent=parts["1003"].name,
            tracking_number=f"SMOOTH-{vendor.id[-6:]}",
            lines=[PackageLine(line=parts["1003"].lines[0].line, quantity=1)],
        )
    ).package
    merchant.call(CancelOrderRequest(name=orders["1003"].name))
    return Estate(
        merchant=merchant.name,
        vendor=vendor.name,
        store=store.name,
        sync_run=store.latest_sync_run,
        product=products["Mat"].name,
        variant=products["Mat"].variants[0].name,
        hosting=hosted[0].name,
        order=orders["1001"].name,
        waiting=orders["1004"].name,
        submitted=parts["1001"].name,
        accepted=parts["1002"].name,
        packed=parts["1003"].name,
        package=parcel.name,
        line=parts["1001"].lines[0].line,
        job=quarantined_job(stack, merchant),
        token=spare_token(stack, vendor),
        partnership=f"{merchant.name}/partnerships/{vendor.id}",
        suspended=suspended_partnership(stack, merchant),
        invitation=invitation(stack, vendor),
        stranger=stack.vendor("Stranger").name,
        import_run=import_run(merchant, store.name),
        write_back=failed_write_back(stack, merchant, parcel.name),
        new_store_url=stack.shop.url.replace("127.0.0.1", "localhost"),
        **open_cases(merchant, vendor, parts["1005"]),
    )


def add_photos(merchant: Caller, cases: dict[str, str]) -> dict[str, str]:
    """Prove a draft by a photo, and a case that was submitted by the same one."""
    request = after_sales.CreateUploadRequest(parent=cases["drafted"])
    upload = merchant.call(request).upload.name
    merchant.call(
        after_sales.WriteUploadChunkRequest(name=upload, data=PHOTO, crc32=zlib.crc32(PHOTO))
    )
    end = after_sales.FinalizeUploadRequest(name=upload, sha256=PHOTO_SHA256)
    photo = merchant.call(end).photo.name
    copy = after_sales.AttachPhotoRequest(parent=cases["submitted_case"], photo=photo)
    proof = merchant.call(copy).photo.name
    return {**cases, "upload": upload, "photo": photo, "proof": proof}


def open_cases(merchant: Caller, vendor: Caller, part: Any) -> dict[str, str]:
    """Ship a part, and open a case about a unit of it per kind of thing that may be done to one."""
    number = f"QUIET-{vendor.id[-6:]}"
    parcel = CreatePackageRequest(parent=part.name, tracking_number=number, handed_over=True)
    vendor.call(parcel)
    line = part.lines[0].line
    item = after_sales.NewCaseItem(
        line=line,
        quantity=1,
        type=ISSUE_TYPE_OTHER,
        mode=RESOLUTION_MODE_OTHER,
        note="send a voucher",
    )
    request = after_sales.CreateCaseRequest(order=part.order, description="It is odd", items=[item])
    kinds = ("drafted", "submitted_case", "asked", "offered", "rejected", "escalated", "agreed")
    names = {kind: merchant.call(request).cases[0].name for kind in kinds}
    for kind in kinds[1:]:
        merchant.call(after_sales.SubmitCaseRequest(name=names[kind]))
    vendor.call(after_sales.RequestInfoRequest(name=names["asked"], text="how odd?"))
    term = ResolutionTerm(item=1, mode=RESOLUTION_MODE_FULL_REFUND)
    vendor.call(after_sales.OfferResolutionRequest(name=names["offered"], terms=[term]))
    for kind in ("rejected", "escalated"):
        vendor.call(
            after_sales.RejectCaseRequest(
                name=names[kind], reject_reason=CASE_REJECT_REASON_NOT_COVERED
            )
        )
    merchant.call(after_sales.EscalateCaseRequest(name=names["escalated"]))
    vendor.call(after_sales.AcceptCaseRequest(name=names["agreed"]))
    policy = f"{merchant.name}/partnerships/{vendor.id}/afterSalesPolicy"
    names |= {"claimed_order": part.order, "claimed_line": line, "policy": policy}
    return add_photos(merchant, names)


def fill(stack: Stack, *, shipped_later: bool = False) -> None:
    """Put the goods and four orders into the shop, unless they are there.

    The fifth, which is shipped, comes back as if the shop had never been told of that.
    """
    now = stack.clock.now_seconds()
    if shipped_later:
        shipped = goods.order(1005, {goods.LAMP: 9}, now=now)
        stack.shop.store.load([], [shipped])
    if stack.shop.store.product(goods.LAMP) is not None:
        return
    wanted = {
        1001: {goods.LAMP: 2, goods.MAT_M: 3},
        1002: {goods.LAMP: 1},
        1003: {goods.MAT_L: 2},
        1004: {goods.MUG: 1},
    }
    orders = [goods.order(number, units, now=now) for number, units in wanted.items()]
    stack.shop.store.load(goods.products(now), orders)


def connect(stack: Stack, merchant: Caller, **fields: Any) -> Any:
    """Connect the shop; its first sync is queued."""
    request = ConnectStoreRequest(
        parent=merchant.name,
        platform=STORE_PLATFORM_WOOCOMMERCE,
        base_url=stack.shop.url,
        consumer_key=CONSUMER_KEY,
        consumer_secret=CONSUMER_SECRET,
        sync_interval_seconds=86_400,
    )
    request.MergeFrom(ConnectStoreRequest(**fields))
    return merchant.call(request).store


def sync(stack: Stack, merchant: Caller, store: str) -> Any:
    """Read what changed in the shop up to now, and do all the work that follows."""
    stack.clock.advance(5)  # A window ends before the second in which it is read.
    run = merchant.call(SyncOrdersRequest(name=store)).sync_run
    stack.work()
    return merchant.call(GetSyncRunRequest(name=run.name)).sync_run


def host(merchant: Caller, vendor: Caller, *products: str) -> Any:
    """Host products with a vendor, for 4.20 and 2.50 a unit."""
    hostings = [
        Hosting(
            product=product,
            vendor=vendor.name,
            vendor_sku=f"SKU-OF-{vendor.id}",
            unit_cost=Money(currency_code="USD", amount_minor=420),
            shipping_cost=Money(currency_code="USD", amount_minor=250),
        )
        for product in products
    ]
    request = BatchCreateHostingsRequest(parent=merchant.name, hostings=hostings)
    return merchant.call(request).hostings


def products_of(merchant: Caller) -> Any:
    return merchant.call(ListProductsRequest(parent=merchant.name)).products


def orders_of(merchant: Caller, **fields: Any) -> Any:
    return merchant.call(ListOrdersRequest(parent=merchant.name, **fields)).orders


def allocations_of(vendor: Caller, **fields: Any) -> Any:
    return vendor.call(ListAllocationsRequest(parent=vendor.name, **fields)).allocations


def quarantined_job(stack: Stack, merchant: Caller) -> str:
    """Write a job that was given up."""
    now_ms = stack.clock.now_ms()
    with stack.db.transaction():
        jobs.enqueue(stack.db, JobKind.PRUNE, now_ms, merchant_id=merchant.id)
        [row] = stack.db.all("SELECT MAX(id) FROM job WHERE merchant_id = ?", merchant.id)
        stack.db.run(
            "UPDATE job SET state = 'QUARANTINED', failures = 10, finished_at = ? WHERE id = ?",
            now_ms,
            row[0],
        )
    return f"jobs/{row[0]}"


def failed_write_back(stack: Stack, merchant: Caller, package: str) -> str:
    """Write down that telling the store of a parcel was given up."""
    now_ms = stack.clock.now_ms()
    write_back_id = new_id(IdKind.WRITE_BACK, now_ms)
    with stack.db.transaction():
        [row] = stack.db.all("SELECT order_id FROM package WHERE id = ?", last_id(package))
        lock(stack.db, row)
        stack.db.run(
            "INSERT INTO write_back (id, merchant_id, order_id, store_id, package_id,"
            " tracking_number, state, method, failure_count, problem_reason, problem_message,"
            " external_id, is_outdated, created_at, finished_at) SELECT ?, o.merchant_id, o.id,"
            " o.store_id, p.id, p.tracking_number, 'FAILED', 'CORE_FULFILLMENT', 12,"
            " 'GATEWAY_SERVER_ERROR', 'the store failed (500)', '', FALSE, ?, ?"
            " FROM package p JOIN orders o ON o.id = p.order_id WHERE p.id = ?",
            write_back_id,
            now_ms,
            now_ms,
            last_id(package),
        )
    return f"{merchant.name}/writeBacks/{write_back_id}"


def spare_token(stack: Stack, vendor: Caller) -> str:
    request = IssueTokenRequest(role=ROLE_VENDOR, principal=vendor.name, display_name="spare")
    return str(stack.operator.call(request).token.name)


def suspended_partnership(stack: Stack, merchant: Caller) -> str:
    resting = stack.vendor("Vendor at rest", merchant)
    name = f"{merchant.name}/partnerships/{resting.id}"
    merchant.call(SuspendPartnershipRequest(name=name))
    return name


def invitation(stack: Stack, vendor: Caller) -> str:
    inviting = stack.merchant_named("Inviting merchant")
    request = InviteVendorRequest(parent=inviting.name, vendor=vendor.name)
    return str(inviting.call(request).partnership.name)


def import_run(merchant: Caller, store: str) -> str:
    """Import a file with one row, which is broken."""
    request = ImportOrdersRequest(
        parent=merchant.name,
        run_id=f"first-{merchant.id}",
        store=store,
        format=IMPORT_FORMAT_JSON_LINES,
        chunk=b"{}",
    )
    return str(merchant.call(request).import_run.name)

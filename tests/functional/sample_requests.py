"""One request for every method of the contract that succeeds on an estate."""

import zlib
from collections.abc import Callable, Mapping

from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from app.demo.shop import CONSUMER_KEY, CONSUMER_SECRET
from fbali.v1 import admin_service_pb2 as admin
from fbali.v1 import after_sales_service_pb2 as cases
from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1 import hosting_service_pb2 as hosting
from fbali.v1 import order_service_pb2 as orders
from fbali.v1.after_sales_policy_pb2 import (
    ISSUE_TYPE_MISSING_ITEM,
    AfterSalesPolicy,
    EvidenceRule,
)
from fbali.v1.allocation_pb2 import REJECT_REASON_OUT_OF_STOCK
from fbali.v1.case_pb2 import (
    CASE_REJECT_REASON_AS_DESCRIBED,
    RESOLUTION_MODE_PARTIAL_REFUND,
    RESOLUTION_MODE_RESEND_ALL,
    ResolutionTerm,
)
from fbali.v1.cost_entry_pb2 import COST_KIND_SHIPPING
from fbali.v1.exchange_rate_pb2 import ExchangeRate
from fbali.v1.hold_pb2 import HOLD_REASON_ADDRESS
from fbali.v1.hosting_pb2 import Hosting
from fbali.v1.import_run_pb2 import EXPORT_FORMAT_JSON_LINES, IMPORT_FORMAT_JSON_LINES
from fbali.v1.money_pb2 import Money
from fbali.v1.package_pb2 import PACKAGE_STATE_IN_TRANSIT, PackageLine
from fbali.v1.placement_pb2 import PlacementChoice
from fbali.v1.sales_report_pb2 import REPORT_GROUPING_PRODUCT
from fbali.v1.store_pb2 import STORE_PLATFORM_WOOCOMMERCE
from fbali.v1.token_pb2 import ROLE_VENDOR
from tests.functional.estate import PHOTO, PHOTO_SHA256, Estate
from tests.services.stack import METHODS

IMPORTED_ORDER = (
    b'{"id": "77", "currency": "USD", "placed_time": "2026-01-31T09:50:26Z", "recipient":'
    b' {"region_code": "US"}, "lines": [{"sku": "LAMP-1", "quantity": 1, "price": "71.23"}]}'
)

Make = Callable[[Estate], Message]
USD_CENT = Money(currency_code="USD", amount_minor=1)


def sample_hosting(estate: Estate) -> Hosting:
    return Hosting(
        product=estate.product,
        variant=estate.variant,
        vendor=estate.vendor,
        region_codes=["DE"],
        unit_cost=Money(currency_code="USD", amount_minor=100),
    )


ORDERS: Mapping[str, Make] = {
    "ListOrders": lambda estate: orders.ListOrdersRequest(
        parent=estate.merchant, store=estate.store, vendor=estate.vendor
    ),
    "CountOrders": lambda estate: orders.CountOrdersRequest(
        parent=estate.merchant, store=estate.store
    ),
    "GetOrder": lambda estate: orders.GetOrderRequest(name=estate.order),
    "SyncOrders": lambda estate: orders.SyncOrdersRequest(name=estate.store),
    "GetSyncRun": lambda estate: orders.GetSyncRunRequest(name=estate.sync_run),
    "ListSyncRuns": lambda estate: orders.ListSyncRunsRequest(parent=estate.store),
    "PreviewPlacement": lambda estate: orders.PreviewPlacementRequest(
        parent=estate.merchant, orders=[estate.waiting]
    ),
    "PlaceOrders": lambda estate: orders.PlaceOrdersRequest(
        parent=estate.merchant,
        orders=[estate.waiting],
        choices=[PlacementChoice(product=estate.product, vendor=estate.vendor, remember=True)],
    ),
    "CancelOrder": lambda estate: orders.CancelOrderRequest(name=estate.order, note="changed"),
    "HoldOrders": lambda estate: orders.HoldOrdersRequest(
        parent=estate.merchant, orders=[estate.waiting], reason=HOLD_REASON_ADDRESS
    ),
    "ReleaseOrders": lambda estate: orders.ReleaseOrdersRequest(
        parent=estate.merchant, orders=[estate.waiting]
    ),
    "ImportOrders": lambda estate: orders.ImportOrdersRequest(
        parent=estate.merchant,
        run_id="backlog",
        store=estate.store,
        format=IMPORT_FORMAT_JSON_LINES,
        chunk=IMPORTED_ORDER,
    ),
    "GetImportRun": lambda estate: orders.GetImportRunRequest(name=estate.import_run),
    "ListImportRuns": lambda estate: orders.ListImportRunsRequest(parent=estate.merchant),
    "ExportOrders": lambda estate: orders.ExportOrdersRequest(
        parent=estate.merchant,
        format=EXPORT_FORMAT_JSON_LINES,
        selection=orders.OrderSelection(store=estate.store, vendor=estate.vendor),
    ),
    "ListWriteBacks": lambda estate: orders.ListWriteBacksRequest(parent=estate.merchant),
    "RetryWriteBack": lambda estate: orders.RetryWriteBackRequest(name=estate.write_back),
    "SetExchangeRate": lambda estate: orders.SetExchangeRateRequest(
        parent=estate.merchant,
        exchange_rate=ExchangeRate(
            base_currency_code="EUR", quote_currency_code="USD", rate="1.0834"
        ),
    ),
    "ListExchangeRates": lambda estate: orders.ListExchangeRatesRequest(parent=estate.merchant),
    "GetSalesReport": lambda estate: orders.GetSalesReportRequest(
        parent=estate.merchant,
        placed_from_time=Timestamp(seconds=0),
        placed_before_time=Timestamp(seconds=4_000_000_000),
        currency_code="USD",
        grouping=REPORT_GROUPING_PRODUCT,
        store=estate.store,
    ),
    "WatchOrders": lambda estate: orders.WatchOrdersRequest(
        parent=estate.merchant, include_initial_state=True, orders=[estate.order]
    ),
    "ListOrderEvents": lambda estate: orders.ListOrderEventsRequest(
        parent=estate.merchant, orders=[estate.order]
    ),
    "ListQuarantinedOrders": lambda estate: orders.ListQuarantinedOrdersRequest(
        parent=estate.merchant
    ),
}
HOSTING: Mapping[str, Make] = {
    "ConnectStore": lambda estate: hosting.ConnectStoreRequest(
        parent=estate.merchant,
        platform=STORE_PLATFORM_WOOCOMMERCE,
        base_url=estate.new_store_url,
        consumer_key=CONSUMER_KEY,
        consumer_secret=CONSUMER_SECRET,
    ),
    "TestStore": lambda estate: hosting.TestStoreRequest(name=estate.store),
    "GetStore": lambda estate: hosting.GetStoreRequest(name=estate.store),
    "ListStores": lambda estate: hosting.ListStoresRequest(parent=estate.merchant),
    "UpdateStore": lambda estate: hosting.UpdateStoreRequest(
        name=estate.store, display_name="A new name"
    ),
    "DisconnectStore": lambda estate: hosting.DisconnectStoreRequest(name=estate.store),
    "InviteVendor": lambda estate: hosting.InviteVendorRequest(
        parent=estate.merchant, vendor=estate.stranger
    ),
    "ListPartnerships": lambda estate: hosting.ListPartnershipsRequest(parent=estate.merchant),
    "SuspendPartnership": lambda estate: hosting.SuspendPartnershipRequest(name=estate.partnership),
    "ResumePartnership": lambda estate: hosting.ResumePartnershipRequest(name=estate.suspended),
    "ListProducts": lambda estate: hosting.ListProductsRequest(
        parent=estate.merchant, store=estate.store, text="mat"
    ),
    "GetProduct": lambda estate: hosting.GetProductRequest(name=estate.product),
    "ListUnhostedProducts": lambda estate: hosting.ListUnhostedProductsRequest(
        parent=estate.merchant
    ),
    "CreateHosting": lambda estate: hosting.CreateHostingRequest(
        parent=estate.merchant, hosting=sample_hosting(estate)
    ),
    "BatchCreateHostings": lambda estate: hosting.BatchCreateHostingsRequest(
        parent=estate.merchant, hostings=[sample_hosting(estate)]
    ),
    "GetHosting": lambda estate: hosting.GetHostingRequest(name=estate.hosting),
    "ListHostings": lambda estate: hosting.ListHostingsRequest(
        parent=estate.merchant, product=estate.product, vendor=estate.vendor
    ),
    "UpdateHosting": lambda estate: hosting.UpdateHostingRequest(
        name=estate.hosting, hosting=sample_hosting(estate)
    ),
    "DeleteHosting": lambda estate: hosting.DeleteHostingRequest(name=estate.hosting),
    "GetVendorScorecard": lambda estate: hosting.GetVendorScorecardRequest(
        parent=estate.merchant,
        from_time=Timestamp(seconds=0),
        before_time=Timestamp(seconds=4_000_000_000),
        vendor=estate.vendor,
    ),
    "ExplainHosting": lambda estate: hosting.ExplainHostingRequest(
        name=estate.product, variant=estate.variant, region_code="US"
    ),
}
FULFILLMENT: Mapping[str, Make] = {
    "ListAllocations": lambda estate: fulfillment.ListAllocationsRequest(
        parent=estate.vendor, merchant=estate.merchant
    ),
    "GetAllocation": lambda estate: fulfillment.GetAllocationRequest(name=estate.packed),
    "WatchAllocations": lambda estate: fulfillment.WatchAllocationsRequest(
        parent=estate.vendor, include_initial_state=True, allocations=[estate.submitted]
    ),
    "ListAllocationEvents": lambda estate: fulfillment.ListAllocationEventsRequest(
        parent=estate.vendor, allocations=[estate.submitted]
    ),
    "AcceptAllocation": lambda estate: fulfillment.AcceptAllocationRequest(name=estate.submitted),
    "RejectAllocation": lambda estate: fulfillment.RejectAllocationRequest(
        name=estate.submitted, reject_reason=REJECT_REASON_OUT_OF_STOCK, note="none left"
    ),
    "CloseAllocation": lambda estate: fulfillment.CloseAllocationRequest(
        name=estate.accepted, reject_reason=REJECT_REASON_OUT_OF_STOCK
    ),
    "CreatePackage": lambda estate: fulfillment.CreatePackageRequest(
        parent=estate.submitted,
        tracking_number="SMOOTH-777",
        lines=[PackageLine(line=estate.line, quantity=1)],
        handed_over=True,
    ),
    "BatchCreatePackages": lambda estate: fulfillment.BatchCreatePackagesRequest(
        parent=estate.vendor,
        packages=[
            fulfillment.PackageToCreate(
                allocation=estate.submitted,
                tracking_number="SMOOTH-778",
                lines=[PackageLine(line=estate.line, quantity=1)],
            )
        ],
    ),
    "VoidPackage": lambda estate: fulfillment.VoidPackageRequest(name=estate.package),
    "ReportPackageEvent": lambda estate: fulfillment.ReportPackageEventRequest(
        name=estate.package, state=PACKAGE_STATE_IN_TRANSIT, description="on its way"
    ),
    "RecordCosts": lambda estate: fulfillment.RecordCostsRequest(
        name=estate.submitted,
        costs=[
            fulfillment.RecordedCost(
                kind=COST_KIND_SHIPPING, amount=Money(currency_code="USD", amount_minor=333)
            )
        ],
    ),
    "AnswerCancellation": lambda estate: fulfillment.AnswerCancellationRequest(
        name=estate.packed, agreed=True
    ),
    "ListVendorPartnerships": lambda estate: fulfillment.ListVendorPartnershipsRequest(
        parent=estate.vendor
    ),
    "AcceptPartnership": lambda estate: fulfillment.AcceptPartnershipRequest(
        name=estate.invitation
    ),
}
ADMIN: Mapping[str, Make] = {
    "GetServerInfo": lambda _estate: admin.GetServerInfoRequest(),
    "CreateMerchant": lambda _estate: admin.CreateMerchantRequest(display_name="New merchant"),
    "ListMerchants": lambda _estate: admin.ListMerchantsRequest(),
    "CreateVendor": lambda _estate: admin.CreateVendorRequest(display_name="New vendor"),
    "ListVendors": lambda _estate: admin.ListVendorsRequest(),
    "IssueToken": lambda estate: admin.IssueTokenRequest(
        role=ROLE_VENDOR, principal=estate.vendor, display_name="scanner"
    ),
    "ListTokens": lambda _estate: admin.ListTokensRequest(),
    "RevokeToken": lambda estate: admin.RevokeTokenRequest(name=estate.token),
    "ListJobs": lambda _estate: admin.ListJobsRequest(),
    "GetJob": lambda estate: admin.GetJobRequest(name=estate.job),
    "RetryJob": lambda estate: admin.RetryJobRequest(name=estate.job),
    "DiscardJob": lambda estate: admin.DiscardJobRequest(name=estate.job),
}
TERMS = [ResolutionTerm(item=1, mode=RESOLUTION_MODE_PARTIAL_REFUND, amount=USD_CENT)]
PHOTOS: Mapping[str, Make] = {
    "CreateUpload": lambda estate: cases.CreateUploadRequest(
        parent=estate.submitted_case, file_name="box.jpg", size_bytes=1000
    ),
    # What comes again, and what is done already, is answered as the first time.
    "WriteUploadChunk": lambda estate: cases.WriteUploadChunkRequest(
        name=estate.upload, data=PHOTO, crc32=zlib.crc32(PHOTO)
    ),
    "GetUpload": lambda estate: cases.GetUploadRequest(name=estate.upload),
    "FinalizeUpload": lambda estate: cases.FinalizeUploadRequest(
        name=estate.upload, sha256=PHOTO_SHA256
    ),
    "AttachPhoto": lambda estate: cases.AttachPhotoRequest(parent=estate.asked, photo=estate.photo),
    "RemovePhoto": lambda estate: cases.RemovePhotoRequest(name=estate.photo),
    "ListPhotos": lambda estate: cases.ListPhotosRequest(parent=estate.submitted_case),
    "DownloadPhoto": lambda estate: cases.DownloadPhotoRequest(name=estate.proof),
}
AFTER_SALES: Mapping[str, Make] = {
    "CheckEligibility": lambda estate: cases.CheckEligibilityRequest(order=estate.claimed_order),
    "CreateCase": lambda estate: cases.CreateCaseRequest(
        order=estate.claimed_order,
        description="one is missing",
        items=[
            cases.NewCaseItem(
                line=estate.claimed_line,
                quantity=1,
                type=ISSUE_TYPE_MISSING_ITEM,
                mode=RESOLUTION_MODE_RESEND_ALL,
            )
        ],
    ),
    "UpdateCase": lambda estate: cases.UpdateCaseRequest(
        name=estate.drafted, description="odder than that"
    ),
    "SubmitCase": lambda estate: cases.SubmitCaseRequest(name=estate.drafted),
    "GetCase": lambda estate: cases.GetCaseRequest(name=estate.submitted_case),
    "ListCases": lambda _estate: cases.ListCasesRequest(),
    "CountCases": lambda _estate: cases.CountCasesRequest(),
    "AddMessage": lambda estate: cases.AddMessageRequest(name=estate.submitted_case, text="well?"),
    "AcceptCase": lambda estate: cases.AcceptCaseRequest(name=estate.submitted_case),
    "RejectCase": lambda estate: cases.RejectCaseRequest(
        name=estate.submitted_case, reject_reason=CASE_REJECT_REASON_AS_DESCRIBED, note="it is not"
    ),
    "OfferResolution": lambda estate: cases.OfferResolutionRequest(
        name=estate.submitted_case, terms=TERMS
    ),
    "AcceptOffer": lambda estate: cases.AcceptOfferRequest(name=estate.offered),
    "DeclineOffer": lambda estate: cases.DeclineOfferRequest(name=estate.offered),
    "CounterOffer": lambda estate: cases.CounterOfferRequest(name=estate.offered, terms=TERMS),
    "RequestInfo": lambda estate: cases.RequestInfoRequest(
        name=estate.submitted_case, text="which one?"
    ),
    "ProvideInfo": lambda estate: cases.ProvideInfoRequest(name=estate.asked, text="the red one"),
    "EscalateCase": lambda estate: cases.EscalateCaseRequest(name=estate.rejected),
    "DecideCase": lambda estate: cases.DecideCaseRequest(
        name=estate.escalated, upheld=True, terms=TERMS
    ),
    "WithdrawCase": lambda estate: cases.WithdrawCaseRequest(name=estate.offered),
    "ResolveCase": lambda estate: cases.ResolveCaseRequest(name=estate.agreed),
    "GetAfterSalesPolicy": lambda estate: cases.GetAfterSalesPolicyRequest(name=estate.policy),
    "SetAfterSalesPolicy": lambda estate: cases.SetAfterSalesPolicyRequest(
        name=estate.policy,
        policy=AfterSalesPolicy(
            claim_days_after_delivery=7,
            claim_days_after_shipment=60,
            delayed_after_days=45,
            answer_hours=24,
            reply_hours=48,
            evidence=[EvidenceRule(type=ISSUE_TYPE_MISSING_ITEM, photo_count_min=2)],
        ),
    ),
}
SAMPLES: Mapping[str, Make] = {**ORDERS, **HOSTING, **FULFILLMENT, **AFTER_SALES, **PHOTOS, **ADMIN}


def mutating_methods() -> list[str]:
    """List the methods whose requests carry a request_id."""
    return [
        name
        for name, (_, method) in METHODS.items()
        if "request_id" in method.input_type.fields_by_name
    ]


def reading_methods() -> list[str]:
    """List the methods that change nothing, by what the contract says of them."""
    return [
        name
        for name, (_, method) in METHODS.items()
        if method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    ]

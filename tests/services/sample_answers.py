"""Answers every method of the contract with a part of the sample shop."""

import hashlib
from collections.abc import Mapping

from fbali.v1 import admin_service_pb2 as admin
from fbali.v1 import after_sales_service_pb2 as after_sales
from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1 import hosting_service_pb2 as hosting
from fbali.v1 import order_service_pb2 as orders
from fbali.v1 import watch_pb2 as watch
from fbali.v1.event_pb2 import Event
from fbali.v1.hold_pb2 import OrderResult
from fbali.v1.import_run_pb2 import (
    IMPORT_FORMAT_SHOPIFY_CSV,
    IMPORT_RUN_STATE_SUCCEEDED,
    ImportRun,
)
from fbali.v1.merchant_pb2 import Merchant
from fbali.v1.order_pb2 import QuarantinedOrder
from fbali.v1.photo_pb2 import UPLOAD_STATE_RECEIVING, Photo, Upload
from fbali.v1.vendor_pb2 import Vendor
from tests.services.sample_cases import after_sales_answers
from tests.services.sample_figures import EURO_RATE, SCORE, sales_report
from tests.services.sample_shop import (
    CALLER,
    COUNTS,
    DAY,
    FINISHED_RUN,
    HOSTED,
    HOUR,
    ISSUED,
    MERCHANT,
    ORDER,
    PARTNERSHIP,
    PRODUCT,
    SHENZHEN,
    STORE,
    STORES,
    STUCK_JOB,
    at,
    failed_write_back,
    full_order,
    listed_orders,
    mug_allocation,
    mug_package,
    placement,
    sync_run,
)
from tests.services.scripted_server import Answer

ORDER_EVENT = watch.OrderEvent(
    order=ORDER,
    event=Event(sequence=7, kind="order.admitted", actor="store", subject=ORDER),
)
IMPORT_RUN = ImportRun(
    name=f"{MERCHANT}/importRuns/orders_export",
    store=STORE,
    format=IMPORT_FORMAT_SHOPIFY_CSV,
    state=IMPORT_RUN_STATE_SUCCEEDED,
    line_count=4,
    order_count=2,
    created_count=2,
    start_time=at(-HOUR),
    finish_time=at(-60),
)


def sample_answers() -> Mapping[str, Answer]:
    """Answer every method with something that makes sense."""
    return {
        **order_answers(),
        **hosting_answers(),
        **fulfillment_answers(),
        **after_sales_answers(),
        **photo_answers(),
        **admin_answers(),
    }


def photo_answers() -> dict[str, Answer]:
    case, picture = f"{MERCHANT}/cases/k0case", b"the bytes of a JPEG"
    upload = Upload(name=f"{case}/uploads/x0upload", state=UPLOAD_STATE_RECEIVING)
    photo = Photo(
        name=f"{case}/photos/f0photo",
        file_name="broken-box.jpg",
        uploader=MERCHANT,
        width=1600,
        height=1200,
        size_bytes=412_345,
        create_time=at(-HOUR),
    )
    piece = after_sales.DownloadPhotoResponse(
        data=picture, size_bytes=len(picture), sha256=hashlib.sha256(picture).hexdigest()
    )
    return {
        "CreateUpload": after_sales.CreateUploadResponse(upload=upload),
        "WriteUploadChunk": lambda request: after_sales.WriteUploadChunkResponse(
            committed_size_bytes=request.offset + len(request.data)
        ),
        "GetUpload": after_sales.GetUploadResponse(upload=upload),
        "FinalizeUpload": after_sales.FinalizeUploadResponse(photo=photo),
        "ListPhotos": after_sales.ListPhotosResponse(photos=[photo]),
        "DownloadPhoto": piece,
    }


def order_answers() -> dict[str, Answer]:
    quarantined = QuarantinedOrder(
        name=f"{MERCHANT}/quarantinedOrders/q1",
        store=STORE,
        external_id="98120",
        problem="line_items[0].quantity: found -1",
        create_time=at(-HOUR),
        update_time=at(-60),
    )
    return {
        "ListOrders": orders.ListOrdersResponse(orders=listed_orders()),
        "CountOrders": COUNTS,
        "GetOrder": orders.GetOrderResponse(order=full_order()),
        "SyncOrders": orders.SyncOrdersResponse(sync_run=sync_run("QUEUED")),
        "GetSyncRun": orders.GetSyncRunResponse(sync_run=FINISHED_RUN),
        "ListSyncRuns": orders.ListSyncRunsResponse(sync_runs=[FINISHED_RUN]),
        "SetExchangeRate": orders.SetExchangeRateResponse(exchange_rate=EURO_RATE),
        "ListExchangeRates": orders.ListExchangeRatesResponse(exchange_rates=[EURO_RATE]),
        "GetSalesReport": sales_report(),
        "ListQuarantinedOrders": orders.ListQuarantinedOrdersResponse(
            quarantined_orders=[quarantined]
        ),
        "ImportOrders": orders.ImportOrdersResponse(import_run=IMPORT_RUN),
        "GetImportRun": orders.GetImportRunResponse(import_run=IMPORT_RUN),
        "ListImportRuns": orders.ListImportRunsResponse(import_runs=[IMPORT_RUN]),
        "ExportOrders": orders.ExportOrdersResponse(chunk=b"order\r\no1\r\n"),
        "ListWriteBacks": orders.ListWriteBacksResponse(write_backs=[failed_write_back()]),
        "WatchOrders": watch.WatchOrdersResponse(resume_token="t1", event=ORDER_EVENT),
        "ListOrderEvents": orders.ListOrderEventsResponse(
            order_events=[ORDER_EVENT], resume_token="t1"
        ),
        "RetryWriteBack": orders.RetryWriteBackResponse(write_back=failed_write_back()),
        "HoldOrders": orders.HoldOrdersResponse(results=[OrderResult(order=ORDER)]),
        "ReleaseOrders": orders.ReleaseOrdersResponse(results=[OrderResult(order=ORDER)]),
        "CancelOrder": orders.CancelOrderResponse(order=full_order()),
        "PreviewPlacement": orders.PreviewPlacementResponse(
            placements=[placement()], unhosted_products=[PRODUCT]
        ),
        "PlaceOrders": orders.PlaceOrdersResponse(placements=[placement()]),
    }


def hosting_answers() -> dict[str, Answer]:
    store = STORES[0]
    verdict = hosting.HostingVerdict(hosting=HOSTED, fits=True)
    return {
        "ConnectStore": hosting.ConnectStoreResponse(store=store),
        "TestStore": hosting.TestStoreResponse(works=True, store_title="Mugs & more"),
        "GetStore": hosting.GetStoreResponse(store=store),
        "ListStores": hosting.ListStoresResponse(stores=STORES),
        "UpdateStore": hosting.UpdateStoreResponse(store=store),
        "DisconnectStore": hosting.DisconnectStoreResponse(store=STORES[1]),
        "GetVendorScorecard": hosting.GetVendorScorecardResponse(scores=[SCORE]),
        "InviteVendor": hosting.InviteVendorResponse(partnership=PARTNERSHIP),
        "ListPartnerships": hosting.ListPartnershipsResponse(partnerships=[PARTNERSHIP]),
        "SuspendPartnership": hosting.SuspendPartnershipResponse(partnership=PARTNERSHIP),
        "ResumePartnership": hosting.ResumePartnershipResponse(partnership=PARTNERSHIP),
        "ListProducts": hosting.ListProductsResponse(products=[PRODUCT]),
        "GetProduct": hosting.GetProductResponse(product=PRODUCT, hostings=[HOSTED]),
        "ListUnhostedProducts": hosting.ListUnhostedProductsResponse(products=[PRODUCT]),
        "CreateHosting": hosting.CreateHostingResponse(hosting=HOSTED),
        "GetHosting": hosting.GetHostingResponse(hosting=HOSTED),
        "ListHostings": hosting.ListHostingsResponse(hostings=[HOSTED]),
        "UpdateHosting": hosting.UpdateHostingResponse(hosting=HOSTED),
        "DeleteHosting": hosting.DeleteHostingResponse(),
        "ExplainHosting": hosting.ExplainHostingResponse(chosen=HOSTED, verdicts=[verdict]),
    }


def fulfillment_answers() -> dict[str, Answer]:
    part = mug_allocation()
    package = mug_package()
    submitted = Event(sequence=8, kind="allocation.submitted", actor="system", subject=part.name)
    news = watch.AllocationEvent(allocation=part.name, event=submitted)
    return {
        "ListAllocations": fulfillment.ListAllocationsResponse(allocations=[part]),
        "GetAllocation": fulfillment.GetAllocationResponse(allocation=part),
        "WatchAllocations": watch.WatchAllocationsResponse(resume_token="t1", event=news),
        "ListAllocationEvents": fulfillment.ListAllocationEventsResponse(
            allocation_events=[news], resume_token="t1"
        ),
        "AcceptAllocation": fulfillment.AcceptAllocationResponse(allocation=part),
        "RejectAllocation": fulfillment.RejectAllocationResponse(allocation=part),
        "CloseAllocation": fulfillment.CloseAllocationResponse(allocation=part),
        "AnswerCancellation": fulfillment.AnswerCancellationResponse(allocation=part),
        "CreatePackage": fulfillment.CreatePackageResponse(package=package, allocation=part),
        "BatchCreatePackages": fulfillment.BatchCreatePackagesResponse(
            results=[fulfillment.PackageResult(allocation=part.name, package=package)]
        ),
        "VoidPackage": fulfillment.VoidPackageResponse(package=package, allocation=part),
        "ReportPackageEvent": fulfillment.ReportPackageEventResponse(allocation=part),
        "RecordCosts": fulfillment.RecordCostsResponse(allocation=part),
        "ListVendorPartnerships": fulfillment.ListVendorPartnershipsResponse(
            partnerships=[PARTNERSHIP]
        ),
        "AcceptPartnership": fulfillment.AcceptPartnershipResponse(partnership=PARTNERSHIP),
    }


def admin_answers() -> dict[str, Answer]:
    merchant = Merchant(name=MERCHANT, display_name="Mugs and more", create_time=at(-90 * DAY))
    vendor = Vendor(name=SHENZHEN, display_name="Shenzhen Source", create_time=at(-90 * DAY))
    return {
        "GetServerInfo": CALLER,
        "CreateMerchant": admin.CreateMerchantResponse(merchant=merchant),
        "ListMerchants": admin.ListMerchantsResponse(merchants=[merchant]),
        "CreateVendor": admin.CreateVendorResponse(vendor=vendor),
        "ListVendors": admin.ListVendorsResponse(vendors=[vendor]),
        "IssueToken": admin.IssueTokenResponse(token=ISSUED, secret="fbali-secret-2"),
        "ListTokens": admin.ListTokensResponse(tokens=[ISSUED]),
        "RevokeToken": admin.RevokeTokenResponse(token=ISSUED),
        "ListJobs": admin.ListJobsResponse(jobs=[STUCK_JOB]),
        "GetJob": admin.GetJobResponse(job=STUCK_JOB),
        "RetryJob": admin.RetryJobResponse(job=STUCK_JOB),
        "DiscardJob": admin.DiscardJobResponse(job=STUCK_JOB),
    }

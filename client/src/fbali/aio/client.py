"""The client for programs on asyncio: one connection and the five services of the contract."""

from collections.abc import AsyncIterator, Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from grpc import aio

from fbali.aio.calls import AnswerStreams, CallPolicy, RequestStreams, UnaryCalls
from fbali.aio.steps import run
from fbali.aio.watching import Watch
from fbali.channels import DEFAULT_TARGET, Endpoint, Tls, channel_arguments, parse_target
from fbali.watch_course import Course, Patience

if TYPE_CHECKING:  # A program loads only those services that it uses.
    from fbali.order_files import Readable
    from fbali.photos import Source
    from fbali.v1.admin_service_pb2_grpc import AdminServiceAsyncStub
    from fbali.v1.after_sales_service_pb2_grpc import AfterSalesServiceAsyncStub
    from fbali.v1.fulfillment_service_pb2 import WatchAllocationsRequest
    from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceAsyncStub
    from fbali.v1.hosting_service_pb2_grpc import HostingServiceAsyncStub
    from fbali.v1.import_run_pb2 import ImportRun
    from fbali.v1.order_service_pb2 import (
        ExportOrdersRequest,
        ImportOrdersRequest,
        WatchOrdersRequest,
    )
    from fbali.v1.order_service_pb2_grpc import OrderServiceAsyncStub
    from fbali.v1.photo_pb2 import Photo
    from fbali.v1.watch_pb2 import WatchAllocationsResponse, WatchOrdersResponse


class Client:
    """A connection to a server, of one event loop; closed by `async with` or `close`.

    What `fbali.Client` does for a call, this one does too.

        async with Client(token=secret) as client:
            order = (await client.orders.GetOrder(GetOrderRequest(name=name))).order
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        token: str = "",
        tls: bool | Tls = False,
        ca_file: Path | None = None,
        policy: CallPolicy | None = None,
    ) -> None:
        """Prepare a connection; arguments and refusals are those of `fbali.Client`."""
        endpoint = parse_target(target, tls=bool(tls) or ca_file is not None)
        self._policy = policy or CallPolicy()
        chosen = tls if isinstance(tls, Tls) else Tls(ca_file)
        self._channel = _open_channel(endpoint, token, chosen, self._policy)

    @cached_property
    def orders(self) -> "OrderServiceAsyncStub":
        """A merchant's orders."""
        from fbali.v1.order_service_pb2_grpc import OrderServiceStub

        return OrderServiceStub(self._channel)

    @cached_property
    def hosting(self) -> "HostingServiceAsyncStub":
        """A merchant's stores, vendors, products, and which vendor fulfils what."""
        from fbali.v1.hosting_service_pb2_grpc import HostingServiceStub

        return HostingServiceStub(self._channel)

    @cached_property
    def fulfillment(self) -> "FulfillmentServiceAsyncStub":
        """What a vendor sees and does."""
        from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub

        return FulfillmentServiceStub(self._channel)

    @cached_property
    def after_sales(self) -> "AfterSalesServiceAsyncStub":
        """Customers' problems on their way to being settled."""
        from fbali.v1.after_sales_service_pb2_grpc import AfterSalesServiceStub

        return AfterSalesServiceStub(self._channel)

    @cached_property
    def admin(self) -> "AdminServiceAsyncStub":
        """Merchants, vendors, tokens, jobs, and who the caller is."""
        from fbali.v1.admin_service_pb2_grpc import AdminServiceStub

        return AdminServiceStub(self._channel)

    async def import_orders(
        self,
        head: "ImportOrdersRequest",
        file: "Readable",
        progress: Callable[[int], None] = lambda _sent: None,
    ) -> "ImportRun":
        """Take orders from an open binary file; as `fbali.Client.import_orders`."""
        from fbali.aio.order_files import import_orders

        return (await import_orders(self.orders, head, file, progress)).import_run

    def export_orders(self, request: "ExportOrdersRequest") -> AsyncIterator[bytes]:
        """Give the bytes of a file of orders as they come, in pieces of at most 1 MiB."""
        from fbali.aio.order_files import export_orders

        return export_orders(self.orders, request)

    async def upload_photo(
        self,
        case: str,
        source: "Source",
        file_name: str = "",
        progress: Callable[[int, int], None] = lambda _sent, _size: None,
    ) -> "Photo":
        """Send a photo into a case; as `fbali.Client.upload_photo`."""
        from fbali import photos

        steps = photos.upload(case, source, file_name, self._policy)
        return await run(steps, self.after_sales, self._policy.sleep, progress)

    async def download_photo(
        self,
        name: str,
        target: Path | str,
        *,
        thumbnail: bool = False,
        progress: Callable[[int, int], None] = lambda _received, _size: None,
    ) -> Path:
        """Fetch a photo (a JPEG) into a file; as `fbali.Client.download_photo`."""
        from fbali import photos
        from fbali.v1.after_sales_service_pb2 import DownloadPhotoRequest
        from fbali.v1.photo_pb2 import PHOTO_SIZE_FULL, PHOTO_SIZE_THUMBNAIL

        size = PHOTO_SIZE_THUMBNAIL if thumbnail else PHOTO_SIZE_FULL
        steps = photos.download(DownloadPhotoRequest(name=name, size=size), target, self._policy)
        return await run(steps, self.after_sales, self._policy.sleep, progress)

    def watch_orders(
        self, request: "WatchOrdersRequest", patience: Patience | None = None
    ) -> "Watch[WatchOrdersResponse]":
        """Watch what happens to a merchant's orders; as `fbali.Client.watch_orders`.

        async with client.watch_orders(WatchOrdersRequest(parent="merchants/-")) as watch:
            async for message in watch:
                ...  # One of event, order, bookmark, initial_state_complete.
        """
        course: Course[WatchOrdersResponse] = Course(request, patience or Patience(), self._policy)
        return Watch(self.orders.WatchOrders, course)

    def watch_allocations(
        self, request: "WatchAllocationsRequest", patience: Patience | None = None
    ) -> "Watch[WatchAllocationsResponse]":
        """Watch what happens to a vendor's allocations; as `watch_orders`."""
        course: Course[WatchAllocationsResponse] = Course(
            request, patience or Patience(), self._policy
        )
        return Watch(self.fulfillment.WatchAllocations, course)

    async def close(self) -> None:
        """End running calls and close the connection."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _open_channel(endpoint: Endpoint, token: str, tls: Tls, policy: CallPolicy) -> aio.Channel:
    kinds = (UnaryCalls, AnswerStreams, RequestStreams)
    interceptors = [kind(endpoint.address, token, policy) for kind in kinds]
    opened = aio.secure_channel if endpoint.tls else aio.insecure_channel
    return opened(endpoint.address, interceptors=interceptors, **channel_arguments(endpoint, tls))

"""The Python client: one connection and the five services of the contract."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import grpc

from fbali.calls import CallInterceptor, CallPolicy
from fbali.channels import DEFAULT_TARGET, Tls, open_channel, parse_target
from fbali.steps import run
from fbali.watch_course import Course, Patience
from fbali.watching import Watch

if TYPE_CHECKING:  # A program loads only those services that it uses.
    from fbali.order_files import Readable
    from fbali.photos import Source
    from fbali.v1.admin_service_pb2_grpc import AdminServiceStub
    from fbali.v1.after_sales_service_pb2_grpc import AfterSalesServiceStub
    from fbali.v1.fulfillment_service_pb2 import WatchAllocationsRequest
    from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
    from fbali.v1.hosting_service_pb2_grpc import HostingServiceStub
    from fbali.v1.import_run_pb2 import ImportRun
    from fbali.v1.order_service_pb2 import (
        ExportOrdersRequest,
        ImportOrdersRequest,
        WatchOrdersRequest,
    )
    from fbali.v1.order_service_pb2_grpc import OrderServiceStub
    from fbali.v1.photo_pb2 import Photo
    from fbali.v1.watch_pb2 import WatchAllocationsResponse, WatchOrdersResponse


class Client:
    """A connection to a server; may be shared by threads, and is closed by `with` or `close`.

    The properties are the generated stubs, so requests and answers are those of `fbali.v1`. Every
    unary call has a deadline over all its tries (20 s unless the policy or the call's own
    `timeout=` says otherwise), sends the token, fills an empty `request_id`, retries what is safe
    to repeat while the server is unavailable, and raises the exceptions of `fbali.errors`.

        with Client(token=secret) as client:
            order = client.orders.GetOrder(GetOrderRequest(name=name)).order
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
        """Prepare a connection; nothing is sent before the first call.

        Args:
            target: host:port, unix:/path, or https://host:port for an encrypted connection;
                several servers as a list of addresses: 10.0.0.1:7443,10.0.0.2:7443.
            token: The bearer secret; empty for calls that need none.
            tls: Encrypt, as https:// does; a `Tls` also names files of certificates.
            ca_file: PEM file of the authorities to trust instead of those of the system; short for
                tls=Tls(ca_file).
            policy: Deadline and waiting of all calls.

        Raises:
            InsecureTarget: The target is another machine and would be spoken to in clear text.
        """
        endpoint = parse_target(target, tls=bool(tls) or ca_file is not None)
        chosen = tls if isinstance(tls, Tls) else Tls(ca_file)
        self._channel = open_channel(endpoint, chosen)
        self._policy = policy or CallPolicy()
        interceptor = CallInterceptor(endpoint.address, token, self._policy)
        self._calls = grpc.intercept_channel(self._channel, interceptor)

    @cached_property
    def orders(self) -> "OrderServiceStub":
        """A merchant's orders."""
        from fbali.v1.order_service_pb2_grpc import OrderServiceStub

        return OrderServiceStub(self._calls)

    @cached_property
    def hosting(self) -> "HostingServiceStub":
        """A merchant's stores, vendors, products, and which vendor fulfils what."""
        from fbali.v1.hosting_service_pb2_grpc import HostingServiceStub

        return HostingServiceStub(self._calls)

    @cached_property
    def fulfillment(self) -> "FulfillmentServiceStub":
        """What a vendor sees and does."""
        from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub

        return FulfillmentServiceStub(self._calls)

    @cached_property
    def after_sales(self) -> "AfterSalesServiceStub":
        """Customers' problems on their way to being settled."""
        from fbali.v1.after_sales_service_pb2_grpc import AfterSalesServiceStub

        return AfterSalesServiceStub(self._calls)

    @cached_property
    def admin(self) -> "AdminServiceStub":
        """Merchants, vendors, tokens, jobs, and who the caller is."""
        from fbali.v1.admin_service_pb2_grpc import AdminServiceStub

        return AdminServiceStub(self._calls)

    def import_orders(
        self,
        head: "ImportOrdersRequest",
        file: "Readable",
        progress: Callable[[int], None] = lambda _sent: None,
    ) -> "ImportRun":
        """Take orders from an open binary file, in memory that does not grow with it.

        `head` names parent, run_id, store and format. Never repeated by itself: after Unavailable,
        send the same file under the same run_id again, which changes nothing that was taken.

        Args:
            head: The first message of the stream.
            file: Read from where it stands to its end.
            progress: Told how many bytes were sent so far, from another thread.
        """
        from fbali.order_files import import_orders

        return import_orders(self.orders, head, file, progress).import_run

    def export_orders(self, request: "ExportOrdersRequest") -> Iterator[bytes]:
        """Give the bytes of a file of orders as they come, in pieces of at most 1 MiB."""
        from fbali.order_files import export_orders

        return export_orders(self.orders, request)

    def upload_photo(
        self,
        case: str,
        source: "Source",
        file_name: str = "",
        progress: Callable[[int, int], None] = lambda _sent, _size: None,
    ) -> "Photo":
        """Send a photo into a case; goes on by itself when the server was away for a while.

        Called again with the same bytes, also by another process, it goes on where it stopped, and
        once the photo is there it is answered without anything being sent.

        Args:
            case: merchants/{merchant}/cases/{case}.
            source: A path, or an open binary file, which is read from its beginning.
            file_name: What others see; otherwise the name of the file, without its folders.
            progress: Told how many bytes of how many have come.

        Raises:
            InvalidInput: The content is no JPEG, PNG or WebP that the server takes.
            LimitExceeded: The photo is too large, or the case has all that it may have.
        """
        from fbali import photos

        steps = photos.upload(case, source, file_name, self._policy)
        return run(steps, self.after_sales, self._policy.sleep, progress)

    def download_photo(
        self,
        name: str,
        target: Path | str,
        *,
        thumbnail: bool = False,
        progress: Callable[[int, int], None] = lambda _received, _size: None,
    ) -> Path:
        """Fetch a photo (a JPEG) into a file, which is there wholly or not at all.

        Args:
            name: merchants/{merchant}/cases/{case}/photos/{photo}.
            target: The file; one that is there is replaced.
            thumbnail: Fetch the small one, and wait some seconds for it to be drawn.
            progress: Told how many bytes of how many have come.
        """
        from fbali import photos
        from fbali.v1.after_sales_service_pb2 import DownloadPhotoRequest
        from fbali.v1.photo_pb2 import PHOTO_SIZE_FULL, PHOTO_SIZE_THUMBNAIL

        size = PHOTO_SIZE_THUMBNAIL if thumbnail else PHOTO_SIZE_FULL
        request = DownloadPhotoRequest(name=name, size=size)
        steps = photos.download(request, target, self._policy)
        return run(steps, self.after_sales, self._policy.sleep, progress)

    def watch_orders(
        self, request: "WatchOrdersRequest", patience: Patience | None = None
    ) -> "Watch[WatchOrdersResponse]":
        """Watch what happens to a merchant's orders, for as long as the program runs.

            with client.watch_orders(WatchOrdersRequest(parent="merchants/-")) as watch:
                for message in watch:
                    ...  # One of event, order, bookmark, initial_state_complete.

        Args:
            request: What to watch, and the resume_token to go on from; empty begins now.
            patience: How long to put up with outages, and whom to tell of them.
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

    def close(self) -> None:
        """End running calls and close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

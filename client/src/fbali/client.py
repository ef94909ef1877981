"""The Python client: one connection and the four services of the contract."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

import grpc

from fbali.calls import CallInterceptor, CallPolicy
from fbali.channels import DEFAULT_TARGET, open_channel, parse_target
from fbali.order_files import Readable, export_orders, import_orders
from fbali.v1.admin_service_pb2_grpc import AdminServiceStub
from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from fbali.v1.hosting_service_pb2_grpc import HostingServiceStub
from fbali.v1.import_run_pb2 import ImportRun
from fbali.v1.order_service_pb2 import ExportOrdersRequest, ImportOrdersRequest
from fbali.v1.order_service_pb2_grpc import OrderServiceStub


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
        tls: bool = False,
        ca_file: Path | None = None,
        policy: CallPolicy | None = None,
    ) -> None:
        """Prepare a connection; nothing is sent before the first call.

        Args:
            target: host:port, unix:/path, or https://host:port for an encrypted connection;
                several servers as a list of addresses: 10.0.0.1:7443,10.0.0.2:7443.
            token: The bearer secret; empty for calls that need none.
            tls: Encrypt, as https:// does.
            ca_file: PEM file of the authorities to trust instead of the public ones.
            policy: Deadline and waiting of all calls.

        Raises:
            InsecureTarget: The target is another machine and would be spoken to in clear text.
        """
        endpoint = parse_target(target, tls=tls or ca_file is not None)
        self._channel = open_channel(endpoint, ca_file)
        interceptor = CallInterceptor(endpoint.address, token, policy or CallPolicy())
        self._calls = grpc.intercept_channel(self._channel, interceptor)

    @cached_property
    def orders(self) -> OrderServiceStub:
        """A merchant's orders."""
        return OrderServiceStub(self._calls)

    @cached_property
    def hosting(self) -> HostingServiceStub:
        """A merchant's stores, vendors, products, and which vendor fulfils what."""
        return HostingServiceStub(self._calls)

    @cached_property
    def fulfillment(self) -> FulfillmentServiceStub:
        """What a vendor sees and does."""
        return FulfillmentServiceStub(self._calls)

    @cached_property
    def admin(self) -> AdminServiceStub:
        """Merchants, vendors, tokens, jobs, and who the caller is."""
        return AdminServiceStub(self._calls)

    def import_orders(
        self,
        head: ImportOrdersRequest,
        file: Readable,
        progress: Callable[[int], None] = lambda _sent: None,
    ) -> ImportRun:
        """Take orders from an open binary file, in memory that does not grow with it.

        `head` names parent, run_id, store and format. Never repeated by itself: after Unavailable,
        send the same file under the same run_id again, which changes nothing that was taken.

        Args:
            head: The first message of the stream.
            file: Read from where it stands to its end.
            progress: Told how many bytes were sent so far, from another thread.
        """
        return import_orders(self.orders, head, file, progress).import_run

    def export_orders(self, request: ExportOrdersRequest) -> Iterator[bytes]:
        """Give the bytes of a file of orders as they come, in pieces of at most 1 MiB."""
        return export_orders(self.orders, request)

    def close(self) -> None:
        """End running calls and close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""Files of orders on the wire: cut into messages as they are read, and put together again."""

from collections.abc import Callable, Iterator
from typing import Protocol

from fbali.v1.order_service_pb2 import (
    ExportOrdersRequest,
    ImportOrdersRequest,
    ImportOrdersResponse,
)
from fbali.v1.order_service_pb2_grpc import OrderServiceStub

CHUNK_BYTES = 256 * 1024

Progress = Callable[[int], None]


class Readable(Protocol):
    """A file, or whatever gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes; none at the end."""
        ...


class _Messages:
    """The messages of an import; remembers why reading failed, which gRPC would only log."""

    def __init__(self, head: ImportOrdersRequest, file: Readable, progress: Progress) -> None:
        self._head = head
        self._file = file
        self._progress = progress
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[ImportOrdersRequest]:
        yield self._head
        sent = 0
        try:
            while chunk := self._file.read(CHUNK_BYTES):
                yield ImportOrdersRequest(chunk=chunk)
                sent += len(chunk)
                self._progress(sent)
        except Exception as error:
            self.failure = error
            raise


def import_orders(
    stub: OrderServiceStub, head: ImportOrdersRequest, file: Readable, progress: Progress
) -> ImportOrdersResponse:
    """Send a file; what fails in reading it is raised as it is, and the run stays interrupted."""
    messages = _Messages(head, file, progress)
    try:
        return stub.ImportOrders(iter(messages))
    except Exception:
        if messages.failure is not None:
            raise messages.failure from None
        raise


def export_orders(stub: OrderServiceStub, request: ExportOrdersRequest) -> Iterator[bytes]:
    """Give the bytes of a file as they come; leaving early ends the call."""
    answers = stub.ExportOrders(request)
    try:
        for answer in answers:
            yield answer.chunk
    finally:
        answers.cancel()

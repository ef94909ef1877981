"""Files of orders on the wire, on an event loop; see `fbali.order_files`."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fbali.order_files import CHUNK_BYTES, Progress, Readable
from fbali.v1.order_service_pb2 import (
    ExportOrdersRequest,
    ImportOrdersRequest,
    ImportOrdersResponse,
)

if TYPE_CHECKING:  # Known to type checkers alone.
    from fbali.v1.order_service_pb2_grpc import OrderServiceAsyncStub


async def import_orders(
    stub: "OrderServiceAsyncStub", head: ImportOrdersRequest, file: Readable, progress: Progress
) -> ImportOrdersResponse:
    """Send a file; what fails in reading it is raised as it is, and the run stays interrupted."""
    failures: list[Exception] = []

    async def messages() -> AsyncIterator[ImportOrdersRequest]:
        yield head
        sent = 0
        try:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield ImportOrdersRequest(chunk=chunk)
                sent += len(chunk)
                progress(sent)
        except Exception as error:
            failures.append(error)
            raise

    try:
        return await stub.ImportOrders(messages())
    except (Exception, asyncio.CancelledError):
        if failures:  # gRPC would only say that the call was cancelled.
            raise failures[0] from None
        raise


async def export_orders(
    stub: "OrderServiceAsyncStub", request: ExportOrdersRequest
) -> AsyncIterator[bytes]:
    """Give the bytes of a file as they come; leaving early ends the call."""
    answers = stub.ExportOrders(request)
    try:
        async for answer in answers:
            yield answer.chunk
    finally:
        answers.cancel()

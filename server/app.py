"""The gRPC server: every service of the contract behind the edge, health and reflection."""

import asyncio
import contextlib
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2_grpc

from fbali.v1 import (
    admin_service_pb2,
    after_sales_service_pb2,
    fulfillment_service_pb2,
    hosting_service_pb2,
    order_service_pb2,
)
from oms.settings import Settings
from oms.usecases.context import Oms
from server.edge import CALLS_IN_FLIGHT_MAX, Edge, Endpoint
from server.health import Health
from server.reflection import enable_reflection
from server.services.admin import AdminService
from server.services.after_sales import AfterSalesService
from server.services.fulfillment import FulfillmentService
from server.services.hosting import HostingService
from server.services.orders import OrderService
from server.streams import StreamLimits, WatchLimits
from server.tls import Certificate, certificate_of

log = logging.getLogger(__name__)

BIND_TRIES = 20
BIND_PAUSE_SECONDS = 0.25
THREADS_SQLITE = 4  # More threads fight for the interpreter.
THREADS_POSTGRESQL = 12  # Threads wait for the database there.
THREADS_OUTSIDE = 8  # Calls that ask a store; they sleep most of the time.
DRAIN_SECONDS_MIN = 0.3  # What was on its way when the server stopped to listen has arrived.
DRAIN_POLL_SECONDS = 0.05
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
METADATA_BYTES_MAX = 16 * 1024

SERVICES = {
    order_service_pb2.DESCRIPTOR.services_by_name["OrderService"]: OrderService,
    hosting_service_pb2.DESCRIPTOR.services_by_name["HostingService"]: HostingService,
    fulfillment_service_pb2.DESCRIPTOR.services_by_name["FulfillmentService"]: FulfillmentService,
    after_sales_service_pb2.DESCRIPTOR.services_by_name["AfterSalesService"]: AfterSalesService,
    admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]: AdminService,
}

_OPTIONS = (
    # A second server on the same port fails loudly instead of sharing its calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
    # What one connection carries at once waits unseen in the client beyond this: as many calls as
    # are admitted at all, beside as many watches as one caller may have.
    ("grpc.max_concurrent_streams", CALLS_IN_FLIGHT_MAX + WatchLimits().watches_per_caller_max),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.server_handshake_timeout_ms", 5_000),
)


class Api:
    """A server that can be started and stopped; `port` is known once it is started."""

    def __init__(self, oms: Oms, settings: Settings, limits: StreamLimits | None = None) -> None:
        """Wire the services; nothing listens yet."""
        self._settings = settings
        self._db = oms.db
        self._threads = THREADS_SQLITE if oms.db.is_sqlite else THREADS_POSTGRESQL
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="call")
        self._outside_pool = ThreadPoolExecutor(THREADS_OUTSIDE, thread_name_prefix="outside")
        self._server = grpc.aio.server(options=_OPTIONS)
        self._health = Health(oms)
        self.port = 0
        self._edge = Edge(
            oms, self._pool, self._threads, self._outside_pool, limits or StreamLimits()
        )
        for descriptor, servicer in SERVICES.items():
            handlers = _handlers(self._edge, descriptor, servicer(oms))
            self._server.add_generic_rpc_handlers([handlers])
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        if settings.reflection:
            names = [descriptor.full_name for descriptor in SERVICES]
            enable_reflection([*names, health.SERVICE_NAME], self._server)

    async def start(self) -> None:
        """Listen.

        Raises:
            RuntimeError: The address stays taken.
            SettingsError: The certificate or its key cannot be used.
        """
        listen = self._settings.listen
        certificate = certificate_of(self._settings)
        self.port = await self._bind(listen, certificate)
        await self._server.start()
        self._edge.watches.start()
        await self._health.start(descriptor.full_name for descriptor in SERVICES)
        log.info("listening", extra={"listen": listen, "port": self.port})

    async def _bind(self, listen: str, certificate: Certificate | None) -> int:
        """Take the address, which a predecessor that was killed may hold for a moment more."""
        for _ in range(BIND_TRIES):
            try:
                if certificate is not None:
                    return self._server.add_secure_port(listen, certificate.credentials())
                return self._server.add_insecure_port(listen)
            except RuntimeError as error:
                log.warning("cannot listen yet", extra={"listen": listen, "error": str(error)})
                await asyncio.sleep(BIND_PAUSE_SECONDS)
        raise RuntimeError(f"{listen} is taken: stop the other server, or set FBALI_LISTEN")

    async def stop(self, grace_seconds: float | None = None) -> None:
        """Say that it stops, end the watches, let calls in flight finish, then stop."""
        await self._health.withdraw()
        await self._edge.watches.close()
        grace = self._settings.grace_seconds if grace_seconds is None else grace_seconds
        await self._drain(grace)
        await self._edge.watches.stop()
        await self._edge.settle()
        await self._health.stop()
        for pool, threads in (
            (self._pool, self._threads),
            (self._outside_pool, THREADS_OUTSIDE),
        ):
            self._close_connections(pool, threads)
            pool.shutdown(wait=True)

    async def _drain(self, grace_seconds: float) -> None:
        """Let calls end, for as long as that is useful: a stream may never do so by itself."""
        stopping = asyncio.create_task(self._server.stop(grace_seconds))
        await asyncio.wait([stopping], timeout=DRAIN_SECONDS_MIN)
        while not (stopping.done() or self._edge.is_idle):
            await asyncio.wait([stopping], timeout=DRAIN_POLL_SECONDS)
        await self._server.stop(None)
        await stopping

    def _close_connections(self, pool: ThreadPoolExecutor, threads: int) -> None:
        """Let every thread of a pool close the connection that it keeps."""
        everybody = threading.Barrier(threads)

        def close() -> None:
            everybody.wait()  # A thread that is done already must not take the turn of another.
            self._db.close()

        for _ in range(threads):
            pool.submit(close)


def _handlers(edge: Edge, descriptor: object, servicer: object) -> grpc.GenericRpcHandler:
    service = descriptor.full_name  # type: ignore[attr-defined]
    return grpc.method_handlers_generic_handler(
        service,
        {
            method.name: edge.handler(
                Endpoint(
                    service,
                    method.name,
                    GetMessageClass(method.input_type),
                    getattr(servicer, method.name),
                    takes_stream=method.client_streaming,
                    gives_stream=method.server_streaming,
                )
            )
            for method in descriptor.methods  # type: ignore[attr-defined]
        },
    )


def run(oms: Oms, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a second signal ends at once."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - absent on some systems, where asyncio's own loop serves.

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(_serve(oms, settings))


async def _serve(oms: Oms, settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stopping)
    api = Api(oms, settings)
    await api.start()
    await stopping.wait()
    await api.stop()


def _on_signal(stopping: asyncio.Event) -> None:
    if stopping.is_set():
        signal.raise_signal(signal.SIGKILL)
    stopping.set()


class ApiThread:
    """A server with an event loop of its own in a thread, for tests and for trying things out."""

    def __init__(self, oms: Oms, settings: Settings, limits: StreamLimits | None = None) -> None:
        """Start and wait until it listens."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="api", daemon=True)
        self._thread.start()
        self._api = self._await(_start(oms, settings, limits))

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return self._api.port

    def stop(self, grace_seconds: float = 1.0) -> None:
        """Stop the server and end its thread."""
        asyncio.run_coroutine_threadsafe(self._api.stop(grace_seconds), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, coroutine: "object") -> Api:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()  # type: ignore[arg-type]


async def _start(oms: Oms, settings: Settings, limits: StreamLimits | None) -> Api:
    api = Api(oms, settings, limits)
    await api.start()
    return api

"""A TCP proxy that treats connections as badly as it is told to: one asyncio loop in a thread."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self

CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER without time: the close is an RST.


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to what passes, from now on and on connections that are open too.

    `delay_seconds` is added to every chunk, both ways. `loses_requests` and `loses_answers` swallow
    what is sent while the connection stays open. `refuses` closes new connections at once.
    """

    delay_seconds: float = 0.0
    loses_requests: bool = False
    loses_answers: bool = False
    refuses: bool = False


CALM = Weather()


class Proxy:
    """Listens on a loopback port; use it as a context manager.

    `target` is (host, port), or the path of a unix socket.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.weather = CALM
        self.accepted = 0
        self.passed_bytes = 0
        self._target = target
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._half_closed: set[asyncio.StreamWriter] = set()  # What still comes for them is lost.
        self._serving: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._run(self._listen())
        self.port = int(self._server.sockets[0].getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- What a test does ---------------------------------------------------------------------

    def change(self, **weather: Any) -> None:
        """Change some of the weather; `change()` alone changes nothing."""
        self.weather = replace(self.weather, **weather)

    def calm_down(self) -> None:
        self.weather = CALM

    def reset_all(self) -> int:
        """Tear every open connection down (RST, both sides); return how many."""
        return self._on_every_pair(_reset)

    def half_close_all(self) -> int:
        """End what clients read (FIN) while what they send is still taken; return how many."""
        return self._on_every_pair(self._half_close)

    @property
    def open_count(self) -> int:
        return len(self._pairs)

    # --- What it does -------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _on_every_pair(
        self, do: Callable[[asyncio.StreamWriter, asyncio.StreamWriter], None]
    ) -> int:
        async def on_loop() -> int:
            pairs = list(self._pairs)
            for client, server in pairs:
                with suppress(OSError):
                    do(client, server)
            return len(pairs)

        return int(self._run(on_loop()))

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _close(self) -> None:
        self._server.close()
        for client, server in list(self._pairs):
            client.transport.abort()
            server.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        self.accepted += 1
        if self.weather.refuses:
            client.transport.abort()
            return
        try:
            answers, server = await self._connect()
        except OSError:
            client.transport.abort()
            return
        pair = (client, server)
        self._pairs.add(pair)
        try:
            # One side that is torn down takes the other with it, as it would without us between.
            with suppress(OSError):
                await asyncio.gather(
                    self._pump(reader, server, lambda: self.weather.loses_requests),
                    self._pump(answers, client, lambda: self.weather.loses_answers),
                )
        finally:
            self._pairs.discard(pair)
            self._half_closed.discard(client)
            client.transport.abort()
            server.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(*self._target)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        loses: Callable[[], bool],
    ) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if self.weather.delay_seconds:
                await asyncio.sleep(self.weather.delay_seconds)
            if loses() or writer in self._half_closed:
                continue
            writer.write(chunk)
            self.passed_bytes += len(chunk)
            await writer.drain()
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    def _half_close(self, client: asyncio.StreamWriter, _server: asyncio.StreamWriter) -> None:
        if not client.is_closing():
            self._half_closed.add(client)
            client.write_eof()


def _reset(client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
    for side in (client, server):
        connection: socket.socket | None = side.get_extra_info("socket")
        if connection is not None and connection.family == socket.AF_INET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        side.transport.abort()

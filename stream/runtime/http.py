"""Serve an aiohttp application until told to stop; whatever clients do, the next one is answered."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from prometheus_client import CONTENT_TYPE_LATEST

from stream.runtime.errors import UserError

log = logging.getLogger(__name__)

_AT_ONCE_SECONDS = 0.05
_MOST_HEADERS = 64
_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "logger": log,
    "max_headers": _MOST_HEADERS,
    "auto_decompress": False,  # a bomb is for whoever has a use for bodies to look out for
}


@dataclass(frozen=True)
class Limits:
    """What one client may take from the others.

    connections      open at once; the one that waits longest makes room for a new one
    header_seconds   from a request's first byte, or from connecting, to the end of its headers
    answer_seconds   from there to the answer's last byte, taken by the client
    idle_seconds     between requests
    linger_seconds   for which a body that nobody asked for is read, so that its sender sees the answer
    farewell_seconds from being told to stop to the answer's last byte
    request_bytes    headers and body, of which most servers have no use
    """

    connections: int = 100
    header_seconds: float = 10.0
    answer_seconds: float = 120.0
    idle_seconds: float = 75.0
    linger_seconds: float = 1.0
    farewell_seconds: float = 2.0
    request_bytes: int = 32 * 1024


class Connections:
    """All that are open."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, new: Connection) -> None:
        if len(self._open) >= self.limits.connections:
            # Who is being answered comes after who has not asked yet: a scrape survives a flood of half requests.
            min(self._open, key=lambda each: (each.answering, each.since)).abort()
        self._open.add(new)

    def discard(self, gone: Connection) -> None:
        self._open.discard(gone)


class Connection(web.RequestHandler):
    """aiohttp's, which waits for ever for the rest of a request and for who takes no answer, with an end to both.

    answering, since    is a request being answered, and since when is that so, by the loop's clock
    """

    def __init__(self, server: web.Server, connections: Connections) -> None:
        loop = asyncio.get_running_loop()
        limits = connections.limits
        super().__init__(server, loop=loop, lingering_time=limits.linger_seconds, **_OPTIONS)
        self._connections = connections
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._idle = False
        self._received_bytes = 0
        self.answering = False
        self.since = loop.time()

    async def shutdown(self, timeout: float | None = None) -> None:
        """Who has the answer, and perhaps still sends a body that nobody asked for, is not waited for."""
        await super().shutdown(timeout if self.answering else _AT_ONCE_SECONDS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)
        self._within(self._limits.header_seconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.discard(self)
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._idle and data:
            self._idle = False
            self._within(self._limits.header_seconds)
        self._received_bytes += len(data)
        if self._received_bytes > self._limits.request_bytes:
            self.abort()
        else:
            super().data_received(data)

    def answer_begins(self) -> None:
        """The headers are there."""
        self._idle, self.answering = False, True
        self._within(self._limits.answer_seconds)

    async def finish_response(self, *args: Any) -> tuple[web.StreamResponse, bool]:
        finished = await super().finish_response(*args)
        self._idle, self.answering, self._received_bytes = True, False, 0
        self._within(self._limits.idle_seconds)
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is not HTTP is a mistake of its sender's, and may hold secrets: said without any of it."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.warning("refused what is no HTTP request: %s", type(exc).__name__)
        refusal = web.Response(status=status, text="no HTTP request that this server takes\n")
        refusal.force_close()
        return refusal

    def abort(self) -> None:
        self._connections.discard(self)
        if self.transport is not None:
            self.transport.abort()

    def _within(self, seconds: float) -> None:
        """End the connection unless what is next begins by then."""
        if self._deadline:
            self._deadline.cancel()
        if self.transport is not None:
            loop = asyncio.get_running_loop()
            self.since = loop.time()
            self._deadline = loop.call_later(seconds, self.abort)


@web.middleware
async def _watched(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if isinstance(request.protocol, Connection):
        request.protocol.answer_begins()
    return await handler(request)


@asynccontextmanager
async def serving(
    app: web.Application,
    host: str,
    port: int,
    setting: str,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    reuse_port: bool = False,
) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port (which matters when 0 was asked for). At its end nobody new is
    let in, and who has asked is answered. With `reuse_port` several processes may share one.

    Raises UserError naming `setting` when the port cannot be had.
    """
    app.middlewares.append(_watched)
    limits = limits or Limits()
    runner = web.AppRunner(app, shutdown_timeout=limits.farewell_seconds)
    await runner.setup()
    assert runner.server is not None
    manager, connections = runner.server, Connections(limits)
    try:
        try:
            listening = await asyncio.get_running_loop().create_server(
                lambda: Connection(manager, connections),
                host,
                port,
                ssl=tls,
                ssl_handshake_timeout=limits.header_seconds if tls else None,
                reuse_port=reuse_port or None,
            )
        except OSError as error:
            raise UserError(
                f"cannot listen on {host}:{port}: {error.strerror}; set {setting}, or ASSIDU_BIND"
            ) from None
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def service_routes(metrics: Callable[[], bytes], why_not_ready: Callable[[], str | None]) -> list[web.RouteDef]:
    """/metrics, /healthz (alive) and /readyz, which says why not where there is a reason."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        reason = why_not_ready()
        return web.Response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)

    return [web.get("/metrics", show), web.get("/healthz", healthz), web.get("/readyz", readyz)]

"""The collector: takes events over HTTP, and answers once they are safe."""

from __future__ import annotations

import asyncio
import logging
import resource
from contextlib import suppress
from pathlib import Path

import structlog
from aiohttp import web

from schemas.openapi import DOCUMENT
from stream.ingest.collector.addresses import Proxies
from stream.ingest.collector.bodies import MOST_BYTES
from stream.ingest.collector.canary import Canary
from stream.ingest.collector.durable import DurableSink
from stream.ingest.collector.handler import Handler
from stream.ingest.collector.in_flight import InFlight
from stream.ingest.collector.kafka_sink import KafkaSink
from stream.ingest.collector.keyring import Keyring
from stream.ingest.collector.measures import Measures
from stream.ingest.collector.rates import Rates
from stream.ingest.collector.spool import Spool
from stream.ingest.collector.tls import server_context
from stream.ingest.protocols.mapping import default_mapping, read_mapping
from stream.runtime.garbage import collect_seldom
from stream.runtime.http import Limits, service_routes, serving
from stream.runtime.lifecycle import told_to_stop, until_ended
from stream.settings import Settings
from stream.store.api_keys import ApiKeys
from stream.store.connect import connect
from stream.store.server import check_version, once_well

log = structlog.get_logger()

_MOST_CONNECTIONS = 2000
_OTHER_FILES = 200  # descriptors for Kafka, Redis, the spool and what else is open
_LINGER_SECONDS = 10.0  # a client that is cut off amid a large body sees no 429
_FAREWELL_SECONDS = 6.0

_SECURITY = {
    "Server": "assidu",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SECURITY_TLS = {**_SECURITY, "Strict-Transport-Security": "max-age=31536000"}


class Collector:
    """Its parts, and what runs beside the server."""

    def __init__(self, settings: Settings, stored: ApiKeys) -> None:
        self.keyring = Keyring(stored)
        self._settings = settings
        self._measures = Measures()
        self._in_flight = InFlight(settings.collector_bytes)
        self._kafka = KafkaSink(settings)
        self._spool = (
            Spool(settings.collector_spool, settings.collector_spool_bytes) if settings.collector_spool else None
        )
        self._sink = DurableSink(self._kafka, self._spool)
        self._handler = Handler(
            settings.collector_prefix,
            read_mapping(Path(settings.collector_mapping)) if settings.collector_mapping else default_mapping(),
            self.keyring,
            Rates(stored),
            self._sink,
            self._in_flight,
            self._measures,
            Proxies(settings.proxies),
        )
        self._canary = Canary(settings, self.keyring, self._measures)
        self._measures.spool_limit_bytes.set(settings.collector_spool_bytes if self._spool else 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; then nobody new is let in, and who has asked is answered."""
        if self._spool is None:
            await until_ended(self._serve(stop), self._kafka.run(), self.keyring.run())
            return
        with self._spool.opened():
            await until_ended(
                self._serve(stop), self._kafka.run(), self.keyring.run(), self._spool.run(), self._sink.drain()
            )

    async def _serve(self, stop: asyncio.Event) -> None:
        settings = self._settings
        tls = server_context(settings.collector_cert, settings.collector_key)
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.collector_kafka_timeout):
                await self._kafka.tried.wait()
        limits = Limits(
            connections=_connections(),
            answer_seconds=60.0,
            linger_seconds=_LINGER_SECONDS,
            farewell_seconds=_FAREWELL_SECONDS,
            request_bytes=2 * MOST_BYTES,
        )
        serving_here = serving(
            self._app(tls is not None),
            settings.bind,
            settings.collector_port,
            "ASSIDU_COLLECTOR_PORT",
            limits,
            tls,
            reuse_port=True,  # one that takes over may listen before this one ends
        )
        async with serving_here as port:
            log.info("collector started", http=f"{settings.bind}:{port}", tls=tls is not None)
            await until_ended(stop.wait(), self._canary.run(port))
        log.info("collector stopped")

    def _app(self, tls: bool) -> web.Application:
        security = _SECURITY_TLS if tls else _SECURITY

        async def secure(_: web.Request, response: web.StreamResponse) -> None:
            response.headers.update(security)

        app = web.Application()
        app.add_routes(service_routes(self._exposition, self._sink.why_not))
        app.router.add_get("/openapi.json", _openapi)
        app.router.add_route("*", "/{path:.*}", self._handler.answer)
        app.on_response_prepare.append(secure)
        return app

    def _exposition(self) -> bytes:
        self._measures.in_flight_bytes.set(self._in_flight.taken)
        if self._spool:
            self._measures.spool_bytes.set(self._spool.bytes)
            self._measures.spool_age_seconds.set(self._spool.age_seconds())
        return self._measures.exposition()


async def run_collector(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises UserError where settings, topics or Redis do not fit."""
    stop = told_to_stop()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it is said once that Kafka is away
    redis = connect(settings)
    try:
        collector = Collector(settings, ApiKeys(redis, settings.namespace))
        if await once_well(stop, lambda: check_version(redis, settings.redis), collector.keyring.look):
            collect_seldom()
            await collector.run(stop)
    finally:
        await redis.aclose()


async def _openapi(_: web.Request) -> web.Response:
    return web.Response(body=DOCUMENT.read_bytes(), content_type="application/json")


def _connections() -> int:
    """As many as there are file descriptors for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(_MOST_CONNECTIONS, soft - _OTHER_FILES))

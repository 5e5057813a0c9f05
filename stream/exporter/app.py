"""The exporter: refresh once a second, serve what was rendered; any number of exporters agree."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from math import isfinite
from time import monotonic

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import InfoMetricFamily
from redis.asyncio import Redis

from stream.core.definition import View
from stream.core.time import HOUR, Calendar, minute_of
from stream.exporter.gauges import data_age_seconds, engagement, pipeline, render
from stream.exporter.page.overview import Overview
from stream.exporter.page.routes import Freshness, page_routes, secure
from stream.exporter.samples import samples
from stream.http import serving
from stream.metrics import SERIES
from stream.settings import Settings
from stream.stopping import told_to_stop
from stream.store import meta
from stream.store.connect import AWAY, check_server, connect
from stream.store.replica import Replica

log = structlog.get_logger()

REFRESH_SECONDS = 1.0


class Exporter:
    """`exposition` is the latest rendered /metrics, `overview` what the page shows."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._settings = settings
        self.timezone = settings.timezone
        self._replica = Replica(redis, settings.namespace, settings.partitions, SERIES)
        self._calendar = Calendar(settings.zone)
        self._definitions = settings.definitions
        self._refreshed_at: float | None = None
        self._age_seconds = float("inf")
        self._compacted_at = 0
        self.exposition = b""
        self.overview = Overview()

    async def run(self) -> None:
        """Refresh for ever; while Redis is away the last numbers stay, and readiness goes."""
        away = False
        while True:
            try:
                await self.refresh()
            except AWAY as error:
                if not away:
                    log.warning("Redis does not answer", error=str(error) or type(error).__name__)
                away = True
            else:
                if away:
                    log.info("Redis answers again")
                away = False
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Follow the shards, compute every gauge at the present moment and render."""
        replica, settings = self._replica, self._settings
        await replica.refresh()
        now_ms = await replica.now_ms()
        clock_ms = replica.clock_ms(settings.clock, now_ms)
        families = list(pipeline(replica.states, now_ms, settings.partitions, settings.repeat_hours * 3600))
        families.append(InfoMetricFamily("assidu_build", "This program.", value={"version": version("assidu")}))
        if clock_ms is not None:
            minute = minute_of(clock_ms)
            await self._compact(minute)
            found = samples(replica.table, minute, self._calendar, self._definitions)
            families.extend(engagement(found))
            self.overview.see(self._views(minute), minute_of(now_ms))
        self.exposition = render(families)
        self._age_seconds = data_age_seconds(replica.states, now_ms, settings.partitions)
        self._refreshed_at = monotonic()

    def freshness(self) -> Freshness:
        """How old the data are now, also while Redis is away."""
        if not self.overview.products or self._refreshed_at is None:
            return Freshness("empty", None, None)
        reason, age_seconds = self.why_not_ready(), self._age_seconds + monotonic() - self._refreshed_at
        return Freshness("stale" if reason else "fresh", age_seconds if isfinite(age_seconds) else None, reason)

    def why_not_ready(self) -> str | None:
        stale = self._settings.stale_seconds
        if self._refreshed_at is None or monotonic() - self._refreshed_at > stale:
            return "Redis does not answer"
        if not isfinite(self._age_seconds):
            return "no worker has taken every shard yet"
        if self._age_seconds > stale:
            return f"the data are {self._age_seconds:.0f} s old (ASSIDU_STALE_SECONDS={stale:g})"
        return None

    def _views(self, minute: int) -> dict[str, View]:
        table, today = self._replica.table, self._calendar.day(minute)
        return {product: View(table, product, minute, today, self._definitions) for product in table.products}

    async def _compact(self, minute: int) -> None:
        if minute - self._compacted_at >= HOUR:
            keep_days = self._settings.keep_days
            await self._replica.compact(minute, self._calendar.day(minute), keep_days)
            self._compacted_at = minute


def exporter_app(exporter: Exporter) -> web.Application:
    """/metrics, /healthz (alive), /readyz (the data are fresh), and the page at /."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=exporter.exposition, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        reason = exporter.why_not_ready()
        return web.Response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    app.add_routes(page_routes(exporter.overview, exporter.timezone, exporter.freshness))
    app.on_response_prepare.append(secure)
    return app


async def run_exporter(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises UserError when the settings do not fit the state in Redis."""
    stop = told_to_stop()
    redis = connect(settings.redis)
    try:
        await check_server(redis, settings.redis)
        await meta.check(redis, settings)
        exporter = Exporter(redis, settings)
        await exporter.refresh()
        refreshing = asyncio.create_task(exporter.run())
        app = exporter_app(exporter)
        async with serving(app, settings.bind, settings.exporter_port, "ASSIDU_EXPORTER_PORT") as port:
            log.info("exporter started", metrics=f"http://{settings.bind}:{port}/metrics")
            await asyncio.wait([refreshing, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            if refreshing.done():
                refreshing.result()
        refreshing.cancel()
        log.info("exporter stopped")
    finally:
        await redis.aclose()

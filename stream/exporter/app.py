"""The exporter: refresh every moment, serve what was rendered; any number of exporters agree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from math import isfinite
from time import monotonic, process_time

import structlog
from aiohttp import web
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from redis.asyncio import Redis

from stream.core.definitions import hashes
from stream.core.time import HOUR, Calendar, minute_of
from stream.exporter.at_risk_route import at_risk_route
from stream.exporter.canary import Canary
from stream.exporter.deployment import Deployment
from stream.exporter.exposition import exposition, family
from stream.exporter.indicators import Indicators
from stream.exporter.page.overview import Overview
from stream.exporter.page.routes import Freshness, page_routes, secure
from stream.exporter.pipeline import Pipeline
from stream.indicators.catalogue import SERIES
from stream.indicators.config import Config
from stream.indicators.declare import TARGET_GAUGE
from stream.indicators.in_force import alerts_in_force
from stream.indicators.reads import View
from stream.runtime.cooperative import taking_turns
from stream.runtime.garbage import collect_seldom
from stream.runtime.http import service_routes, serving
from stream.runtime.lifecycle import told_to_stop, until_ended
from stream.runtime.pipeline_metrics import ALERT_THRESHOLD, BUILD, DEFINITION
from stream.settings import Settings
from stream.store.committed import Committed
from stream.store.connect import REDIS_ERRORS, advice, connect
from stream.store.replica import Replica
from stream.store.server import check_version, once_well, warn_of_dangers

log = structlog.get_logger()

SOONEST_SECONDS, LATEST_SECONDS = 0.25, 1.0
"""From the beginning of a refresh to that of the next, where something was committed: as CORE_SHARE allows."""
ANYWAY_SECONDS = 1.5
"""Where nothing was. A worker with little to do commits every second."""
CORE_SHARE = 0.25
"""How much of a core refreshing may take, unless it needs more to be done every LATEST_SECONDS."""
LEAST_PAUSE_SECONDS = 0.2
FRESH_SECONDS = 5.0
"""How old data may be of which the page remembers trends."""


class Exporter:
    """`exposition()` is /metrics, `overview` what the page shows, `at_risk` answers /at-risk."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._settings = settings
        self.timezone = settings.timezone
        self._replica = Replica(redis, settings.namespace, settings.partitions, SERIES)
        self._calendar = Calendar(settings.zone)
        self._pipeline = Pipeline(settings.partitions, tuple(settings.topics))
        self._committed = Committed(redis, settings.namespace, settings.partitions)
        self._indicators = Indicators()
        self._shown = b""
        self._away = False
        self._compacted_at = 0
        self.canary = Canary(settings)
        self.deployment = Deployment(redis, settings)
        self.overview = Overview(settings.indicators.targets)
        self.at_risk = at_risk_route(redis, settings)

    async def run(self) -> None:
        """Refresh for ever; while Redis is away the last numbers stay, their age grows, and readiness goes."""
        await until_ended(self._refresh_on(), self._committed.listen())

    async def _refresh_on(self) -> None:
        """As soon as something was committed, and every ANYWAY_SECONDS."""
        while True:
            began, cpu_before = monotonic(), process_time()
            try:
                await self.refresh()
            except REDIS_ERRORS as error:
                if not self._away:
                    log.warning("Redis does not answer", error=advice(error) or str(error) or type(error).__name__)
                self._away = True
            else:
                if self._away:
                    log.info("Redis answers again")
                self._away = False
            await asyncio.sleep(pause_seconds(monotonic() - began, process_time() - cpu_before))
            await self._committed.wait(began + ANYWAY_SECONDS - monotonic())

    async def refresh(self) -> None:
        """Follow the shards, compute every indicator at the present moment and render."""
        replica = self._replica
        try:
            await replica.refresh(self._committed.take())
        except REDIS_ERRORS:
            self._committed.lost()
            raise
        now_ms = await replica.now_ms()
        clock_ms = replica.clock_ms(self._settings.clock, now_ms)
        self._pipeline.see(replica.states, replica.heartbeats, now_ms)
        if clock_ms is not None:
            minute = minute_of(clock_ms)
            await self._compact(minute)
            views = self._views(minute)
            lines = [line async for line in taking_turns(self._indicators.lines(views.values()))]
            self._shown = "".join(lines).encode()
            self.overview.see(views, minute_of(now_ms), fresh=self._pipeline.age_seconds <= FRESH_SECONDS)
        self.canary.note_shown(replica.states)

    def exposition(self) -> bytes:
        """The indicators as of the last refresh, the pipeline's own figures as of now."""
        return exposition(self._own_families()).encode() + self._shown

    def freshness(self) -> Freshness:
        """How old the data are now, also while Redis is away."""
        if not self.overview.products:
            return Freshness("empty", None, None)
        reason, age_seconds = self.why_not_ready(), self._pipeline.age_seconds
        return Freshness("stale" if reason else "fresh", age_seconds if isfinite(age_seconds) else None, reason)

    def why_not_ready(self) -> str | None:
        age_seconds, stale_seconds = self._pipeline.age_seconds, self._settings.stale_seconds
        if age_seconds <= stale_seconds:
            return None
        if self._away:
            return "Redis does not answer"
        if not isfinite(age_seconds):
            return "no worker has taken every shard yet"
        return f"the data are {age_seconds:.0f} s old (ASSIDU_STALE_SECONDS={stale_seconds:g})"

    def _own_families(self) -> Iterator[Metric]:
        yield from self._pipeline.families()
        yield from self.canary.families()
        yield from self.deployment.families()
        yield from _chosen(self._settings.indicators, self.overview.products)
        yield family(BUILD, [((version("assidu"),), 1)])

    def _views(self, minute: int) -> dict[str, View]:
        table, today = self._replica.table, self._calendar.day(minute)
        definitions = self._settings.indicators.definitions
        return {product: View(table, product, minute, today, definitions) for product in table.products}

    async def _compact(self, minute: int) -> None:
        if minute - self._compacted_at >= HOUR:
            keep_days = self._settings.keep_days
            await self._replica.compact(minute, self._calendar.day(minute), keep_days)
            self._compacted_at = minute


def _chosen(config: Config, products: Iterable[str]) -> Iterator[Metric]:
    """What the indicators file says of definitions, alerts and targets."""
    yield family(DEFINITION, [(each, 1) for each in hashes(config.definitions).items()])
    yield family(ALERT_THRESHOLD, [((alert.name,), alert.threshold) for alert in alerts_in_force(config).values()])
    targets = GaugeMetricFamily(TARGET_GAUGE, "Where the indicator should be.", labels=["product", "indicator"])
    for product in products:
        for indicator, target in config.targets.items():
            targets.add_metric([product, indicator], target)
    if targets.samples:
        yield targets


def pause_seconds(took: float, cpu_seconds: float) -> float:
    """From the end of a refresh that took so long, so much of it on the CPU, to the beginning of the next."""
    period = min(max(cpu_seconds / CORE_SHARE, SOONEST_SECONDS), LATEST_SECONDS)
    return max(period - took, LEAST_PAUSE_SECONDS)


def exporter_app(exporter: Exporter) -> web.Application:
    """/metrics, /healthz (alive), /readyz (the data are fresh), /at-risk, and the page at /."""
    app = web.Application()
    app.add_routes(service_routes(exporter.exposition, exporter.why_not_ready))
    app.add_routes([web.get("/at-risk", exporter.at_risk)])
    app.add_routes(page_routes(exporter.overview, exporter.timezone, exporter.freshness))
    app.on_response_prepare.append(secure)
    return app


async def run_exporter(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises UserError when the settings do not fit the state in Redis."""
    stop = told_to_stop()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the canary says once that Kafka is away
    redis = connect(settings)
    try:
        exporter = Exporter(redis, settings)
        if not await once_well(
            stop,
            lambda: check_version(redis, settings.redis),
            exporter.deployment.look,
            exporter.refresh,
            lambda: warn_of_dangers(redis),
        ):
            return
        collect_seldom()  # most of what it holds came with the first refresh
        app = exporter_app(exporter)
        async with serving(app, settings.bind, settings.exporter_port, "ASSIDU_EXPORTER_PORT") as port:
            log.info("exporter started", metrics=f"http://{settings.bind}:{port}/metrics")
            await until_ended(stop.wait(), exporter.run(), exporter.canary.run(), exporter.deployment.run())
        log.info("exporter stopped")
    finally:
        await redis.aclose()

"""One worker process: start everything in order, run until told to stop, stop everything in order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryDirectory
from time import monotonic

import structlog
from aiokafka.errors import KafkaError
from faust import App
from redis.asyncio import Redis

from stream.core.time import Calendar
from stream.indicators.feedback import missing_lexicon
from stream.kafka import errors as kafka_errors
from stream.kafka.group import check_group
from stream.kafka.partitions import shards_of
from stream.kafka.topics import kafka_admin, look_at_topics
from stream.runtime.errors import UserError
from stream.runtime.garbage import collect_seldom
from stream.runtime.http import serving
from stream.runtime.lifecycle import told_to_stop
from stream.settings import Settings
from stream.store import meta
from stream.store.connect import connect
from stream.store.heartbeats import Heartbeats
from stream.store.labels import LabelBook, ProductBook
from stream.store.server import check_rights, check_version, once_well, warn_of_dangers
from stream.store.shard import ShardStore
from stream.worker.app import engagement_app
from stream.worker.clock import Clock
from stream.worker.following import Following
from stream.worker.health import health_app
from stream.worker.pulse import Pulse
from stream.worker.shard import Common
from stream.worker.shards import Shards
from stream.worker.side_outputs import SideOutputs
from stream.worker.timer_upkeep import keep_timers
from stream.worker.topic_watch import TopicWatch

log = structlog.get_logger()

_RESTARTS = "_ASSIDU_RESTARTS"
_LONGEST_PAUSE_SECONDS = 60.0
_WATCH_SECONDS = 1.0


class Stalled(Exception):
    """A backlog and no progress, though Kafka and Redis answer: the consumer has died quietly."""


async def run_worker(settings: Settings) -> None:
    """Own shards and fold their events until SIGTERM or SIGINT.

    Raises UserError for what the user must put right; restarts this process in place when the consumer has died.
    """
    stop = told_to_stop()
    collect_seldom()
    if missing := missing_lexicon(settings.indicators.definitions):
        raise UserError(missing)
    redis = connect(settings)
    try:
        well = await once_well(
            stop, lambda: check_version(redis, settings.redis), lambda: check_rights(redis, settings.namespace)
        )
        if not well:
            return
        async with kafka_admin(settings) as admin:
            watch = TopicWatch(settings, redis, admin)
            well = await once_well(
                stop,
                # Before anything is written: a mistake leaves nothing behind.
                lambda: look_at_topics(settings, admin),
                lambda: check_group(settings),
                lambda: meta.begin(redis, settings),
                watch.check,
                lambda: warn_of_dangers(redis),
            )
            if well:
                with TemporaryDirectory(prefix="assidu-") as folder:
                    await _work(settings, redis, watch, folder, stop)
    except Stalled as stalled:
        await _restart_in_place(str(stalled))
    finally:
        await redis.aclose()


async def _work(settings: Settings, redis: Redis, watch: TopicWatch, folder: str, stop: asyncio.Event) -> None:
    store = ShardStore(redis, settings.namespace)
    side_outputs = SideOutputs(settings)
    calendar, clock = Calendar(settings.zone), Clock(settings, store)
    following = Following(redis, settings, calendar)
    await following.follow()
    common = Common(
        settings,
        store,
        LabelBook(redis, settings.namespace, settings.label_limit),
        ProductBook(redis, settings.namespace, settings.product_limit),
        side_outputs,
        calendar,
        clock,
        following.scoring,
        lambda customer_ids: shards_of(customer_ids, settings.partitions),
        lambda: meta.agree(redis, settings),
        watch.check,
    )
    shards = Shards(common)
    app = engagement_app(settings, shards, folder)
    heartbeats = Heartbeats(redis, settings.namespace)
    pulse = Pulse(shards, store, heartbeats, [clock.follow, following.follow, watch.look])

    def why_not_ready() -> str | None:
        if not shards.owned:
            return "no shard is assigned to this worker (yet)"
        if monotonic() - pulse.beat_at > settings.stall_seconds:
            return "Kafka or Redis does not answer"
        if stalled := pulse.stalled(settings.stall_seconds):
            return f"shards {stalled} have a backlog and make no progress"
        return None

    await side_outputs.start()
    work = (pulse.run(), shards.pipeline.run(), keep_timers(shards.owned, shards.pipeline.stir))
    tasks = [asyncio.create_task(each) for each in work]
    try:
        async with serving(
            health_app(why_not_ready), settings.bind, settings.worker_port, "ASSIDU_WORKER_PORT"
        ) as port:
            log.info("worker started", kafka=settings.kafka, group=settings.group, http=f"{settings.bind}:{port}")
            tasks.append(asyncio.create_task(app.start()))  # it waits for its part of the group, perhaps in vain
            await _until_over(stop, tasks, shards, pulse, app, settings)
    finally:
        await shards.close()
        for task in tasks:
            task.cancel()
        with suppress(Exception):
            await app.stop()
        await side_outputs.stop()
        log.info("worker stopped")


async def _until_over(
    stop: asyncio.Event,
    tasks: Sequence[asyncio.Task[None]],
    shards: Shards,
    pulse: Pulse,
    app: App,
    settings: Settings,
) -> None:
    """Returns when told to stop; raises what makes the worker stop by itself."""
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stopping.done():
            await asyncio.wait({stopping}, timeout=_WATCH_SECONDS)
            for task in tasks:
                if task.done():
                    task.result()
            if shards.failed.done():
                shards.failed.result()
            if app.crashed or app.should_stop:
                raise _why_stopped(app.crash_reason)
            if stalled := pulse.stalled(settings.stall_seconds):
                raise Stalled(f"shards {stalled} made no progress for {settings.stall_seconds:g} s")
    finally:
        stopping.cancel()


def _why_stopped(reason: BaseException | None) -> Exception:
    if isinstance(reason, KafkaError) and not kafka_errors.is_transient(reason):
        return kafka_errors.refusal(reason, "let this worker read")
    return Stalled(f"Faust has stopped: {reason!r}")


async def _restart_in_place(why: str) -> None:
    """Begin anew in the same process, after a pause that doubles with each restart."""
    restarts = int(os.environ.get(_RESTARTS, "0")) + 1
    pause = min(2.0**restarts, _LONGEST_PAUSE_SECONDS)
    log.error("restarting in place", why=why, restarts=restarts, pause_seconds=pause)
    await asyncio.sleep(pause)
    os.environ[_RESTARTS] = str(restarts)
    os.execv(sys.executable, sys.orig_argv)

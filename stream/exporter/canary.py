"""The canary: how long it takes from an event's timestamp to the gauges, measured by events of the exporter's own.

A canary is an ordinary login with `"test": true`: it goes the whole way through Kafka, a worker and Redis, where it
is counted and left out of every indicator. It has arrived when a refresh has rendered what lies beyond its offset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from time import time
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError
from prometheus_client import CollectorRegistry, Histogram, Metric

from stream.kafka.canaries import customer_ids, left_out
from stream.kafka.producer import start_producer, stop_producer
from stream.kafka.topics import check_topics
from stream.runtime.errors import UserError
from stream.runtime.pipeline_metrics import EVENT_TO_GAUGE
from stream.settings import Settings
from stream.store.replica import ShardState

log = structlog.get_logger()

FAMILY = "logins"
BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 5, 10, 20, 30, 60)
"""Seconds, close together up to the two that 99 % should keep. A canary that has not arrived within the last of them
counts as slower than all."""

_ANSWER_WITHIN_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


class Flight(NamedTuple):
    """A canary on its way; `sent` is its timestamp, seconds since the epoch."""

    shard: int
    offset: int
    sent: float


class Canary:
    """Sends one canary every ASSIDU_CANARY_SECONDS, to each shard in turn; 0: none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic_prefix + FAMILY
        self.flights: list[Flight] = []
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._registry = CollectorRegistry()
        self._seconds = Histogram(EVENT_TO_GAUGE.name, EVENT_TO_GAUGE.help, registry=self._registry, buckets=BUCKETS)

    async def run(self) -> None:
        """For ever; while Kafka is away or lacks the topics, try again with growing pauses."""
        if not self._settings.canary_seconds:
            await asyncio.Event().wait()
        customers = cycle(enumerate(customer_ids(self._settings.partitions)))
        while True:
            try:
                await self._fly(customers)
            except (KafkaError, UserError) as error:
                if self._pause_seconds == _FIRST_PAUSE_SECONDS:
                    log.warning("canaries cannot be sent", error=str(error) or type(error).__name__)
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    def note_shown(self, states: Mapping[int, ShardState]) -> None:
        """A refresh has rendered these states: observe the canaries that they hold, and those that are overdue."""
        now = time()
        on_their_way = []
        for flight in self.flights:
            position = states.get(flight.shard, ShardState()).position or {}
            if position.get(self._topic, 0) > flight.offset or now - flight.sent > BUCKETS[-1]:
                self._seconds.observe(now - flight.sent)
            else:
                on_their_way.append(flight)
        self.flights = on_their_way

    def families(self) -> Iterable[Metric]:
        return self._registry.collect() if self._settings.canary_seconds else ()

    async def _fly(self, customers: Iterator[tuple[int, str]]) -> None:
        """Send until Kafka does not take one."""
        await check_topics(self._settings)
        # Should one come twice, its event_id tells.
        producer = await start_producer(self._settings.model_copy(update={"idempotence": "off"}))
        try:
            while True:
                await self._send(producer, *next(customers))
                if self._pause_seconds != _FIRST_PAUSE_SECONDS:
                    log.info("canaries are sent")
                self._pause_seconds = _FIRST_PAUSE_SECONDS
                self.note_shown({})  # Redis may be away, and no refresh looks for the overdue
                await asyncio.sleep(self._settings.canary_seconds)
        finally:
            await stop_producer(producer)

    async def _send(self, producer: AIOKafkaProducer, shard: int, customer_id: str) -> None:
        sent = time()
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                record = await producer.send_and_wait(
                    self._topic, left_out(customer_id, sent), key=customer_id.encode(), partition=shard
                )
        except TimeoutError:
            raise KafkaConnectionError(f"no acknowledgement for {_ANSWER_WITHIN_SECONDS:g} s") from None
        self.flights.append(Flight(shard, record.offset, sent))

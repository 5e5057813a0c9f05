"""Where events go: to Kafka, or to disk until Kafka is back. Before that nobody is told that they are accepted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal

import structlog

from stream.ingest.collector.kafka_sink import KafkaAway, KafkaSink
from stream.ingest.collector.refused import Refused
from stream.ingest.collector.spool import Spool, SpoolFull
from stream.ingest.event_producer import Message

log = structlog.get_logger()

_AGAIN_SECONDS = 5


class DurableSink:
    """`spool` None: there is no other place than Kafka."""

    def __init__(self, kafka: KafkaSink, spool: Spool | None) -> None:
        self._kafka = kafka
        self._spool = spool

    async def write(self, messages: Sequence[Message], *, spooled: bool = True) -> Literal["kafka", "spool"]:
        """Returns where they are safe; `spooled` False: nowhere but in Kafka. Raises Refused (503): not all are."""
        try:
            await self._kafka.write(messages)
            return "kafka"
        except KafkaAway:
            if self._spool is None or not spooled:
                raise _away() from None
        try:
            await self._spool.append(messages)
        except SpoolFull:
            raise _away() from None
        return "spool"

    def why_not(self) -> str | None:
        """Why nothing can be kept now; None while it can."""
        if self._kafka.here.is_set() or (self._spool and not self._spool.is_full):
            return None
        return "Kafka does not take events" + (", and the spool is full" if self._spool else "")

    async def drain(self) -> None:
        """Whenever Kafka is there, send it what is on disk, oldest first. Later events do not wait for that: whatever
        the order in which they come, the same is counted."""
        if self._spool is None:
            return
        while True:
            await self._kafka.here.wait()
            segment, entries = await self._spool.oldest()
            try:
                await self._kafka.write(list(chain.from_iterable(entries)))
            except KafkaAway:
                continue  # all of it again: what has arrived is told to be a repeat by its id
            self._spool.drained(segment)
            if not self._spool.here.is_set():
                log.info("the spool is drained")


def _away() -> Refused:
    return Refused(503, "service unavailable", "the events cannot be kept now: try again", _AGAIN_SECONDS)

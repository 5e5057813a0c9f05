"""The topic of dead letters: reading letters with what became of them, and marking those that are done with.

A mark is a record of the same partition, after the letter: whoever keeps the letters keeps the marks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from stream.ingest.dead_letters.letter import MARK, Done, Letter, Mark, Place, State, read_record
from stream.ingest.dead_letters.selection import Selection
from stream.kafka.offsets import Bounds, log_bounds
from stream.kafka.producer import start_producer, stop_producer
from stream.kafka.spans import read_spans
from stream.kafka.topics import check_topics
from stream.runtime.errors import UserError
from stream.settings import Settings

_ANSWER_WITHIN_SECONDS = 60.0


class Found(NamedTuple):
    """A letter and what became of it."""

    letter: Letter
    state: State


async def find(settings: Settings, selection: Selection) -> AsyncIterator[list[Found]]:
    """The letters of the selection that are there now, each source once: after a crash a letter may come twice.

    The topic is read twice, so that letters need no room: once for the marks, then for the letters. Raises UserError
    where it is missing, aiokafka's KafkaError where Kafka does not answer.
    """
    await check_topics(settings)
    spans = await log_bounds(settings, [(settings.dead_letters, shard) for shard in range(settings.partitions)])
    done: dict[str, Done] = {
        mark.source: mark.done async for read in _read(settings, spans) for mark in read if isinstance(mark, Mark)
    }
    seen: set[str] = set()
    async for read in _read(settings, spans):
        found = []
        for letter in read:
            if not isinstance(letter, Letter) or not selection.has(letter, settings.topic_prefix):
                continue
            if (source := letter.said.source) not in seen:
                seen.add(source)
                found.append(Found(letter, done.get(source, "open")))
        yield found


async def find_one(settings: Settings, place: Place) -> Found:
    """Raises UserError where there is no such letter."""
    topic = settings.dead_letters
    if place.partition >= settings.partitions:
        raise UserError(f"{topic} has no partition {place.partition}: ASSIDU_PARTITIONS is {settings.partitions}")
    await check_topics(settings)
    bounds = await log_bounds(settings, [(topic, place.partition)])
    first, end = bounds[topic, place.partition]
    letter: Letter | None = None
    state: State = "open"
    async for read in _read(settings, {(topic, place.partition): (max(first, place.offset), end)}):
        for each in read:
            if isinstance(each, Mark):
                state = each.done if letter and each.source == letter.said.source else state
            elif each.place == place:
                letter = each
    if letter is None:
        raise UserError(f"{topic} has no dead letter {place}: `assidu dead-letters list --each` shows those it has")
    return Found(letter, state)


async def _read(settings: Settings, spans: Bounds) -> AsyncIterator[list[Letter | Mark]]:
    async for records in read_spans(settings, spans):
        yield [read for record in records if (read := read_record(record)) is not None]


class Marker:
    """Writes marks; from `marking`."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def mark(self, letters: Iterable[Letter], done: Done) -> None:
        """Returns once Kafka has acknowledged all of them."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                answers = [
                    await self._producer.send(
                        self._topic,
                        key=letter.said.source.encode(),
                        partition=letter.place.partition,
                        headers=[(MARK, done.encode())],
                    )
                    for letter in letters
                ]
                await asyncio.gather(*answers)
        except TimeoutError:
            raise KafkaConnectionError(f"no acknowledgement for {_ANSWER_WITHIN_SECONDS:g} s") from None


@asynccontextmanager
async def marking(settings: Settings) -> AsyncIterator[Marker]:
    producer = await start_producer(settings)
    try:
        yield Marker(producer, settings.dead_letters)
    finally:
        await stop_producer(producer)

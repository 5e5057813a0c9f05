"""The load: events of skewed customers, preloaded into Kafka so that nothing measured waits for a producer."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from time import time
from typing import NamedTuple

import numpy as np

from stream.partition import shard_of
from stream.producer import start_producer
from stream.settings import Settings

Ends = dict[str, dict[int, int]]
"""Topic -> partition -> number of records sent there, which is the offset after the last."""

# Family, type, how many of a hundred events, and the fields of its own.
KINDS = (
    ("clicks", "impression", 15, '"campaign":"spring-sale","content":"banner-3"'),
    ("clicks", "click", 30, '"campaign":"spring-sale","element":"buy"'),
    ("logins", "login", 15, '"method":"password"'),
    ("sessions", "page_view", 25, '"page":"/offers"'),
    ("sessions", "session", 5, '"session_id":"s-4711","duration_ms":81000,"page_views":7'),
    ("surveys", "survey_response", 10, '"survey":"nps","survey_id":"q3","score":9,"scale":"0-10"'),
)
FAMILIES = tuple(dict.fromkeys(kind[0] for kind in KINDS))
CHANNELS = ("web", "ios", "android", "email")
BYTES = range(193, 211)
"""Length of an event's JSON."""

SKEW = 0.8  # the customer of rank r sends in proportion to r ** -SKEW, as in Zipf's law
RECENT_HOURS = 6
LATE_SHARE = 0.1
LATE_DAYS = 29  # with the recent hours within the longest window, 30 days

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
_CHUNK_EVENTS = 50_000
_BATCH_BYTES = 256 * 1024
_SEED = 20_260_301


class Sent(NamedTuple):
    """One event on its way to Kafka."""

    family: str
    customer_id: str
    value: bytes


def load(events: int, customers: int, now_ms: int) -> Iterator[list[Sent]]:
    """The events, in chunks: nine of ten happened in the last hours, in order; the tenth comes up to 29 days late."""
    random = np.random.default_rng(_SEED)
    ranks = np.cumsum(np.arange(1, customers + 1) ** -SKEW)
    kinds = np.repeat(np.arange(len(KINDS)), [kind[2] for kind in KINDS])
    for first in range(0, events, _CHUNK_EVENTS):
        numbers = np.arange(first, min(first + _CHUNK_EVENTS, events))
        count = len(numbers)
        age_ms = (events - numbers) / events * RECENT_HOURS * 3_600_000
        age_ms += (random.random(count) < LATE_SHARE) * random.random(count) * LATE_DAYS * 86_400_000
        moments = np.datetime_as_string((now_ms - age_ms).astype("datetime64[ms]"))
        yield [
            _event(*each)
            for each in zip(
                numbers.tolist(),
                np.searchsorted(ranks, random.random(count) * ranks[-1]).tolist(),
                random.choice(kinds, count).tolist(),
                moments.tolist(),
                random.choice(CHANNELS, count).tolist(),
                random.integers(BYTES.start, BYTES.stop, count).tolist(),
                strict=True,
            )
        ]


def _event(number: int, rank: int, kind: int, moment: str, channel: str, length: int) -> Sent:
    family, type_, _, own = KINDS[kind]
    customer_id = f"customer-{rank:07}"
    start = (
        f'{{"event_id":"{number:012x}","type":"{type_}","user_id":"{customer_id}","timestamp":"{moment}Z",'
        f'"channel":"{channel}",{own},"agent":"'
    )
    # The browser's name is no field of the contract: products send such things too, and it fills up the length.
    return Sent(family, customer_id, f'{start}{_AGENT[: length - len(start) - 2]}"}}'.encode())


async def preload(settings: Settings, events: int, customers: int, advance: Callable[[int], None]) -> Ends:
    """Send the load, every event to the partition of its customer; `advance` hears of the acknowledged."""
    producer = await start_producer(settings, max_batch_size=_BATCH_BYTES)
    shards: dict[str, int] = {}
    sent: dict[str, Counter[int]] = defaultdict(Counter)
    try:
        for chunk in load(events, customers, now_ms=int(time() * 1000)):
            queues: dict[tuple[str, int], list[Sent]] = defaultdict(list)
            for event in chunk:
                shard = shards.get(event.customer_id)
                if shard is None:
                    shard = shards[event.customer_id] = shard_of(event.customer_id, settings.partitions)
                queues[settings.topic_prefix + event.family, shard].append(event)
            answers = []
            for (topic, shard), queue in queues.items():
                sent[topic][shard] += len(queue)
                answers += [
                    await producer.send_batch(batch, topic, partition=shard) for batch in _batches(producer, queue)
                ]
            await asyncio.gather(*answers)
            advance(len(chunk))
    finally:
        await producer.stop()
    return {topic: dict(shards_sent) for topic, shards_sent in sent.items()}


def _batches(producer, queue: list[Sent]) -> Iterator[object]:  # type: ignore[no-untyped-def]
    batch = producer.create_batch()
    now_ms = int(time() * 1000)
    for event in queue:
        key = event.customer_id.encode()
        if batch.append(key=key, value=event.value, timestamp=now_ms) is None:  # full
            yield batch
            batch = producer.create_batch()
            batch.append(key=key, value=event.value, timestamp=now_ms)
    yield batch

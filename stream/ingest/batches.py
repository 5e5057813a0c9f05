"""Batches: many events become a few batches, each for one partition of one topic."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from time import time
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

Keyed = tuple[str, bytes | None, bytes]
"""Topic, the record's key, its value."""

Partitioner = Callable[[Sequence[bytes], int], list[int]]
"""Which of so many partitions each key belongs to: key by key, or, with numpy, of all at once."""


_NOTHING: tuple[None, list[int]] = None, []


class ProducerBatch(NamedTuple):
    """What goes to one partition together; its bytes are bounded by the producer's max_batch_size.

    numbers    of its events among those given, in their order
    """

    topic: str
    partition: int
    records: BatchBuilder
    numbers: list[int]


def batches(
    producer: AIOKafkaProducer, partitions: int, partitioner: Partitioner, events: Sequence[Keyed]
) -> Iterator[ProducerBatch]:
    """Every event once, those of a partition in their order: the full batches as they fill, then the others.

    An event without a key goes to any partition. The timestamp of all is the present moment.
    """
    now_ms = int(time() * 1000)
    filling: dict[tuple[str, int], tuple[BatchBuilder, list[int]]] = {}
    placed = zip(events, _partitions_of(events, partitions, partitioner), strict=True)
    for number, ((topic, key, value), partition) in enumerate(placed):
        place = topic, partition
        records, numbers = filling.get(place, _NOTHING)
        if records is None or records.append(timestamp=now_ms, key=key, value=value) is None:
            if records is not None:
                yield ProducerBatch(topic, partition, records, numbers)
            # The first record of a batch always has room, whatever its size.
            records, numbers = filling[place] = producer.create_batch(), []
            records.append(timestamp=now_ms, key=key, value=value)
        numbers.append(number)
    for (topic, partition), (records, numbers) in filling.items():
        records.close()  # or aiokafka would let it linger for more
        yield ProducerBatch(topic, partition, records, numbers)


def _partitions_of(events: Sequence[Keyed], partitions: int, partitioner: Partitioner) -> list[int]:
    chosen = partitioner([key or b"" for _, key, _ in events], partitions)
    for number, (_, key, _) in enumerate(events):
        if key is None:
            chosen[number] = random.randrange(partitions)
    return chosen

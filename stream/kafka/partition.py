"""Which shard owns a customer: Kafka's default partitioner (murmur2), by the bare customer id.

For many at once, where numpy may be imported: `partitions`.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.partitioner import murmur2

POSITIVE = 0x7FFFFFFF


def shard_of(customer_id: str, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner chooses for the id as key."""
    return shard_of_key(customer_id.encode(), partitions)


def shard_of_key(key: bytes, partitions: int) -> int:
    """The same for an id that is encoded already, as Kafka's record keys are."""
    return int((murmur2(key) & POSITIVE) % partitions)


def each_shard_of_keys(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Key by key: as fast as `partitions.shards_of_keys` for two or three of them."""
    return [shard_of_key(key, partitions) for key in keys]

"""Which shard owns a customer: Kafka's default partitioner, by the bare customer id."""

from __future__ import annotations

from aiokafka.partitioner import murmur2


def shard_of(customer_id: str, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner chooses for the id as key (murmur2)."""
    return int((murmur2(customer_id.encode()) & 0x7FFFFFFF) % partitions)

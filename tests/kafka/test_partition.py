"""Partitioning: the shard of many customers at once is the one that Kafka's own clients choose for each."""

from __future__ import annotations

import tracemalloc

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.partition import shard_of
from stream.kafka.partitions import shards_of

IDS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="a\0é€😀", min_size=1, max_size=10),
    st.builds(lambda letter, length: letter * length, st.sampled_from("xé€"), st.integers(1, 1024)),
)


def as_kafka_does(customer_id: str, partitions: int) -> int:
    every = list(range(partitions))
    return int(DefaultPartitioner()(customer_id.encode(), every, every))


@given(st.lists(IDS, max_size=30), st.integers(1, 1024))
def test_each_id_gets_the_partition_that_kafkas_default_partitioner_chooses(ids: list[str], partitions: int) -> None:
    expected = [as_kafka_does(customer_id, partitions) for customer_id in ids]
    assert shards_of(ids, partitions).tolist() == expected
    assert [shard_of(customer_id, partitions) for customer_id in ids] == expected


@pytest.mark.parametrize("length", range(1, 14))
def test_trailing_nuls_are_part_of_the_id(length: int) -> None:
    ids = ["ann" + "\0" * nuls for nuls in range(length)]
    assert shards_of(ids, 1024).tolist() == [as_kafka_does(customer_id, 1024) for customer_id in ids]


def test_one_long_id_among_thousands_costs_no_more_room_than_itself() -> None:
    ids = [f"customer-{number}" for number in range(10_000)] + ["x" * 100_000]
    tracemalloc.start()
    try:
        shards = shards_of(ids, 8)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5_000_000
    assert shards[-1] == shard_of(ids[-1], 8)

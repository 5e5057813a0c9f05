"""A batch: the waiting Kafka records of one topic-partition, as one unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class KafkaRecord(Protocol):
    """What is used of a record as aiokafka's parser makes it; `timestamp` is in milliseconds since the epoch, -1 or
    None where there is none, and the broker's where `timestamp_type` is 1 (else a producer's)."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int | None: ...
    @property
    def timestamp_type(self) -> int | None: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Batch(NamedTuple):
    """Records of one fetch. `start` is where the fetch began (not the first record's offset: offsets have
    legitimate gaps), `end` where the next one begins (beyond markers and aborted records, even where no record
    is left), `epoch` the partition's count of seeks."""

    topic: str
    shard: int
    start: int
    end: int
    epoch: int
    records: Sequence[KafkaRecord]

"""A batch: the waiting records of one topic-partition, as one unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class KafkaRecord(Protocol):
    """What is used of a record as aiokafka's parser makes it; `timestamp` is in milliseconds since the epoch."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Batch(NamedTuple):
    """Records of one fetch. `start` is where the fetch began (not the first record's offset: offsets have
    legitimate gaps), `end` the offset after the last record, `epoch` the partition's count of seeks."""

    topic: str
    shard: int
    start: int
    end: int
    epoch: int
    records: Sequence[KafkaRecord]

"""A Kafka record as a fetch brings it."""

from __future__ import annotations

from dataclasses import dataclass, field

NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@dataclass
class KafkaRecord:
    value: bytes | None
    offset: int = 0
    timestamp: int | None = NOW_MS
    timestamp_type: int | None = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = field(default=())

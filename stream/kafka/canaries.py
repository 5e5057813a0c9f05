"""Canaries: test events that go the way of all others, are counted as such, and left out of every indicator."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import msgspec

from stream.kafka.partition import shard_of


def customer_ids(partitions: int) -> list[str]:
    """For each shard the id of a customer that belongs to it."""
    found: dict[int, str] = {}
    numbers = count()
    while len(found) < partitions:
        customer_id = f"canary-{next(numbers)}"
        found.setdefault(shard_of(customer_id, partitions), customer_id)
    return [found[shard] for shard in range(partitions)]


def left_out(customer_id: str, epoch_seconds: float) -> bytes:
    """A login of that moment that counts in no indicator."""
    event = {
        "event_id": uuid4().hex,
        "type": "login",
        "user_id": customer_id,
        "timestamp": datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds"),
        "test": True,
    }
    return msgspec.json.encode(event)

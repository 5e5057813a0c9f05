"""The event_id of what has none of its own and came from a Kafka record: where it lay says it."""

from __future__ import annotations

from hashlib import blake2b

_LONGEST = 128  # characters of an event_id


def source_id(source: str) -> str:
    """Of topic/partition/offset; hashed where that is too long."""
    return source if len(source) <= _LONGEST else blake2b(source.encode(), digest_size=16).hexdigest()

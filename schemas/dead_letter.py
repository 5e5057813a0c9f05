"""Topic dead-letters: what Assidu itself says of a message that it refused."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from schemas.rejected import Reason


class DeadLetter(Struct, frozen=True):
    """A message was refused, for this reason.

    Its source (topic, partition, offset) identifies it: after a crash the same letter may come twice.
    """

    reason: Reason
    detail: Annotated[str, Meta(description="Which field or byte was wrong, and what was expected.")]
    topic: str
    partition: int
    offset: int
    timestamp_ms: Annotated[int | None, Meta(description="Of the Kafka record; null where it had none.")]
    value: Annotated[bytes | None, Meta(description="Of the Kafka record, in base64; null where it had none.")]
    value_bytes: Annotated[int | None, Meta(description="How long the record's value was.")]
    key_bytes: Annotated[int | None, Meta(description="How long the record's key was.")]
    truncated: Annotated[
        bool,
        Meta(description="The letter has only the beginning of value or key: Kafka takes no longer letter."),
    ]

    @property
    def source(self) -> str:
        """Topic, partition and offset of the record that was refused: "engagement.clicks/1/7"."""
        return f"{self.topic}/{self.partition}/{self.offset}"

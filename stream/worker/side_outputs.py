"""Side outputs: what a worker sends to Kafka. Dead letters and forwarded events, acknowledged before the commit that
skips them; and messages of churn risk."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.churn_risk import ChurnRisk
from schemas.dead_letter import DeadLetter
from schemas.rejected import Rejected
from stream.worker.delivery import MOST_BYTES, Delivery, Outgoing, Sender, record_bytes
from stream.worker.intake import FORWARDED, Intake, Misrouted, Refused

_KEY_BYTES = 1_024
_DETAIL_LETTERS = 1_000


class SideOutputs(Sender):
    """Its deliveries raise aiokafka.errors.KafkaError when Kafka is away, and UserError when it refuses."""

    def of_intake(self, intake: Intake) -> Delivery:
        """All that was refused or is another shard's; what its topic does not take is refused and counted."""
        letters = [letter(self._settings.dead_letters, refused) for refused in intake.refused]
        return Delivery(self, [*letters, *(self._forwarded(event, intake) for event in intake.misrouted)])

    def risk_messages(self, shard: int, messages: Sequence[bytes]) -> Delivery:
        """About the shard's customers."""
        return Delivery(self, [_risk_message(self._settings.churn_risk, shard, message) for message in messages])

    def _forwarded(self, event: Misrouted, intake: Intake) -> Outgoing:
        def refused(_: int) -> Outgoing:
            why = Rejected("misrouted", f"customer of shard {event.shard}, which does not take a record so long")
            counters = intake.counters[event.batch.shard]
            counters["misrouted"] -= 1
            counters[f"rejected:{event.batch.topic}:{why.reason}"] += 1
            return letter(self._settings.dead_letters, Refused(event.batch, event.record, why))

        return Outgoing(
            event.batch.topic,
            event.shard,
            event.record.value or b"",
            event.customer_id.encode(),
            event.record_ms,
            ((FORWARDED, b"1"),),
            refused,
        )


def letter(topic: str, refused: Refused, most_bytes: int = MOST_BYTES) -> Outgoing:
    """The dead letter of a Kafka record: with all of its value, or as much of it as fits into `most_bytes`."""
    batch, record, why = refused
    bare = DeadLetter(
        why.reason,
        why.detail[:_DETAIL_LETTERS],
        batch.topic,
        batch.shard,
        record.offset,
        record.timestamp,
        record.value and b"",
        None if record.value is None else len(record.value),
        None if record.key is None else len(record.key),
        False,
    )
    # A topic that is compacted takes no record without a key.
    key = record.key or bare.source.encode()
    short_key = key[:_KEY_BYTES]
    room = max(0, most_bytes - record_bytes(short_key, msgspec.json.encode(bare)))
    value = record.value and record.value[: room // 4 * 3]  # base64: four letters for three bytes
    cut = (value, short_key) != (record.value, key)
    return Outgoing(
        topic,
        batch.shard,
        msgspec.json.encode(msgspec.structs.replace(bare, value=value, truncated=cut)),
        short_key,
        shorter=lambda size: letter(topic, refused, size),
    )


def _risk_message(topic: str, shard: int, message: bytes) -> Outgoing:
    decoded = msgspec.json.decode(message, type=ChurnRisk)
    return Outgoing(topic, shard, message, (decoded.user_id or decoded.anonymous_id or "").encode())

"""Intake: from raw batches to events that belong here, with everything else named and set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas import Event, Rejected, decode
from stream.worker.batch import Batch, KafkaRecord

FORWARDED = "assidu-forwarded"
"""Header of a record that a worker has sent on to the partition of its customer."""

_AHEAD_MS = 5 * 60_000
_DAY_MS = 86_400_000


class Refused(NamedTuple):
    """A record for the dead-letter topic."""

    batch: Batch
    record: KafkaRecord
    why: Rejected


class Stray(NamedTuple):
    """A record of another shard's customer, to be forwarded."""

    topic: str
    shard: int
    customer_id: str
    record: KafkaRecord


class Arrived(NamedTuple):
    """An event of this shard and the hour (since the epoch) in which its record came."""

    event: Event
    hour: int


@dataclass
class Intake:
    """What became of the records of some batches."""

    arrived: dict[str, list[Arrived]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Gate:
    """What an event must satisfy besides its contract.

    shard, shard_of  this shard, and the shard of a customer id
    known            is this customer (of a product) in the hot cache, hence of this shard?
    oldest_days      how much older than its record an event may be; None: any age
    """

    families: Mapping[str, str]
    shard: int
    shard_of: Callable[[str], int]
    known: Callable[[Event], bool]
    oldest_days: int | None

    def pass_time(self, event: Event, record: KafkaRecord, now_ms: int) -> Rejected | None:
        moment = event.epoch_ms
        if moment > now_ms + _AHEAD_MS:
            return Rejected("in_future", "timestamp: more than 5 minutes later than the worker's clock")
        if self.oldest_days is not None and moment < record.timestamp - self.oldest_days * _DAY_MS:
            detail = f"timestamp: more than {self.oldest_days} days (ASSIDU_HORIZON_DAYS) before its record"
            return Rejected("too_old", detail)
        return None


def take_in(batches: Sequence[Batch], gate: Gate, now_ms: int) -> Intake:
    """Decode every record and sort out what is malformed, out of time or of another shard."""
    intake = Intake()
    for batch in batches:
        intake.counters[f"events:{batch.topic}"] += len(batch.records)
        arrived = intake.arrived.setdefault(batch.topic, [])
        family = gate.families[batch.topic]
        for record in batch.records:
            event = decode(record.value, family)
            if isinstance(event, Rejected):
                intake.refused.append(Refused(batch, record, event))
            elif flaw := gate.pass_time(event, record, now_ms):
                intake.refused.append(Refused(batch, record, flaw))
            elif gate.known(event) or gate.shard_of(event.customer_id) == gate.shard:
                arrived.append(Arrived(event, record.timestamp // 3_600_000))
            else:
                _send_home(intake, batch, record, event, gate)
    for refused in intake.refused:
        intake.counters[f"rejected:{refused.batch.topic}:{refused.why.reason}"] += 1
    return intake


def _send_home(intake: Intake, batch: Batch, record: KafkaRecord, event: Event, gate: Gate) -> None:
    home = gate.shard_of(event.customer_id)
    if any(name == FORWARDED for name, _ in record.headers):
        why = Rejected("misrouted", f"customer of shard {home}, still in shard {gate.shard} after forwarding")
        intake.refused.append(Refused(batch, record, why))
    else:
        intake.strays.append(Stray(batch.topic, home, event.customer_id, record))
        intake.counters["misrouted"] += 1

"""Intake: from raw batches to events that belong here, with everything else named and set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas import Event, Rejected, decode_all
from stream.core.ragged import Ints
from stream.store.keys import customer_keys
from stream.worker.batch import Batch, KafkaRecord

FORWARDED = "assidu-forwarded"
"""Header of a record that a worker has sent on to the partition of its customer."""

_LOG_APPEND_TIME = 1
_LEAST_MS = 10**12
"""September 2001: less is not a time of Kafka's in milliseconds."""
_AHEAD_MS = 5 * 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000


class Refused(NamedTuple):
    """A record for the dead-letter topic."""

    batch: Batch
    record: KafkaRecord
    why: Rejected


class Stray(NamedTuple):
    """A record of another shard's customer, to be forwarded; `record_ms` is when it came, as it counts."""

    batch: Batch
    shard: int
    customer_id: str
    record: KafkaRecord
    record_ms: int


class Arrived(NamedTuple):
    """Events of this shard, as columns: the event, its customer's key, its moment (milliseconds since the epoch),
    and the hour (since the epoch) in which its record came."""

    events: list[Event]
    keys: list[bytes]
    ms: Ints
    hours: Ints

    def those(self, which: NDArray[np.bool_]) -> Arrived:
        at = np.flatnonzero(which)
        numbers = at.tolist()
        return Arrived(
            [self.events[number] for number in numbers],
            [self.keys[number] for number in numbers],
            self.ms[at],
            self.hours[at],
        )


def together(parts: Iterable[Arrived]) -> Arrived:
    """All of them, one part after the other."""
    some = list(parts)
    nothing: Ints = np.empty(0, np.int64)
    return Arrived(
        [event for part in some for event in part.events],
        [key for part in some for key in part.keys],
        np.concatenate([nothing, *(part.ms for part in some)]),
        np.concatenate([nothing, *(part.hours for part in some)]),
    )


class Came(NamedTuple):
    """When records came, by a clock that can be trusted (milliseconds since the epoch).

    ms         the broker's, where the topic has LogAppendTime. Elsewhere records have a time that a producer gave:
               it stands if it can be; one that is absent, later than now or no milliseconds counts as now
    latest_ms  the latest moment of which they may tell: that one, or where a producer gave it, now
    """

    ms: Ints
    latest_ms: Ints


def came(records: Sequence[KafkaRecord], now_ms: int) -> Came:
    stamps = [record.timestamp for record in records]
    given: Ints = np.array([-1 if stamp is None else stamp for stamp in stamps], np.int64)
    by_broker = np.array([record.timestamp_type == _LOG_APPEND_TIME for record in records], np.bool_)
    ms = np.where(by_broker | ((given >= _LEAST_MS) & (given <= now_ms)), given, now_ms)
    return Came(ms, np.where(by_broker, ms, now_ms))


@dataclass
class Intake:
    """What became of the records of some batches; `arrived` by topic."""

    arrived: dict[str, Arrived] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Gate:
    """What an event must satisfy besides its contract.

    shard, shards_of  this shard, and the shards of customer ids
    unknown           places of the customer keys that are not in the hot cache: only cached ones are surely of
                      this shard
    oldest_days       how much older than its record an event may be; None: any age
    """

    families: Mapping[str, str]
    shard: int
    shards_of: Callable[[Sequence[str]], Ints]
    unknown: Callable[[Sequence[bytes]], list[int]]
    oldest_days: int | None

    def out_of_time(self, ms: Ints, came: Came) -> dict[int, Rejected]:
        """Place -> why, of the events that happened in the future or too long ago."""
        flaws: dict[int, Rejected] = {}
        if self.oldest_days is not None:
            detail = f"timestamp: more than {self.oldest_days} days (ASSIDU_HORIZON_DAYS) before its record"
            too_old = np.flatnonzero(ms < came.ms - self.oldest_days * _DAY_MS)
            flaws |= dict.fromkeys(too_old.tolist(), Rejected("too_old", detail))
        detail = "timestamp: more than 5 minutes later than its record came"
        in_future = np.flatnonzero(ms > came.latest_ms + _AHEAD_MS)
        return flaws | dict.fromkeys(in_future.tolist(), Rejected("in_future", detail))

    def elsewhere(self, events: Sequence[Event], keys: Sequence[bytes]) -> dict[int, int]:
        """Place -> shard, of the events of other shards' customers."""
        unknown = self.unknown(keys)
        shards = self.shards_of([events[place].customer_id for place in unknown])
        return {unknown[at]: int(shards[at]) for at in np.flatnonzero(shards != self.shard).tolist()}


def take_in(batches: Sequence[Batch], gate: Gate, now_ms: int) -> Intake:
    """Decode every record and sort out what is malformed, out of time or of another shard."""
    intake = Intake()
    arrived: dict[str, list[Arrived]] = {}
    for batch in batches:
        intake.counters[f"events:{batch.topic}"] += len(batch.records)
        arrived.setdefault(batch.topic, []).append(_take_in(batch, gate, now_ms, intake))
    intake.arrived = {topic: together(parts) for topic, parts in arrived.items()}
    for refused in intake.refused:
        intake.counters[f"rejected:{refused.batch.topic}:{refused.why.reason}"] += 1
    return intake


def _take_in(batch: Batch, gate: Gate, now_ms: int, intake: Intake) -> Arrived:
    events, records = _decoded(batch, gate.families[batch.topic], intake)
    keys = customer_keys(events)
    ms = np.array([event.epoch_ms for event in events], np.int64)
    times = came(records, now_ms)
    arrived = Arrived(events, keys, ms, times.ms // _HOUR_MS)
    flaws = gate.out_of_time(ms, times)
    homes = gate.elsewhere(events, keys)
    if not flaws and not homes:
        return arrived
    for place, why in flaws.items():
        intake.refused.append(Refused(batch, records[place], why))
    for place, home in homes.items():
        if place not in flaws:
            stray = Stray(batch, home, events[place].customer_id, records[place], int(times.ms[place]))
            _send_home(intake, stray, gate.shard)
    here = np.ones(len(events), np.bool_)
    here[[*flaws, *homes]] = False
    return arrived.those(here)


def _decoded(batch: Batch, family: str, intake: Intake) -> tuple[list[Event], Sequence[KafkaRecord]]:
    """The events and their records; what is none is set aside."""
    outcomes = decode_all([record.value for record in batch.records], family)
    if Rejected not in set(map(type, outcomes)):
        return outcomes, batch.records  # type: ignore[return-value]
    events: list[Event] = []
    records: list[KafkaRecord] = []
    for outcome, record in zip(outcomes, batch.records, strict=True):
        if isinstance(outcome, Rejected):
            intake.refused.append(Refused(batch, record, outcome))
        else:
            events.append(outcome)
            records.append(record)
    return events, records


def _send_home(intake: Intake, stray: Stray, shard: int) -> None:
    if any(name == FORWARDED for name, _ in stray.record.headers):
        why = Rejected("misrouted", f"customer of shard {stray.shard}, still in shard {shard} after forwarding")
        intake.refused.append(Refused(stray.batch, stray.record, why))
    else:
        intake.strays.append(stray)
        intake.counters["misrouted"] += 1

"""Intake: from raw batches to events that belong here, with everything else named and rejected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas import Event, Rejected, decode_all
from stream.core.ragged import Ints, places
from stream.core.time import AHEAD, DAY_MS, HOUR_MS, MINUTE_MS
from stream.kafka.batch import Batch, KafkaRecord
from stream.store.keys import customer_keys
from stream.worker.repeats import Hashes

FORWARDED = "assidu-forwarded"
"""Header of a Kafka record that a worker has sent on to the partition of its customer."""

_LOG_APPEND_TIME = 1
_LEAST_MS = 10**12
"""September 2001: less is not a time of Kafka's in milliseconds."""
_AHEAD_MS = AHEAD * MINUTE_MS


class Cached(Protocol):
    """What is asked of a shard's hot cache."""

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """The places of the customer keys of which there is no record."""


class Refused(NamedTuple):
    """A Kafka record for the dead-letter topic."""

    batch: Batch
    record: KafkaRecord
    why: Rejected


class Misrouted(NamedTuple):
    """A Kafka record of another shard's customer, to be forwarded; `record_ms` is when it came, as it counts."""

    batch: Batch
    shard: int
    customer_id: str
    record: KafkaRecord
    record_ms: int


class Arrived(NamedTuple):
    """Events that belong here, as columns: the event, its customer's key, its moment (milliseconds since the epoch),
    the hour (since the epoch) in which its Kafka record came, which of the `parts` it is of, and the hash of its id,
    which is 0 until repeats are dropped.

    parts   (shard, topic), each once; the events of a part stand together, in the order of the parts
    """

    events: list[Event]
    keys: list[bytes]
    ms: Ints
    hours: Ints
    part: Ints
    ids: Hashes
    parts: list[tuple[int, str]]

    @property
    def shard(self) -> Ints:
        return np.array([shard for shard, _ in self.parts], np.int64)[self.part]

    def by_part(self) -> Iterator[tuple[int, str, slice]]:
        """(shard, topic, where its events stand) of each part."""
        edges = np.searchsorted(self.part, np.arange(len(self.parts) + 1)).tolist()
        for (shard, topic), first, end in zip(self.parts, edges, edges[1:], strict=False):
            yield shard, topic, slice(first, end)

    def those(self, which: NDArray[np.bool_]) -> Arrived:
        return self.in_order(np.flatnonzero(which))

    def in_order(self, at: Ints) -> Arrived:
        """Those with these numbers, in this order."""
        numbers = at.tolist()
        return Arrived(
            [self.events[number] for number in numbers],
            [self.keys[number] for number in numbers],
            self.ms[at],
            self.hours[at],
            self.part[at],
            self.ids[at],
            self.parts,
        )


def together(several: Iterable[Arrived]) -> Arrived:
    """All of them, one after the other; no part is in two of them."""
    some = list(several)
    nothing: Ints = np.empty(0, np.int64)
    firsts = accumulate((len(each.parts) for each in some), initial=0)
    return Arrived(
        [event for each in some for event in each.events],
        [key for each in some for key in each.keys],
        np.concatenate([nothing, *(each.ms for each in some)]),
        np.concatenate([nothing, *(each.hours for each in some)]),
        np.concatenate([nothing, *(each.part + first for each, first in zip(some, firsts, strict=False))]),
        np.concatenate([nothing.astype(np.uint64), *(each.ids for each in some)]),
        [part for each in some for part in each.parts],
    )


class Came(NamedTuple):
    """When Kafka records came, by a clock that can be trusted (milliseconds since the epoch).

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
    """What became of the Kafka records of some batches; `counters` by shard."""

    arrived: Arrived = field(default_factory=lambda: together(()))
    refused: list[Refused] = field(default_factory=list)
    misrouted: list[Misrouted] = field(default_factory=list)
    counters: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass(frozen=True)
class Admission:
    """What an event must satisfy besides its contract.

    shards_of     the shards of customer ids
    oldest_days   how much older than its record an event may be; None: any age
    """

    shards_of: Callable[[Sequence[str]], Ints]
    oldest_days: int | None

    def out_of_time(self, ms: Ints, came: Came) -> dict[int, Rejected]:
        """Place -> why, of the events that happened in the future or too long ago."""
        flaws: dict[int, Rejected] = {}
        if self.oldest_days is not None:
            detail = f"timestamp: more than {self.oldest_days} days (ASSIDU_HORIZON_DAYS) before its record"
            too_old = np.flatnonzero(ms < came.ms - self.oldest_days * DAY_MS)
            flaws |= dict.fromkeys(too_old.tolist(), Rejected("too_old", detail))
        detail = "timestamp: more than 5 minutes later than its record came"
        in_future = np.flatnonzero(ms > came.latest_ms + _AHEAD_MS)
        return flaws | dict.fromkeys(in_future.tolist(), Rejected("in_future", detail))

    def elsewhere(self, arrived: Arrived, cached: Mapping[int, Cached]) -> dict[int, int]:
        """Place -> shard, of the events of other shards' customers; whose record is cached is of this one."""
        unknown: list[int] = []
        for shard, _, part in arrived.by_part():
            unknown += [part.start + place for place in cached[shard].missing(arrived.keys[part])]
        shards = self.shards_of([arrived.events[place].customer_id for place in unknown])
        wrong = np.flatnonzero(shards != arrived.shard[unknown])
        return {unknown[at]: int(shards[at]) for at in wrong.tolist()}


class Decoded(NamedTuple):
    """Of batches of one topic, in the order of their shards: the events, their Kafka records and which of the batches
    each is of; and the records that are no events."""

    batches: Sequence[Batch]
    events: list[Event]
    records: Sequence[KafkaRecord]
    source: Ints
    refused: list[Refused]


def decode(batches: Iterable[Batch], families: Mapping[str, str]) -> list[Decoded]:
    """Every Kafka record, by topic; `families` are those of the topics' events."""
    by_topic: dict[str, list[Batch]] = {}
    for batch in sorted(batches, key=attrgetter("shard")):
        by_topic.setdefault(batch.topic, []).append(batch)
    return [_decoded(some, families[topic]) for topic, some in by_topic.items()]


def admit(several: Sequence[Decoded], admission: Admission, cached: Mapping[int, Cached], now_ms: int) -> Intake:
    """Sort out what is malformed, out of time or of another shard."""
    intake = Intake()
    for decoded in several:
        intake.refused += decoded.refused
        for batch in decoded.batches:
            intake.counters[batch.shard][f"events:{batch.topic}"] += len(batch.records)
    intake.arrived = together([_admitted(decoded, admission, cached, now_ms, intake) for decoded in several])
    for refused in intake.refused:
        intake.counters[refused.batch.shard][f"rejected:{refused.batch.topic}:{refused.why.reason}"] += 1
    return intake


def _admitted(
    decoded: Decoded, admission: Admission, cached: Mapping[int, Cached], now_ms: int, intake: Intake
) -> Arrived:
    batches, events, records, source, _ = decoded
    topic = batches[0].topic
    ms = np.array([event.epoch_ms for event in events], np.int64)
    times = came(records, now_ms)
    shards, part = places(np.array([batch.shard for batch in batches], np.int64))
    parts = [(shard, topic) for shard in shards.tolist()]
    hours, ids = times.ms // HOUR_MS, np.zeros(len(events), np.uint64)
    arrived = Arrived(events, customer_keys(events), ms, hours, part[source], ids, parts)
    flaws = admission.out_of_time(ms, times)
    elsewhere = admission.elsewhere(arrived, cached)
    if not flaws and not elsewhere:
        return arrived
    for place, why in flaws.items():
        intake.refused.append(Refused(batches[source[place]], records[place], why))
    for place, owner in elsewhere.items():
        if place not in flaws:
            batch, record, id_ = batches[source[place]], records[place], events[place].customer_id
            _forward(intake, Misrouted(batch, owner, id_, record, int(times.ms[place])))
    here = np.ones(len(events), np.bool_)
    here[[*flaws, *elsewhere]] = False
    return arrived.those(here)


def _decoded(batches: Sequence[Batch], family: str) -> Decoded:
    records = [record for batch in batches for record in batch.records]
    source = np.repeat(np.arange(len(batches)), [len(batch.records) for batch in batches])
    outcomes = decode_all([record.value for record in records], family)
    if Rejected not in set(map(type, outcomes)):
        return Decoded(batches, outcomes, records, source, [])  # type: ignore[arg-type]
    good: list[int] = []
    refused: list[Refused] = []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Rejected):
            refused.append(Refused(batches[source[place]], records[place], outcome))
        else:
            good.append(place)
    events: list[Event] = [outcomes[place] for place in good]  # type: ignore[misc]
    return Decoded(batches, events, [records[place] for place in good], source[good], refused)


def _forward(intake: Intake, event: Misrouted) -> None:
    here = event.batch.shard
    if any(name == FORWARDED for name, _ in event.record.headers):
        why = Rejected("misrouted", f"customer of shard {event.shard}, still in shard {here} after forwarding")
        intake.refused.append(Refused(event.batch, event.record, why))
    else:
        intake.misrouted.append(event)
        intake.counters[here]["misrouted"] += 1

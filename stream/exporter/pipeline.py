"""What of the pipeline lives in Redis: totals, lag, watermarks, and how old all of it is by now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from time import monotonic

from prometheus_client import Metric

from stream.exporter.exposition import family
from stream.runtime.pipeline_metrics import (
    DATA_AGE,
    EVENTS,
    LABEL_OVERFLOW,
    LAG,
    LEFT_OUT,
    MISROUTED,
    REJECTED,
    REPEATS,
    RISK_MESSAGES,
    WATERMARK,
)
from stream.store.heartbeats import Heartbeat
from stream.store.replica import ShardState

_COUNTERS = {
    "events": EVENTS,
    "rejected": REJECTED,
    "repeats": REPEATS,
    "misrouted": MISROUTED,
    "left_out": LEFT_OUT,
    "risk_messages": RISK_MESSAGES,
    "label_overflow": LABEL_OVERFLOW,
}
"""The counters of a shard's state, by their names there; label values follow after colons."""


class Pipeline:
    """What the owners of the shards left in Redis when it was last read; it grows older until it is read again."""

    def __init__(self, partitions: int, topics: Sequence[str]) -> None:
        self._topics = topics
        self._partitions = partitions
        self._states: dict[int, ShardState] = {}
        self._heartbeats: Mapping[int, Heartbeat] = {}
        self._now_ms: int | None = None
        self._seen_at = 0.0

    def see(self, states: Mapping[int, ShardState], heartbeats: Mapping[int, Heartbeat], now_ms: int) -> None:
        """Take all as it was at the moment `now_ms` of Redis's clock."""
        self._states, self._heartbeats = dict(states), heartbeats
        self._now_ms, self._seen_at = now_ms, monotonic()

    @property
    def age_seconds(self) -> float:
        """How old the data are now, also while Redis is away; infinite while a shard was never owned."""
        if self._now_ms is None:
            return inf
        now_ms = self._now_ms + int((monotonic() - self._seen_at) * 1000)
        return max(_age_seconds(self._heartbeats.get(shard), now_ms) for shard in range(self._partitions))

    def families(self) -> Iterator[Metric]:
        """Nothing before the first reading of Redis."""
        if self._now_ms is None:
            return
        yield from _totals(self._states)
        yield from _shards(self._states, self._heartbeats, self._topics)
        yield family(DATA_AGE, [((), self.age_seconds)])


def _shards(
    states: Mapping[int, ShardState], heartbeats: Mapping[int, Heartbeat], topics: Sequence[str]
) -> Iterator[Metric]:
    yield family(
        LAG,
        [
            ((topic, str(shard)), heartbeat.lag.get(topic, 0))
            for shard, heartbeat in heartbeats.items()
            for topic in topics
        ],
    )
    newest = {shard: state.newest_ms for shard, state in states.items() if state.newest_ms is not None}
    yield family(WATERMARK, [((str(shard),), ms / 1000) for shard, ms in newest.items()])


def _age_seconds(heartbeat: Heartbeat | None, now_ms: int) -> float:
    if heartbeat is None:
        return inf
    return max(0, now_ms - min(heartbeat.ms, heartbeat.waiting_since_ms or heartbeat.ms)) / 1000


def _totals(states: Mapping[int, ShardState]) -> Iterator[Metric]:
    totals: dict[str, int] = defaultdict(int)
    for state in states.values():
        for name, n in state.counters.items():
            totals[name] += n
    for kind, metric in _COUNTERS.items():
        if metric.labels:
            counters = [name for name in totals if name.startswith(kind + ":")]
            labels = len(metric.labels)
            yield family(metric, [(name.split(":", labels)[1:], totals[name]) for name in counters])
        else:
            yield family(metric, [((), totals.get(kind, 0))])

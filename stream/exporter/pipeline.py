"""The `assidu_*` that live in Redis: totals, lag, watermarks, and how old all of it is by now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from time import monotonic

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from stream.store.heartbeats import Heartbeat
from stream.store.replica import ShardState

_COUNTERS = {
    "events": ("assidu_events", "Records taken from the topic and committed, whatever became of them.", ["topic"]),
    "rejected": ("assidu_rejected", "Records sent to the dead letters.", ["topic", "reason"]),
    "repeats": ("assidu_repeats", "Events whose id was seen before within the repeat window.", []),
    "misrouted": ("assidu_misrouted", "Events forwarded to the partition of their customer.", []),
    "left_out": ("assidu_left_out", "Events of bots and tests, counted and left out.", ["why"]),
    "risk_messages": ("assidu_risk_messages", "Messages about customers who crossed a level of churn risk.", []),
    "label_overflow": ("assidu_label_overflow", "Events whose label value was folded into `other`.", ["label"]),
}


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
        yield GaugeMetricFamily(
            "assidu_data_age_seconds",
            "How old the data are: without lag the time since the owner's last sign of life, else since everything "
            "that Kafka had was last seen committed; the worst shard. Quiet is not stale.",
            value=self.age_seconds,
        )


def _shards(
    states: Mapping[int, ShardState], heartbeats: Mapping[int, Heartbeat], topics: Sequence[str]
) -> Iterator[Metric]:
    lag = GaugeMetricFamily("assidu_lag_events", "Records not yet committed.", labels=["topic", "shard"])
    watermark = GaugeMetricFamily(
        "assidu_watermark_timestamp_seconds",
        "The newest event of the shard, seconds since the epoch.",
        labels=["shard"],
    )
    for shard, heartbeat in heartbeats.items():
        for topic in topics:
            lag.add_metric([topic, str(shard)], heartbeat.lag.get(topic, 0))
    for shard, state in states.items():
        if state.newest_ms is not None:
            watermark.add_metric([str(shard)], state.newest_ms / 1000)
    yield from (lag, watermark)


def _age_seconds(heartbeat: Heartbeat | None, now_ms: int) -> float:
    if heartbeat is None:
        return inf
    return max(0, now_ms - min(heartbeat.ms, heartbeat.waiting_since_ms or heartbeat.ms)) / 1000


def _totals(states: Mapping[int, ShardState]) -> Iterator[Metric]:
    totals: dict[str, int] = defaultdict(int)
    for state in states.values():
        for name, n in state.counters.items():
            totals[name] += n
    for kind, (name, help_, labels) in _COUNTERS.items():
        family = CounterMetricFamily(name, help_, labels=labels)
        if not labels:
            family.add_metric([], totals.get(kind, 0))
        for counter, n in totals.items():
            if labels and counter.startswith(kind + ":"):
                family.add_metric(counter.split(":", len(labels))[1:], n)
        yield family

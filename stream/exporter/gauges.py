"""From samples and shard states to Prometheus: every `engagement_*`, and the `assidu_*` that live in Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import inf

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream.exporter.samples import Sample
from stream.store.replica import ShardState


def render(families: Iterable[Metric]) -> bytes:
    """The text that Prometheus scrapes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(list(families)))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def engagement(found: Iterable[Sample]) -> Iterator[Metric]:
    """One gauge family an indicator; what is undefined is absent."""
    families: dict[str, GaugeMetricFamily] = {}
    for sample in found:
        metric = sample.metric
        family = families.get(metric.name)
        if family is None:
            family = families[metric.name] = GaugeMetricFamily(metric.name, metric.help, labels=list(sample.labels))
        if sample.value is not None:
            family.add_metric(list(sample.labels.values()), sample.value)
    yield from families.values()


_COUNTERS = {
    "events": ("assidu_events", "Records taken from the topic and committed, whatever became of them.", ["topic"]),
    "rejected": ("assidu_rejected", "Records sent to the dead letters.", ["topic", "reason"]),
    "repeats": ("assidu_repeats", "Events whose id was seen before within the repeat window.", []),
    "misrouted": ("assidu_misrouted", "Events forwarded to the partition of their customer.", []),
    "left_out": ("assidu_left_out", "Events of bots and tests, counted and left out.", ["why"]),
    "label_overflow": ("assidu_label_overflow", "Events whose label value was folded into `other`.", ["label"]),
}


def pipeline(
    states: Mapping[int, ShardState], now_ms: int, partitions: int, repeat_window_seconds: int
) -> Iterator[Metric]:
    """Totals, lag, watermarks and the age of the data, from what the owners left in Redis."""
    yield from _totals(states)
    lag = GaugeMetricFamily("assidu_lag_events", "Records not yet committed.", labels=["topic", "shard"])
    watermark = GaugeMetricFamily(
        "assidu_watermark_timestamp_seconds",
        "The newest event of the shard, seconds since the epoch.",
        labels=["shard"],
    )
    for shard, state in states.items():
        for topic, events in state.lag.items():
            lag.add_metric([topic, str(shard)], events)
        if state.newest_ms is not None:
            watermark.add_metric([str(shard)], state.newest_ms / 1000)
    yield from (lag, watermark)
    yield GaugeMetricFamily(
        "assidu_data_age_seconds",
        "How old the data are: without lag the time since the owner's last sign of life, else the age of the oldest "
        "uncommitted record; the worst shard. Quiet is not stale.",
        value=data_age_seconds(states, now_ms, partitions),
    )
    yield GaugeMetricFamily(
        "assidu_repeat_window_seconds", "How long event ids are remembered.", value=repeat_window_seconds
    )


def data_age_seconds(states: Mapping[int, ShardState], now_ms: int, partitions: int) -> float:
    """Infinite while a shard was never owned."""
    return max(_age_seconds(states.get(shard, ShardState()), now_ms) for shard in range(partitions))


def _age_seconds(state: ShardState, now_ms: int) -> float:
    if state.heartbeat_ms is None:
        return inf
    age_ms = now_ms - state.heartbeat_ms
    if any(state.lag.values()) and state.oldest_ms:
        age_ms = max(age_ms, now_ms - state.oldest_ms)
    return max(0, age_ms) / 1000


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

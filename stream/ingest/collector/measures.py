"""What a collector shows of itself, by the names of pipeline_metrics.py."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from stream.ingest.protocols.protocol import Outcome
from stream.runtime import pipeline_metrics
from stream.runtime.pipeline_metrics import PipelineMetric

_CANARY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOWER_THAN_ALL_SECONDS = 30.0
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Measures:
    """Of one collector. `protocol` is None where it was not known before the request was refused."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter(pipeline_metrics.REQUESTS)
        self._accepted = self._counter(pipeline_metrics.ACCEPTED)
        self._problems = self._counter(pipeline_metrics.PROBLEMS)
        self._left_out = self._counter(pipeline_metrics.COLLECTOR_LEFT_OUT)
        self._bots = self._counter(pipeline_metrics.BOTS)
        seconds = pipeline_metrics.REQUEST_SECONDS
        self._seconds = Histogram(seconds.name, seconds.help, registry=self._registry, buckets=_BUCKETS)
        canary = pipeline_metrics.COLLECTOR_CANARY
        self._canary = Histogram(canary.name, canary.help, registry=self._registry, buckets=_CANARY_BUCKETS)
        self.in_flight_bytes = self._gauge(pipeline_metrics.IN_FLIGHT)
        self.spool_bytes = self._gauge(pipeline_metrics.SPOOL_BYTES)
        self.spool_age_seconds = self._gauge(pipeline_metrics.SPOOL_AGE)
        self.spool_limit_bytes = self._gauge(pipeline_metrics.SPOOL_LIMIT)

    def answered(self, protocol: str | None, status: int, seconds: float) -> None:
        self._requests.labels(protocol or "none", str(status)).inc()
        self._seconds.observe(seconds)

    def refused(self, protocol: str, outcome: Outcome) -> None:
        """What of a request that is answered by 200 is not among the events."""
        for problem in outcome.problems:
            self._problems.labels(protocol, problem.reason).inc()
        for why, events in outcome.left_out.items():
            self._left_out.labels(protocol, why).inc(events)

    def accepted(self, protocol: str, safe_in: str, events: int, bot: bool) -> None:
        self._accepted.labels(protocol, safe_in).inc(events)
        if bot:
            self._bots.inc(events)

    def canary(self, seconds: float | None) -> None:
        """None: it did not come through."""
        self._canary.observe(_SLOWER_THAN_ALL_SECONDS if seconds is None else seconds)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)

    def _counter(self, metric: PipelineMetric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)

    def _gauge(self, metric: PipelineMetric) -> Gauge:
        return Gauge(metric.name, metric.help, registry=self._registry)

"""What a worker shows of itself, in its own process; by the names of pipeline_metrics.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Literal, TypeVar, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from stream.runtime import pipeline_metrics
from stream.runtime.pipeline_metrics import PipelineMetric

REGISTRY = CollectorRegistry()

Measure = TypeVar("Measure", Counter, Gauge, Summary)


def _registered(kind: type[Measure], metric: PipelineMetric) -> Measure:
    return kind(metric.name, metric.help, metric.labels, registry=REGISTRY)


def _histogram(metric: PipelineMetric, *buckets: float) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, registry=REGISTRY, buckets=buckets)


COMMIT_SECONDS = _histogram(
    pipeline_metrics.COMMIT_SECONDS, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30
)
BATCH_EVENTS = _histogram(pipeline_metrics.BATCH_EVENTS, 1, 10, 100, 500, 1000, 2500, 5000, 10_000, 20_000, 40_000)
STAGE_SECONDS = _registered(Summary, pipeline_metrics.STAGE_SECONDS)
COMMITS_REFUSED = _registered(Counter, pipeline_metrics.COMMITS_REFUSED)
SHARDS_OWNED = _registered(Gauge, pipeline_metrics.SHARDS_OWNED)
RISK_HELD_BACK_SECONDS = _registered(Gauge, pipeline_metrics.RISK_HELD_BACK)
RISK_MESSAGES_WAITING = _registered(Gauge, pipeline_metrics.RISK_MESSAGES_WAITING)

Stage = Literal["fetch", "decode", "admit", "dedupe", "load", "fold", "commit", "remember"]
STAGES: tuple[Stage, ...] = get_args(Stage)
_SECONDS_OF = {stage: STAGE_SECONDS.labels(stage) for stage in STAGES}


@contextmanager
def timed(stage: Stage) -> Iterator[None]:
    """Whatever becomes of it."""
    began = monotonic()
    try:
        yield
    finally:
        spent(stage, monotonic() - began)


def spent(stage: Stage, seconds: float) -> None:
    _SECONDS_OF[stage].observe(seconds)


def forget_shard(number: int) -> None:
    """Another worker shows the shard from now on."""
    for gauge in (RISK_HELD_BACK_SECONDS, RISK_MESSAGES_WAITING):
        gauge.remove(str(number))

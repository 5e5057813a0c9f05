"""What a worker tells of itself: every `assidu_*` series that lives in its process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

COMMIT_SECONDS = Histogram(
    "assidu_commit_seconds",
    "Time of one commit of a shard to Redis, in one round trip with those of others, retries included.",
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH_EVENTS = Histogram(
    "assidu_batch_events",
    "Kafka records folded in one commit.",
    registry=REGISTRY,
    buckets=(1, 10, 100, 500, 1000, 2500, 5000, 10_000, 20_000, 40_000),
)
COMMITS_REFUSED = Counter(
    "assidu_commits_refused_total",
    "Commits that Redis refused because another worker owns the shard, or because Redis went back in time.",
    registry=REGISTRY,
)
SHARDS_OWNED = Gauge("assidu_shards_owned", "Shards that this worker has claimed.", registry=REGISTRY)
RISK_HELD_BACK_SECONDS = Gauge(
    "assidu_risk_held_back_seconds",
    "For how long customers who may have crossed a level of churn risk have not been looked at, because the shard is "
    "behind or Kafka takes no messages.",
    ["shard"],
    registry=REGISTRY,
)
RISK_MESSAGES_WAITING = Gauge(
    "assidu_risk_messages_waiting",
    "Messages of churn risk that Kafka has not acknowledged yet.",
    ["shard"],
    registry=REGISTRY,
)


def forget_shard(number: int) -> None:
    """Another worker tells of the shard from now on."""
    for gauge in (RISK_HELD_BACK_SECONDS, RISK_MESSAGES_WAITING):
        gauge.remove(str(number))

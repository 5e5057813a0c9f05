"""The pipeline's own figures and alerts, from Kafka to the gauges: what is drawn, and when somebody is told."""

from __future__ import annotations

from stream.render.collector import COLLECTOR_ALERTS
from stream.render.figure import Figure, PipelineAlert
from stream.runtime.pipeline_metrics import (
    BATCH_EVENTS,
    COMMIT_SECONDS,
    COMMITS_REFUSED,
    DATA_AGE,
    EVENT_TO_GAUGE,
    EVENTS,
    LABEL_OVERFLOW,
    LAG,
    LEFT_OUT,
    REDIS_UNSAFE,
    REJECTED,
    REPEATS,
    RISK_HELD_BACK,
    RISK_MESSAGES_WAITING,
    SHARDS_OWNED,
    STAGE_SECONDS,
    WATERMARK,
)

EXPORTER_JOB = "assidu-exporter"
WORKER_JOB = "assidu-worker"
EVENT_TO_GAUGE_SECONDS = 2


def figures(stale_seconds: float) -> tuple[Figure, ...]:
    """The panels of the pipeline; data are bad once they are as old as that."""
    age = Figure(
        "Age of the data",
        "The worst shard: without lag, time since its owner's last sign of life, else age of the oldest Kafka record "
        "not yet committed.",
        f"max({DATA_AGE})",
        "s",
        "age",
        stale_seconds,
    )
    return (age, *_FIGURES)


_FIGURES = (
    Figure(
        "Kafka records per second",
        "Taken from Kafka and committed.",
        f"max by (topic) (rate({EVENTS}[$__rate_interval]))",
        "ops",
        "{{topic}}",
    ),
    Figure(
        "Event to gauge, 99th percentile",
        "From the timestamp of a canary, a test event that every exporter sends now and then, to the refresh that "
        "shows it (ASSIDU_CANARY_SECONDS).",
        f"histogram_quantile(0.99, sum by (le) (rate({EVENT_TO_GAUGE.bucket}[5m])))",
        "s",
        "99 %",
        EVENT_TO_GAUGE_SECONDS,
    ),
    Figure(
        "Lag",
        "Kafka records not yet committed.",
        f"sum by (topic) (max by (topic, shard) ({LAG}))",
        "short",
        "{{topic}}",
    ),
    Figure(
        "Rejected per second",
        "Kafka records sent to the dead letters, by reason.",
        f"sum by (reason) (max by (topic, reason) (rate({REJECTED}[$__rate_interval])))",
        "ops",
        "{{reason}}",
    ),
    Figure(
        "Repeats per second",
        "Events whose id was seen before.",
        f"max(rate({REPEATS}[$__rate_interval]))",
        "ops",
        "repeats",
    ),
    Figure(
        "Left out per second",
        "Events of bots and tests.",
        f"max by (why) (rate({LEFT_OUT}[$__rate_interval]))",
        "ops",
        "{{why}}",
    ),
    Figure(
        "Values folded into `other`, last hour",
        "Events whose label value came after the limit (ASSIDU_LABEL_LIMIT; ASSIDU_PRODUCT_LIMIT of products).",
        f"max by (label) (increase({LABEL_OVERFLOW}[1h]))",
        "short",
        "{{label}}",
    ),
    Figure(
        "Behind the present",
        "Now minus the newest event of each shard.",
        f"time() - max by (shard) ({WATERMARK})",
        "s",
        "shard {{shard}}",
    ),
    Figure(
        "Time of a commit, 99th percentile",
        "Of one commit to Redis, retries included.",
        f"histogram_quantile(0.99, sum by (le) (rate({COMMIT_SECONDS.bucket}[$__rate_interval])))",
        "s",
        "99 %",
    ),
    Figure(
        "Where a pass spends its time",
        "Seconds per second, by stage, over all workers; waiting for Kafka and Redis included. Fetch: how long what "
        "was fetched waited for its pass.",
        f"sum by (stage) (rate({STAGE_SECONDS.sum}[$__rate_interval]))",
        "s",
        "{{stage}}",
    ),
    Figure(
        "Kafka records per commit",
        "Mean over all workers.",
        f"sum(rate({BATCH_EVENTS.sum}[$__rate_interval])) / sum(rate({BATCH_EVENTS.count}[$__rate_interval]))",
        "short",
        "mean",
    ),
    Figure("Shards owned", "By each worker.", f"max by (instance) ({SHARDS_OWNED})", "short", "{{instance}}"),
    Figure(
        "Churn-risk messages held back",
        "For how long customers who may have crossed a level have not been looked at: the shard is behind, or Kafka "
        "takes no messages.",
        f"max by (shard) ({RISK_HELD_BACK})",
        "s",
        "shard {{shard}}",
    ),
    Figure(
        "Churn-risk messages waiting",
        "Written down, and not yet acknowledged by Kafka.",
        f"sum(max by (shard) ({RISK_MESSAGES_WAITING}))",
        "short",
        "waiting",
    ),
    Figure(
        "Commits refused, last hour",
        "Another worker owned the shard, or Redis had gone back in time.",
        f"sum(increase({COMMITS_REFUSED}[1h]))",
        "short",
        "refused",
    ),
)


def alerts(stale_seconds: float) -> tuple[PipelineAlert, ...]:
    """What on-call people are told of the pipeline; data older than that are stale."""
    stale = PipelineAlert(
        "AssiduDataStale",
        "The numbers are old",
        "The oldest shard is {{ $value | humanizeDuration }} behind: look at the workers, at Kafka and at Redis.",
        f"max({DATA_AGE}) > {stale_seconds:g}",
        "1m",
        "critical",
        silences_business=True,
        # The numbers come right at once; alerts about them may need an evaluation or two to end.
        keep_firing_for="5m",
    )
    return (stale, *_ALERTS, *COLLECTOR_ALERTS)


_ALERTS = (
    PipelineAlert(
        "AssiduExporterDown",
        "No exporter answers",
        "Every indicator is missing: look at the exporters' logs, and at Redis.",
        f'absent(up{{job="{EXPORTER_JOB}"}} == 1)',
        "1m",
        "critical",
        silences_business=True,
    ),
    PipelineAlert(
        "AssiduWorkerDown",
        "No worker answers",
        "Events wait in Kafka; nothing is lost. Look at the workers' logs, at Kafka and at Redis.",
        f'absent(up{{job="{WORKER_JOB}"}} == 1)',
        "2m",
        "critical",
        silences_business=True,
    ),
    PipelineAlert(
        "AssiduEventsRejected",
        "Many events of a topic are malformed",
        "{{ $value | humanizePercentage }} of {{ $labels.topic }} went to the dead letters in a quarter of an hour: "
        "their reasons tell which product emits them.",
        f"sum by (topic) (max by (topic, reason) (increase({REJECTED}[15m])))\n"
        f"/ on (topic) max by (topic) (increase({EVENTS}[15m])) > 0.01\n"
        f"and on (topic) sum by (topic) (max by (topic, reason) (increase({REJECTED}[15m]))) >= 20",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduRedisUnsafe",
        "Redis may lose what is stored",
        "{{ $labels.why }}: what is lost is counted anew from Kafka at best, and wrong without a word at worst. Set "
        "`maxmemory-policy noeviction` and `appendonly yes`.",
        f"max by (why) ({REDIS_UNSAFE}) > 0",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduRiskHeldBack",
        "Nobody is told who is about to leave",
        "Customers of shard {{ $labels.shard }} may have crossed a level of churn risk "
        "{{ $value | humanizeDuration }} ago and were not looked at: the shard is behind, or Kafka takes no "
        "messages.",
        f"max by (shard) ({RISK_HELD_BACK}) > 300",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduLabelOverflow",
        "A label has more values than are kept apart",
        "New values of {{ $labels.label }} are counted as `other`: does a product put ids into it? Else raise "
        "ASSIDU_LABEL_LIMIT (ASSIDU_PRODUCT_LIMIT where the label is product).",
        f"max by (label) (increase({LABEL_OVERFLOW}[1h])) > 0",
        "5m",
        "warning",
    ),
)

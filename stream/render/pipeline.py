"""The pipeline's own figures and alerts: what `assidu_*` shows, and when somebody on call is told."""

from __future__ import annotations

from typing import Literal, NamedTuple

EXPORTER_JOB = "assidu-exporter"
WORKER_JOB = "assidu-worker"
STALE_SECONDS = 60
EVENT_TO_GAUGE_SECONDS = 2


class Figure(NamedTuple):
    """One panel; `threshold`: from there on it is bad."""

    title: str
    help: str
    query: str
    unit: str
    legend: str = ""
    threshold: float | None = None


class PipelineAlert(NamedTuple):
    """`silences_business`: while it fires, nobody is told about indicators, for they cannot be trusted."""

    name: str
    summary: str
    description: str
    condition: str
    for_: str
    severity: Literal["warning", "critical"]
    silences_business: bool = False
    keep_firing_for: str | None = None


FIGURES = (
    Figure(
        "Age of the data",
        "The worst shard: without lag, time since its owner's last sign of life, else age of the oldest record "
        "not yet committed.",
        "max(assidu_data_age_seconds)",
        "s",
        "age",
        STALE_SECONDS,
    ),
    Figure(
        "Records per second",
        "Taken from Kafka and committed.",
        "max by (topic) (rate(assidu_events_total[$__rate_interval]))",
        "ops",
        "{{topic}}",
    ),
    Figure(
        "Event to gauge, 99th percentile",
        "From the timestamp of a canary, a test event that every exporter sends now and then, to the refresh that "
        "shows it (ASSIDU_CANARY_SECONDS).",
        "histogram_quantile(0.99, sum by (le) (rate(assidu_event_to_gauge_seconds_bucket[5m])))",
        "s",
        "99 %",
        EVENT_TO_GAUGE_SECONDS,
    ),
    Figure(
        "Lag",
        "Records not yet committed.",
        "sum by (topic) (max by (topic, shard) (assidu_lag_events))",
        "short",
        "{{topic}}",
    ),
    Figure(
        "Rejected per second",
        "Records sent to the dead letters, by reason.",
        "sum by (reason) (max by (topic, reason) (rate(assidu_rejected_total[$__rate_interval])))",
        "ops",
        "{{reason}}",
    ),
    Figure(
        "Repeats per second",
        "Events whose id was seen before.",
        "max(rate(assidu_repeats_total[$__rate_interval]))",
        "ops",
        "repeats",
    ),
    Figure(
        "Left out per second",
        "Events of bots and tests.",
        "max by (why) (rate(assidu_left_out_total[$__rate_interval]))",
        "ops",
        "{{why}}",
    ),
    Figure(
        "Values folded into `other`, last hour",
        "Events whose label value came after the limit (ASSIDU_LABEL_LIMIT; ASSIDU_PRODUCT_LIMIT of products).",
        "max by (label) (increase(assidu_label_overflow_total[1h]))",
        "short",
        "{{label}}",
    ),
    Figure(
        "Behind the present",
        "Now minus the newest event of each shard.",
        "time() - max by (shard) (assidu_watermark_timestamp_seconds)",
        "s",
        "shard {{shard}}",
    ),
    Figure(
        "Time of a commit, 99th percentile",
        "Of one commit to Redis, retries included.",
        "histogram_quantile(0.99, sum by (le) (rate(assidu_commit_seconds_bucket[$__rate_interval])))",
        "s",
        "99 %",
    ),
    Figure(
        "Records per commit",
        "Mean over all workers.",
        "sum(rate(assidu_batch_events_sum[$__rate_interval])) "
        "/ sum(rate(assidu_batch_events_count[$__rate_interval]))",
        "short",
        "mean",
    ),
    Figure("Shards owned", "By each worker.", "max by (instance) (assidu_shards_owned)", "short", "{{instance}}"),
    Figure(
        "Churn-risk messages held back",
        "For how long customers who may have crossed a level have not been looked at: the shard is behind, or Kafka "
        "takes no messages.",
        "max by (shard) (assidu_risk_held_back_seconds)",
        "s",
        "shard {{shard}}",
    ),
    Figure(
        "Churn-risk messages waiting",
        "Written down, and not yet acknowledged by Kafka.",
        "sum(max by (shard) (assidu_risk_messages_waiting))",
        "short",
        "waiting",
    ),
    Figure(
        "Commits refused, last hour",
        "Another worker owned the shard, or Redis had gone back in time.",
        "sum(increase(assidu_commits_refused_total[1h]))",
        "short",
        "refused",
    ),
)

ALERTS = (
    PipelineAlert(
        "AssiduDataStale",
        "The numbers are old",
        "The oldest shard is {{ $value | humanizeDuration }} behind: look at the workers, at Kafka and at Redis.",
        f"max(assidu_data_age_seconds) > {STALE_SECONDS}",
        "1m",
        "critical",
        silences_business=True,
        # The numbers come right at once; alerts about them may need an evaluation or two to end.
        keep_firing_for="5m",
    ),
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
        "sum by (topic) (max by (topic, reason) (increase(assidu_rejected_total[15m])))\n"
        "/ on (topic) max by (topic) (increase(assidu_events_total[15m])) > 0.01\n"
        "and on (topic) sum by (topic) (max by (topic, reason) (increase(assidu_rejected_total[15m]))) >= 20",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduRedisUnsafe",
        "Redis may lose what is stored",
        "{{ $labels.why }}: what is lost is counted anew from Kafka at best, and wrong without a word at worst. Set "
        "`maxmemory-policy noeviction` and `appendonly yes`.",
        "max by (why) (assidu_redis_unsafe) > 0",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduRiskHeldBack",
        "Nobody is told who is about to leave",
        "Customers of shard {{ $labels.shard }} may have crossed a level of churn risk "
        "{{ $value | humanizeDuration }} ago and were not looked at: the shard is behind, or Kafka takes no "
        "messages.",
        "max by (shard) (assidu_risk_held_back_seconds) > 300",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduLabelOverflow",
        "A label has more values than are kept apart",
        "New values of {{ $labels.label }} are counted as `other`: does a product put ids into it? Else raise "
        "ASSIDU_LABEL_LIMIT (ASSIDU_PRODUCT_LIMIT where the label is product).",
        "max by (label) (increase(assidu_label_overflow_total[1h])) > 0",
        "5m",
        "warning",
    ),
)

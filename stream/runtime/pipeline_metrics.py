"""Every metric of the pipeline itself: its name, kind, labels and help. Whoever shows, draws or alerts on one imports
it, so that none is spelled twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricType = Literal["counter", "gauge", "histogram", "info", "summary"]


@dataclass(frozen=True)
class PipelineMetric:
    """In an f-string it is its name, as PromQL has it.

    name      of its samples; those of histograms and summaries have a suffix
    shown_by  on whose /metrics it is
    """

    name: str
    kind: MetricType
    shown_by: Literal["exporter", "worker", "collector"]
    help: str
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def bucket(self) -> str:
        return f"{self.name}_bucket"

    @property
    def count(self) -> str:
        return f"{self.name}_count"

    @property
    def sum(self) -> str:
        return f"{self.name}_sum"


DATA_AGE = PipelineMetric(
    "assidu_data_age_seconds",
    "gauge",
    "exporter",
    "How old the data are: without lag the time since the owner's last sign of life, else since everything that "
    "Kafka had was last seen committed; the worst shard. Quiet is not stale.",
)
EVENT_TO_GAUGE = PipelineMetric(
    "assidu_event_to_gauge_seconds",
    "histogram",
    "exporter",
    "From the timestamp of a test event to the refresh that shows it: Kafka, worker, Redis and exporter.",
)
EVENTS = PipelineMetric(
    "assidu_events_total",
    "counter",
    "exporter",
    "Kafka records taken from the topic and committed, whatever became of them.",
    ("topic",),
)
REJECTED = PipelineMetric(
    "assidu_rejected_total", "counter", "exporter", "Kafka records sent to the dead letters.", ("topic", "reason")
)
REPEATS = PipelineMetric(
    "assidu_repeats_total", "counter", "exporter", "Events whose id was seen before within the repeat window."
)
MISROUTED = PipelineMetric(
    "assidu_misrouted_total", "counter", "exporter", "Events forwarded to the partition of their customer."
)
LEFT_OUT = PipelineMetric(
    "assidu_left_out_total", "counter", "exporter", "Events of bots and tests, counted and left out.", ("why",)
)
RISK_MESSAGES = PipelineMetric(
    "assidu_risk_messages_total",
    "counter",
    "exporter",
    "Messages about customers who crossed a level of churn risk.",
)
LABEL_OVERFLOW = PipelineMetric(
    "assidu_label_overflow_total",
    "counter",
    "exporter",
    "Events whose label value was folded into `other`.",
    ("label",),
)
LAG = PipelineMetric("assidu_lag_events", "gauge", "exporter", "Kafka records not yet committed.", ("topic", "shard"))
WATERMARK = PipelineMetric(
    "assidu_watermark_timestamp_seconds",
    "gauge",
    "exporter",
    "The newest event of the shard, seconds since the epoch.",
    ("shard",),
)
REPEAT_WINDOW = PipelineMetric(
    "assidu_repeat_window_seconds", "gauge", "exporter", "How long event ids are remembered."
)
CHURN_COEFFICIENTS = PipelineMetric(
    "assidu_churn_coefficients_info",
    "gauge",
    "exporter",
    "By which coefficients churn risk is scored: the defaults, or those that were set.",
    ("source",),
)
REDIS_UNSAFE = PipelineMetric(
    "assidu_redis_unsafe",
    "gauge",
    "exporter",
    "1: Redis may lose what is stored, by eviction or for want of persistence.",
    ("why",),
)
ALERT_THRESHOLD = PipelineMetric(
    "assidu_alert_threshold", "gauge", "exporter", "What the alert's rule compares with.", ("alert",)
)
DEFINITION = PipelineMetric(
    "assidu_definition_info",
    "gauge",
    "exporter",
    "1 for each definition of the indicators file in force; where the hash is another, it means something else.",
    ("name", "hash"),
)
BUILD = PipelineMetric("assidu_build_info", "info", "exporter", "This program.", ("version",))

COMMIT_SECONDS = PipelineMetric(
    "assidu_commit_seconds",
    "histogram",
    "worker",
    "Time of one commit of a shard to Redis, in one round trip with those of others, retries included.",
)
BATCH_EVENTS = PipelineMetric("assidu_batch_events", "histogram", "worker", "Kafka records folded in one commit.")
STAGE_SECONDS = PipelineMetric(
    "assidu_stage_seconds",
    "summary",
    "worker",
    "Time that each stage of a pass takes, waiting for Kafka and Redis included; fetch: from when the first of its "
    "batches was fetched until the pass begins.",
    ("stage",),
)
COMMITS_REFUSED = PipelineMetric(
    "assidu_commits_refused_total",
    "counter",
    "worker",
    "Commits that Redis refused because another worker owns the shard, or because Redis went back in time.",
)
SHARDS_OWNED = PipelineMetric("assidu_shards_owned", "gauge", "worker", "Shards that this worker has claimed.")
RISK_HELD_BACK = PipelineMetric(
    "assidu_risk_held_back_seconds",
    "gauge",
    "worker",
    "For how long customers who may have crossed a level of churn risk have not been looked at, because the shard is "
    "behind or Kafka takes no messages.",
    ("shard",),
)
RISK_MESSAGES_WAITING = PipelineMetric(
    "assidu_risk_messages_waiting",
    "gauge",
    "worker",
    "Messages of churn risk that Kafka has not acknowledged yet.",
    ("shard",),
)

REQUESTS = PipelineMetric(
    "assidu_collector_requests_total",
    "counter",
    "collector",
    "Requests answered, by the protocol that they were of (none: not known by then) and the HTTP status.",
    ("protocol", "status"),
)
REQUEST_SECONDS = PipelineMetric(
    "assidu_collector_request_seconds",
    "histogram",
    "collector",
    "From the end of a request's headers to its answer: reading, checking, and Kafka's or the disk's word.",
)
ACCEPTED = PipelineMetric(
    "assidu_collector_events_total",
    "counter",
    "collector",
    "Events accepted, by where they were safe when that was answered: kafka or spool.",
    ("protocol", "safe_in"),
)
PROBLEMS = PipelineMetric(
    "assidu_collector_problems_total",
    "counter",
    "collector",
    "Events refused, and named in the answer, by reason.",
    ("protocol", "reason"),
)
COLLECTOR_LEFT_OUT = PipelineMetric(
    "assidu_collector_left_out_total",
    "counter",
    "collector",
    "Events of which nothing counts, by why: of no person, of a company, or as the mapping says.",
    ("protocol", "why"),
)
BOTS = PipelineMetric(
    "assidu_collector_bots_total", "counter", "collector", "Events marked as a bot's by the user agent of a browser."
)
IN_FLIGHT = PipelineMetric(
    "assidu_collector_in_flight_bytes", "gauge", "collector", "Bodies of the requests that are not answered yet."
)
SPOOL_BYTES = PipelineMetric(
    "assidu_collector_spool_bytes", "gauge", "collector", "What waits on disk for Kafka to come back."
)
SPOOL_AGE = PipelineMetric(
    "assidu_collector_spool_age_seconds",
    "gauge",
    "collector",
    "For how long the oldest events have waited on disk for Kafka; 0 when none do.",
)
SPOOL_LIMIT = PipelineMetric(
    "assidu_collector_spool_limit_bytes", "gauge", "collector", "How much may wait there; 0 without a spool."
)
COLLECTOR_CANARY = PipelineMetric(
    "assidu_collector_canary_seconds",
    "histogram",
    "collector",
    "From connecting to a collector's own port to the answer that Kafka has acknowledged a test event. One that was "
    "refused or not answered counts as slower than all.",
)

PIPELINE_METRICS = tuple(found for found in list(globals().values()) if isinstance(found, PipelineMetric))
"""All of them, in this order."""

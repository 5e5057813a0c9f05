"""The collectors' own figures and alerts: what comes through the door, and when somebody on call is told."""

from __future__ import annotations

from stream.render.figure import Figure, PipelineAlert
from stream.runtime.pipeline_metrics import (
    ACCEPTED,
    BOTS,
    COLLECTOR_CANARY,
    COLLECTOR_LEFT_OUT,
    IN_FLIGHT,
    PROBLEMS,
    REQUEST_SECONDS,
    REQUESTS,
    SPOOL_AGE,
    SPOOL_BYTES,
    SPOOL_LIMIT,
)

COLLECTOR_JOB = "assidu-collector"
ANSWER_SECONDS = 0.1

_UP = f'up{{job="{COLLECTOR_JOB}"}}'
# Whoever looks for weak points asks for paths and methods that there are not: nobody's events.
_REFUSED = f'{REQUESTS}{{status!~"2..|404|405"}}'
_ASKED = f'{REQUESTS}{{status!~"404|405"}}'

COLLECTOR_FIGURES = (
    Figure(
        "Events accepted per second",
        "By the protocol they came by, and where they were safe when that was answered.",
        f"sum by (protocol, safe_in) (rate({ACCEPTED}[$__rate_interval]))",
        "ops",
        "{{protocol}}, {{safe_in}}",
    ),
    Figure(
        "Requests per second",
        "By the status of the answer.",
        f"sum by (status) (rate({REQUESTS}[$__rate_interval]))",
        "ops",
        "{{status}}",
    ),
    Figure(
        "Events refused per second",
        "Named in the answer, by reason.",
        f"sum by (protocol, reason) (rate({PROBLEMS}[$__rate_interval]))",
        "ops",
        "{{protocol}}, {{reason}}",
    ),
    Figure(
        "Left out or marked as a bot's, per second",
        "Of no person, of a company, or as the mapping says; bots by the user agent of a browser.",
        f"sum by (why) (rate({COLLECTOR_LEFT_OUT}[$__rate_interval]))\n"
        f'or label_replace(sum(rate({BOTS}[$__rate_interval])), "why", "bot", "", "")',
        "ops",
        "{{why}}",
    ),
    Figure(
        "Time to the answer, 99th percentile",
        "From the end of a request's headers, Kafka's acknowledgement included.",
        f"histogram_quantile(0.99, sum by (le) (rate({REQUEST_SECONDS.bucket}[$__rate_interval])))",
        "s",
        "99 %",
        ANSWER_SECONDS,
    ),
    Figure(
        "Canary through the door, 99th percentile",
        "From connecting to Kafka's acknowledgement, of the test events that every collector posts to its own port "
        "(ASSIDU_CANARY_SECONDS).",
        f"histogram_quantile(0.99, sum by (le) (rate({COLLECTOR_CANARY.bucket}[5m])))",
        "s",
        "99 %",
    ),
    Figure(
        "Bodies in flight",
        "Of the requests that are not answered yet.",
        f"max by (instance) ({IN_FLIGHT})",
        "bytes",
        "{{instance}}",
    ),
    Figure(
        "Waiting on disk",
        "What Kafka has not taken yet.",
        f"max by (instance) ({SPOOL_BYTES})",
        "bytes",
        "{{instance}}",
    ),
    Figure(
        "Oldest event on disk",
        "For how long it has waited for Kafka.",
        f"max by (instance) ({SPOOL_AGE})",
        "s",
        "{{instance}}",
    ),
)

COLLECTOR_ALERTS = (
    PipelineAlert(
        "AssiduCollectorDown",
        "No collector answers",
        "Clients cannot send: they keep what they can for a while, and lose the rest. Look at the collectors' logs, "
        "and at what is in front of them.",
        # Where products write to Kafka themselves there never was one.
        f"max(max_over_time({_UP}[1d])) unless on () ({_UP} == 1)",
        "2m",
        "critical",
        silences_business=True,
    ),
    PipelineAlert(
        "AssiduSpoolFilling",
        "A collector's disk fills while Kafka is away",
        "{{ $value | humanizePercentage }} of ASSIDU_COLLECTOR_SPOOL_BYTES is taken on {{ $labels.instance }}: when "
        "it is full, events are refused. Look at Kafka.",
        f"max by (instance) ({SPOOL_BYTES} / {SPOOL_LIMIT}) > 0.5",
        "1m",
        "critical",
    ),
    PipelineAlert(
        "AssiduSpoolOld",
        "Events wait on a collector's disk",
        "The oldest on {{ $labels.instance }} have waited for {{ $value | humanizeDuration }}: nothing is lost, and "
        "nothing of them is counted yet. Look at Kafka.",
        f"max by (instance) ({SPOOL_AGE}) > 300",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduRequestsRefused",
        "Many requests are refused",
        "{{ $value | humanizePercentage }} of the requests of a quarter of an hour were: their status tells why.",
        f"sum(increase({_REFUSED}[15m])) / sum(increase({_ASKED}[15m])) > 0.05\n"
        f"and sum(increase({_REFUSED}[15m])) >= 20",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduEventsRefused",
        "Many events of a protocol are refused",
        "{{ $value | humanizePercentage }} of the events by {{ $labels.protocol }} in a quarter of an hour were: "
        "their reasons tell what is wrong with them.",
        f"sum by (protocol) (increase({PROBLEMS}[15m]))\n"
        f"/ (sum by (protocol) (increase({PROBLEMS}[15m])) + (sum by (protocol) (increase({ACCEPTED}[15m]))\n"
        f"  or 0 * sum by (protocol) (increase({PROBLEMS}[15m])))) > 0.01\n"
        f"and sum by (protocol) (increase({PROBLEMS}[15m])) >= 20",
        "5m",
        "warning",
    ),
    PipelineAlert(
        "AssiduNothingAccepted",
        "Nothing comes in any more",
        "No event was accepted for an hour; in the same hour of the day before there were {{ $value | humanize }}. "
        "Do products still send, and is the way to the collectors open?",
        f"sum(increase({ACCEPTED}[1h] offset 1d)) >= 100\nunless on () sum(increase({ACCEPTED}[1h])) > 0",
        "5m",
        "warning",
    ),
)

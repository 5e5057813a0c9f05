"""The indicators file, as it is in force or by default: every key with its value, and what it means."""

from __future__ import annotations

from typing import Any

from stream.core.definitions import DECLARED, HowChanged, ScoreParts
from stream.indicators.catalogue import METRICS
from stream.indicators.config import Config, written
from stream.indicators.declare import Alert, Metric
from stream.indicators.in_force import alerts_in_force
from stream.render.words import condition
from stream.runtime.pipeline_metrics import ALERT_THRESHOLD

_PREFACE = """\
# The indicators file. Copy it, change the copy, and let ASSIDU_INDICATORS name that to every process of the
# deployment; what a file leaves out is as it is here. Whoever is started reads it once.
"""

_CHANGED: dict[HowChanged, str] = {
    "restart": "A restart of the exporters changes it.",
    "together": "To change it, stop all workers and start them with the new value (then exporters, too).",
    "anew": "What is stored was counted by it: another value needs another ASSIDU_NAMESPACE, which counts anew.",
}

_ALERTS = f"""\
# When alerts of indicators fire. Exporters show each threshold as {ALERT_THRESHOLD}, and Prometheus's rules
# compare with that: a restart of the exporters changes it. `for` is how long it must last: it stands in the rules and
# takes `assidu render`, which also gives the dashboards the colours of the thresholds.
"""

_TARGETS = """\
# Where indicators should be: INDICATOR = number, for all samples of the indicator. A restart of the exporters changes
# them. They are shown as engagement_target{product, indicator}, and drawn as lines in the panels of the indicators.
"""
_EXAMPLES = {"engagement_stickiness_ratio": 0.2, "engagement_nps_score": 30}


def indicators_file(config: Config) -> str:
    """TOML, from which the same is read."""
    return "\n".join([_PREFACE, _definitions(config), _alerts(config), _targets(config)])


def _definitions(config: Config) -> str:
    parts = [
        f"# {declared.help}\n"
        f"# {declared.unit}: {declared.allowed.words}.\n"
        f"# {_CHANGED[declared.change]}\n"
        f"{_entry(name, getattr(config.definitions, name))}"
        for name, declared in DECLARED.items()
    ]
    return "\n".join(["[definitions]\n", *parts])


def _entry(name: str, value: Any) -> str:
    """A line; of the score, one for each of its parts."""
    if isinstance(value, ScoreParts):
        return "".join(_entry(f"{name}.{part}", given) for part, given in value.as_written().items())
    return f"{name} = {written(value)}\n"


def _alerts(config: Config) -> str:
    in_force = alerts_in_force(config)
    entries = (_alert(metric, in_force[alert.name]) for metric in METRICS for alert in metric.alerts)
    return "\n".join([_ALERTS, *entries])


def _alert(metric: Metric, alert: Alert) -> str:
    return (
        f"# {alert.summary}:\n"
        f"# {metric.name} is {condition(alert, 'the threshold')}.\n"
        f"[alerts.{alert.name}]\n"
        f"threshold = {written(alert.threshold)}\n"
        f"for = {written(alert.for_)}\n"
    )


def _targets(config: Config) -> str:
    entries = [f"{name} = {written(value)}\n" for name, value in config.targets.items()]
    examples = [f"# {name} = {written(value)}\n" for name, value in _EXAMPLES.items()]
    return f"{_TARGETS}[targets]\n{''.join(entries or examples)}"

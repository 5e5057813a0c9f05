"""The indicators file held against the catalogue: which names it may give, and the alerts that are in force by it."""

from __future__ import annotations

from dataclasses import replace

from stream.indicators.catalogue import ALERTS, METRICS
from stream.indicators.config import Chosen, Config, Known
from stream.indicators.declare import CHANGES, Alert

KNOWN = Known(
    alerts=tuple(ALERTS),
    changes=frozenset(name for name, alert in ALERTS.items() if alert.condition in CHANGES),
    indicators=tuple(metric.name for metric in METRICS),
)


def alerts_in_force(config: Config) -> dict[str, Alert]:
    """Every alert by its name, with the threshold and the duration that the file says, or the default. Raises
    KeyError for an alert that there is not: a file read with KNOWN has none."""
    return ALERTS | {name: _in_force(ALERTS[name], chosen) for name, chosen in config.alerts.items()}


def _in_force(alert: Alert, chosen: Chosen) -> Alert:
    return replace(
        alert,
        threshold=alert.threshold if chosen.threshold is None else chosen.threshold,
        for_=chosen.for_ or alert.for_,
    )

"""What is drawn and told of the pipeline itself: a figure, an alert."""

from __future__ import annotations

from typing import Literal, NamedTuple


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

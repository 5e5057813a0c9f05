"""docs/indicators.md: every indicator with its question, unit, labels, windows, worked example and alert."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from stream.core.definition import Alert, Metric
from stream.metrics import FAMILIES
from stream.render.words import GENERATED, label_names, number, percent, question, slug, title, worked_example

_PREFACE = """\
# Indicators

Every gauge has the label `product`. What is undefined (nothing to divide by) is absent, never 0. These are gauges
of windows: never `rate()` one, and never sum over `window` or `days`, for one customer is in several.

- **Rolling** indicators end with the present minute T. Activity counts in `(T − W, T]` to the minute; other counts do
  so for 24h, and begin on the full hour for 7d and 30d.
- **Complete days** are local days (`ASSIDU_TIMEZONE`) up to yesterday: these move at midnight.
"""

_WINDOWS = {True: "rolling", False: "complete days"}


def indicators() -> str:
    """Markdown."""
    contents = "".join(f"- [{title(family)}](#{_anchor(family)})\n" for family in FAMILIES)
    return f"<!-- {GENERATED} -->\n\n{_PREFACE}\n{contents}" + "".join(_section(family) for family in FAMILIES)


def _section(family: ModuleType) -> str:
    entries = "".join(_entry(metric) for metric in family.METRICS)
    return f'\n<a id="{_anchor(family)}"></a>\n## {title(family)}\n\n{_sentence(question(family))}\n{entries}'


def _anchor(family: ModuleType) -> str:
    return f"family-{slug(family)}"


def _sentence(asked: str) -> str:
    """The question without the family's name."""
    text = asked.partition(":")[2].strip()
    return text[:1].upper() + text[1:]


def _entry(metric: Metric) -> str:
    lines = "".join(f"- **{name}**: {text}\n" for name, text in _facts(metric))
    return f"\n### {metric.name}\n\n{metric.help}\n\n{lines}"


def _facts(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "Unit", metric.unit
    yield "Labels", label_names(metric)
    yield "Windows", _windows(metric)
    yield "Worked example", worked_example(metric)
    yield "Panel", metric.panel.title
    if metric.alert:
        yield f"Alert `{metric.alert.name}`", _alert(metric.alert)


def _windows(metric: Metric) -> str:
    windows = metric.labels.get("window", ())
    widths = f": {', '.join(windows)}" if isinstance(windows, tuple) and windows else ""
    return _WINDOWS[metric.rolling] + widths


def _alert(alert: Alert) -> str:
    guard = alert.rests_on
    labels = ", ".join(f'{name}="{value}"' for name, value in guard.labels.items())
    gauge = f"{guard.gauge}{{{labels}}}" if labels else guard.gauge
    return (
        f"{alert.summary}. Fires ({alert.severity}) when {_condition(alert)} for {alert.for_}, "
        f"provided that `{gauge}` is at least {guard.at_least}."
    )


def _condition(alert: Alert) -> str:
    if alert.falls_by is not None:
        return f"it is lower by {percent(alert.falls_by)} or more than a week before"
    return f"it is below {number(alert.below)}"

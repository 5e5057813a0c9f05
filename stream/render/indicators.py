"""docs/indicators.md: every family's scenario, every indicator with its unit, labels, windows, example and alert, and
the pipeline's own metrics."""

from __future__ import annotations

from collections.abc import Iterator

from stream.core.definitions import DECLARED, HowChanged
from stream.indicators.catalogue import FAMILIES
from stream.indicators.declare import CHANGES, TARGET_GAUGE, Alert, Family, Metric
from stream.indicators.scenario import CHANNEL, EventLine, Scenario
from stream.render.words import (
    GENERATED,
    condition,
    label_names,
    listed,
    measured,
    selector,
    threshold_unit,
    worked_example,
)
from stream.runtime.pipeline_metrics import ALERT_THRESHOLD, PIPELINE_METRICS


def _listed(change: HowChanged) -> str:
    """The definitions that are changed in this way."""
    return ", ".join(f"`{name}`" for name, declared in DECLARED.items() if declared.change == change)


_PREFACE = f"""\
# Indicators

Every gauge has the label `product`. What is undefined (nothing to divide by) is absent, never 0. These are gauges
of windows: never `rate()` one, and never sum over `window` or `days`, for one customer is in several.

- **Rolling** indicators end with the present minute T. Activity counts in `(T − W, T]` to the minute; other counts do
  so for 24h, and begin on the full hour for 7d and 30d.
- **Complete days** are local days (`ASSIDU_TIMEZONE`) up to yesterday: these move at midnight.

Every family has a scenario: a few events, in the order in which they came, and a moment T after them. The worked
example of an indicator is one sample of it at T: what was read under these labels, and the value that follows. The
tests run every one through the real decoding, fold and formula. Times and days are UTC's; a day alone means noon; the
channel is `{CHANNEL}` unless something else is said.
"""

_FILE = f"""\
## The indicators file

`ASSIDU_INDICATORS` names a TOML file in which a deployment chooses for itself; what it leaves out has its default.
`assidu indicators` prints what is in force, every key explained, and names mistakes by key and line;
`deploy/indicators.toml` has the defaults. All processes get the same file, and read it at their start.

- **`[definitions]`**, called `definitions.…` below. What shapes stored state is kept in Redis and refused by its name
  where it differs. Fixed for a namespace: {_listed("anew")}. Changed by stopping all workers and starting them with
  the new value (then exporters, too): {_listed("together")}. Changed by a restart of the exporters:
  {_listed("restart")}.
- **`[alerts.NAME]`**: `threshold` and `for` of an alert. Exporters show thresholds as `{ALERT_THRESHOLD}`, and the
  rules ask for that: a restart of the exporters changes them. `for` stands in the rules: `assidu render` changes it.
- **`[targets]`**: indicator = number, shown as `{TARGET_GAUGE}` (labels `product`, `indicator`; absent without a
  target), and drawn as a line in the indicator's panel and beside its title on the page. An alert of your own:

```
max by (product) (engagement_stickiness_ratio)
< on (product) max by (product) ({TARGET_GAUGE}{{indicator="engagement_stickiness_ratio"}})
```
"""

_PIPELINE = """
## Of the pipeline itself

What exporters and workers show on their own /metrics beside the indicators; deploy/prometheus scrapes both.

| Metric | Kind | Labels | Shown by | Meaning |
|---|---|---|---|---|
"""

_WINDOWS = {True: "rolling", False: "complete days"}


def indicators() -> str:
    """Markdown."""
    contents = "".join(f"- [{family.title}](#{_anchor(family)}): {family.question}\n" for family in FAMILIES)
    sections = "".join(map(_section, FAMILIES))
    return f"<!-- {GENERATED} -->\n\n{_PREFACE}\n{contents}\n{_FILE}{sections}{_PIPELINE}{_of_the_pipeline()}"


def _of_the_pipeline() -> str:
    return "".join(
        f"| `{metric}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.shown_by} | "
        f"{metric.help} |\n"
        for metric in PIPELINE_METRICS
    )


def _section(family: Family) -> str:
    entries = "".join(_entry(metric) for metric in family.metrics)
    heading = f'\n<a id="{_anchor(family)}"></a>\n## {family.title}\n\n{family.question}\n'
    return f"{heading}{_scenario(family.scenario)}{entries}"


def _anchor(family: Family) -> str:
    return f"family-{family.slug}"


def _scenario(scenario: Scenario) -> str:
    rows = "".join(map(_row, scenario.lines))
    table = f"| event | of | at | with |\n|---|---|---|---|\n{rows}"
    return f"\n**The scenario**, T = {scenario.at}. {scenario.plot}\n\n{table}"


def _row(line: EventLine) -> str:
    cells = (line.type, ", ".join(line.customers), ", ".join(line.moments), listed(line.fields))
    return f"| {' | '.join(cells)} |\n"


def _entry(metric: Metric) -> str:
    lines = "".join(f"- **{name}**: {text}\n" for name, text in _facts(metric))
    return f"\n### {metric.name}\n\n{metric.help}\n\n{lines}"


def _facts(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "Unit", metric.unit
    yield "Labels", label_names(metric)
    yield "Windows", _windows(metric)
    yield "Worked example", _example(metric)
    yield "Panel", metric.panel.title
    for alert in metric.alerts:
        yield f"Alert `{alert.name}`", _alert(metric, alert)


def _example(metric: Metric) -> str:
    labels = selector(metric.example.labels)
    return f"`{labels}` {worked_example(metric)}" if labels else worked_example(metric)


def _windows(metric: Metric) -> str:
    windows = metric.labels.get("window", ())
    widths = f": {', '.join(windows)}" if isinstance(windows, tuple) and windows else ""
    return _WINDOWS[metric.rolling] + widths


def _alert(metric: Metric, alert: Alert) -> str:
    limit = measured(alert.threshold, threshold_unit(metric, alert))
    where = f" of `{selector(alert.labels)}`" if alert.labels else ""
    then = ", a week before too" if alert.condition in CHANGES else ""
    guard = alert.min_sample
    return (
        f"{alert.summary}. Fires ({alert.severity}) when the value{where} is {condition(alert, limit)} for "
        f"{alert.for_}, provided that `{guard.gauge}{selector(guard.labels)}` is at least {guard.at_least}{then}."
    )

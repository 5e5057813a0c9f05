"""Prometheus's text format, written directly: its own client takes several times as long for the same text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, isnan

from prometheus_client import Metric

from stream.runtime.pipeline_metrics import PipelineMetric

_LATER = ("_created", "_gsum", "_gcount")
"""Samples that only OpenMetrics knows: gauges of their own, after the family."""

_DIGITS_IN_FULL = 6

_SUFFIXES = {"counter": "_total", "info": "_info"}


def family(metric: PipelineMetric, samples: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """Of these (values of its labels, value)."""
    found = Metric(metric.name.removesuffix(_SUFFIXES.get(metric.kind, "")), metric.help, metric.kind)
    for values, value in samples:
        found.add_sample(metric.name, dict(zip(metric.labels, values, strict=True)), value)
    return found


def exposition(families: Iterable[Metric]) -> str:
    """The families as text. Names must be of letters, digits, `_` and `:`, and samples without timestamps."""
    return "".join(line for family in families for line in _lines(family))


def head(name: str, kind: str, help_: str, quotes: bool = False) -> str:
    """What stands once before the samples of a family. OpenMetrics has `quotes` escaped here, too."""
    escaped = _escaped(help_) if quotes else help_.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {escaped}\n# TYPE {name} {kind}\n"


def start(name: str, labels: Mapping[str, str]) -> str:
    """A sample's line up to its value; labels in the order of their names."""
    if not labels:
        return f"{name} "
    inside = ",".join([f'{label}="{_escaped(labels[label])}"' for label in sorted(labels)])
    return f"{name}{{{inside}}} "


def number(value: float) -> str:
    """As Go writes it, which has exponents sooner than Python."""
    value = float(value)
    if isnan(value):
        return "NaN"
    if abs(value) == inf:
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    whole = text.find(".")
    if value <= 0 or whole <= _DIGITS_IN_FULL:
        return text
    mantissa = f"{text[0]}.{text[1:whole]}{text[whole + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{whole - 1:02d}"


def _lines(family: Metric) -> Iterator[str]:
    kind = "gauge" if family.type == "info" else family.type
    suffix = _SUFFIXES.get(family.type, "")
    yield head(family.name + suffix, kind, family.documentation)
    later: dict[str, list[str]] = {}
    for sample in family.samples:
        line = f"{start(sample.name, sample.labels)}{number(sample.value)}\n"
        own = sample.name.removeprefix(family.name)
        if own in _LATER:
            later.setdefault(own, []).append(line)
        else:
            yield line
    for own, lines in sorted(later.items()):
        yield head(family.name + own, "gauge", family.documentation)
        yield from lines


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

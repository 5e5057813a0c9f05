"""Forms: indicators that are counts, ratios or means, or follow by another formula, each one declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from stream.core.series import Kind, Series
from stream.core.time import WINDOWS
from stream.indicators.declare import Alert, Breakdown, Card, Example, Metric, Panel, Value, ratio
from stream.indicators.reads import Choices, Labels, Part, Read, Rows, View, found_together, of, quantile, segments
from stream.indicators.state.segments import SEGMENT

ALL = tuple(WINDOWS)
BASIS = "basis"
BY_SEGMENT = "By segment: that of the latest `identify` that names one."
"""Of an indicator by segment."""

Measured = Series | Read
Measures = Measured | Mapping[str, Measured]
"""What is counted; or what of each value of a label: `basis`, unless another one is named."""


class Sampled(TypedDict, total=False):
    """Of what there is a sample.

    by        labels, apart by spaces: a sample for each combination of values that was ever counted; else those of
              the series
    found_in  the plain counts in which these combinations are found; else the series
    rows      these combinations, where they are found otherwise
    windows   a sample for each; without any, the parts have windows of their own
    """

    by: str
    found_in: tuple[Series, ...]
    rows: Rows
    windows: tuple[str, ...]


class Shown(Sampled, total=False):
    """What every form takes besides what it counts.

    labels   further label -> its possible values; it is none of `by`
    basis    the label by whose values different things are counted
    panel    else its title is the indicator's name
    rolling  False: of complete days only
    """

    labels: Mapping[str, Choices]
    basis: str
    panel: Panel
    card: Card
    alerts: tuple[Alert, ...]
    breakdowns: tuple[Breakdown, ...]
    rolling: bool


def Count(
    name: str, counted: Measures, *, help: str, example: Example, unit: str = "", **shown: Unpack[Shown]
) -> Metric:
    """How many. The unit is `events` of a plain count and else `customers`, unless another one is given."""
    bases = tuple(counted) if isinstance(counted, Mapping) else ()
    counts = tuple(map(_reading, counted.values() if isinstance(counted, Mapping) else (counted,)))
    is_flow = isinstance(counts[0], Part) and counts[0].series.kind is Kind.FLOW
    [number] = example.reads

    def formula(**given: int) -> Value:
        return given[number]

    return Metric(
        name,
        help,
        unit or ("events" if is_flow else "customers"),
        {number: _by_basis(bases, counts, shown)},
        formula,
        example,
        series=_series(counts, shown),
        **_shown(name, counts[0], bases, shown),
    )


def Ratio(
    name: str, part: Measures, *, over: Measures, help: str, example: Example, **shown: Unpack[Shown]
) -> Metric:
    """part ÷ over, which is its sample size. Both have the names that the example gives them, in this order.

    They are read over one interval: where one begins on the hour, so does the other.
    """
    return _quotient(name, "ratio", part, over, 1, help, example, shown)


def Mean(
    name: str,
    total: Measures,
    *,
    over: Measures,
    unit: str,
    help: str,
    example: Example,
    per: int = 1,
    **shown: Unpack[Shown],
) -> Metric:
    """As a ratio, of a total in a smaller unit: `per` of it are one of `unit`."""
    return _quotient(name, unit, total, over, per, help, example, shown)


def Derived(
    name: str,
    formula: Callable[..., Value],
    reads: Mapping[str, Read],
    *,
    unit: str,
    help: str,
    example: Example,
    sample_size: str = "",
    **shown: Unpack[Shown],
) -> Metric:
    """Any formula; `reads` are its arguments, of which `sample_size` is one."""
    return Metric(name, help, unit, reads, formula, example, sample_size=sample_size, **_shown(name, None, (), shown))


def Quantile(
    name: str,
    counted: Series,
    *,
    unit: str,
    help: str,
    example: Example,
    per: int = 1,
    quantiles: tuple[str, ...] = ("0.5", "0.9"),
    **shown: Unpack[Shown],
) -> Metric:
    """What so many of the amounts do not exceed, of a series that counts them by `bucket`; at most 5 % off.

    The example names the amount and how many there are; `per` of the amounts are one of `unit`.
    """
    part = of(counted)
    amount_name, number_name = example.reads

    def formula(**read: float) -> Value:
        return read[amount_name] / per if read[number_name] else None

    metric = Metric(
        name,
        help,
        unit,
        {amount_name: quantile(counted, part), number_name: part},
        formula,
        example,
        sample_size=number_name,
        series=(counted,),
        **_shown(name, part, (), {"by": "", **shown}),
    )
    return replace(metric, labels={"quantile": quantiles, **metric.labels})


def by_segment(series: Series, reads: Mapping[str, Any], value: Value, **labels: str) -> Breakdown:
    """By segment, where that is a split of the series; the example is of `labels` with the segment among them."""
    example = Example(reads, value, labels)
    return Breakdown(SEGMENT, segments(series), example, added=BY_SEGMENT)


def _quotient(
    name: str, unit: str, part: Measures, over: Measures, per: int, help_: str, example: Example, shown: Shown
) -> Metric:
    bases = tuple(part) if isinstance(part, Mapping) else ()
    pairs = [
        _aligned(*(_reading(each[basis] if isinstance(each, Mapping) else each) for each in (part, over)))
        for basis in bases or ("",)
    ]
    parts, overs = zip(*pairs, strict=True)
    part_name, over_name = example.reads

    def formula(**read: float) -> Value:
        return ratio(read[part_name] if per == 1 else read[part_name] / per, read[over_name])

    return Metric(
        name,
        help_,
        unit,
        {part_name: _by_basis(bases, parts, shown), over_name: _by_basis(bases, overs, shown)},
        formula,
        example,
        sample_size=over_name,
        series=_series((*parts, *overs), shown),
        **_shown(name, parts[0], bases, shown),
    )


def _reading(counted: Measured) -> Read:
    return of(counted) if isinstance(counted, Series) else counted


def _series(reads: Iterable[Read], shown: Shown) -> tuple[Series, ...]:
    read = (each.series for each in reads if isinstance(each, Part))
    return tuple(dict.fromkeys((*read, *shown.get("found_in", ()))))


def _aligned(one: Read, other: Read) -> tuple[Read, Read]:
    """Both over the interval of the one that begins earlier."""
    if not (isinstance(one, Part) and isinstance(other, Part)):
        return one, other
    exact = one.to_the_minute and other.to_the_minute
    return replace(one, to_the_minute=exact), replace(other, to_the_minute=exact)


def _by_basis(bases: Iterable[str], reads: tuple[Read, ...], shown: Shown) -> Read:
    if len(reads) == 1:
        return reads[0]
    label, by_basis = shown.get("basis", BASIS), dict(zip(bases, reads, strict=True))

    def read(view: View, labels: Labels) -> Any:
        return by_basis[labels[label]](view, labels)

    return read


def _shown(name: str, first: Read | None, bases: tuple[str, ...], shown: Shown) -> dict[str, Any]:
    """The arguments of the metric that say how it is shown."""
    series = first.series if isinstance(first, Part) else None
    further = shown.get("labels", {})
    own = tuple(label for label in series.labels if label not in further) if series else ()
    by = tuple(shown["by"].split()) if "by" in shown else own
    found_in = shown.get("found_in") or (series or ())
    labels: dict[str, Choices] = {}
    if shown.get("windows"):
        labels["window"] = shown["windows"]
    if bases:
        labels[shown.get("basis", BASIS)] = bases
    return {
        "labels": {**labels, **further},
        "rows": shown.get("rows") or (found_together(found_in, *by) if by else None),
        "row_labels": by,
        "panel": shown.get("panel") or Panel(_title(name)),
        "card": shown.get("card"),
        "alerts": shown.get("alerts", ()),
        "breakdowns": shown.get("breakdowns", ()),
        "rolling": shown.get("rolling", True),
    }


def _title(name: str) -> str:
    return name.removeprefix("engagement_").replace("_", " ").capitalize()

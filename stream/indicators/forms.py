"""Forms: indicators that are counts, ratios or means of series, each one declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from stream.core.series import Kind, Series
from stream.core.time import WINDOWS
from stream.indicators.declare import Alert, Breakdown, Card, Example, Metric, Panel, Value, count, ratio
from stream.indicators.reads import Choices, Labels, Part, Read, Rows, View, found_together, of, quantile

ALL = tuple(WINDOWS)

Measured = Series | Part
Measures = Measured | Mapping[str, Measured]
"""What is counted; or, by the label `basis`, what of each."""


class Shown(TypedDict, total=False):
    """What every form takes besides what it counts.

    by        labels, apart by spaces: a sample for each combination of values that was ever counted; else those of
              the series
    found_in  the plain counts in which these combinations are found; else the series
    rows      these combinations, where they are found otherwise
    windows   a sample for each; without any, the parts have windows of their own
    panel     else its title is the indicator's name
    """

    by: str
    found_in: tuple[Series, ...]
    rows: Rows
    windows: tuple[str, ...]
    panel: Panel
    card: Card
    alerts: tuple[Alert, ...]
    breakdowns: tuple[Breakdown, ...]


def Count(
    name: str, counted: Measured, *, help: str, example: Example, unit: str = "", **shown: Unpack[Shown]
) -> Metric:
    """How many. The unit is that of the series, `customers` or `events`, unless another one is given."""
    part = _part(counted)
    return Metric(
        name,
        help,
        unit or ("customers" if part.series.kind is Kind.CENSUS else "events"),
        {"number": part},
        count,
        example,
        series=(part.series,),
        **_shown(name, part.series, (), shown),
    )


def Ratio(
    name: str, part: Measures, *, over: Measures, help: str, example: Example, **shown: Unpack[Shown]
) -> Metric:
    """part ÷ over, which is what it rests on. Both have the names that the example gives them, in this order.

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


def Quantile(
    name: str,
    counted: Measured,
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
    part = _part(counted)
    amount_name, number_name = example.reads

    def formula(**read: float) -> Value:
        return read[amount_name] / per if read[number_name] else None

    metric = Metric(
        name,
        help,
        unit,
        {amount_name: quantile(part.series, part), number_name: part},
        formula,
        example,
        rests_on=number_name,
        series=(part.series,),
        **_shown(name, part.series, (), {"by": "", **shown}),
    )
    return replace(metric, labels={"quantile": quantiles, **metric.labels})


def _quotient(
    name: str, unit: str, part: Measures, over: Measures, per: int, help_: str, example: Example, shown: Shown
) -> Metric:
    bases = tuple(part) if isinstance(part, Mapping) else ()
    pairs = [
        _aligned(*(_part(each[basis] if isinstance(each, Mapping) else each) for each in (part, over)))
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
        {part_name: _read(bases, parts), over_name: _read(bases, overs)},
        formula,
        example,
        rests_on=over_name,
        series=tuple(dict.fromkeys(each.series for each in (*parts, *overs))),
        **_shown(name, parts[0].series, bases, shown),
    )


def _part(counted: Measured) -> Part:
    return counted if isinstance(counted, Part) else of(counted)


def _aligned(one: Part, other: Part) -> tuple[Part, Part]:
    """Both over the interval of the one that begins earlier."""
    exact = one.to_the_minute and other.to_the_minute
    return replace(one, to_the_minute=exact), replace(other, to_the_minute=exact)


def _read(bases: Iterable[str], parts: tuple[Part, ...]) -> Read:
    if len(parts) == 1:
        return parts[0]
    by_basis = dict(zip(bases, parts, strict=True))

    def read(view: View, labels: Labels) -> int:
        return by_basis[labels["basis"]](view, labels)

    return read


def _shown(name: str, first: Series, bases: tuple[str, ...], shown: Shown) -> dict[str, Any]:
    """The arguments of the metric that say how it is shown."""
    by = tuple(shown["by"].split()) if "by" in shown else first.labels
    labels: dict[str, Choices] = {}
    if shown.get("windows"):
        labels["window"] = shown["windows"]
    if bases:
        labels["basis"] = bases
    return {
        "labels": labels,
        "rows": shown.get("rows") or (found_together(shown.get("found_in", first), *by) if by else None),
        "row_labels": by,
        "panel": shown.get("panel") or Panel(_title(name)),
        "card": shown.get("card"),
        "alerts": shown.get("alerts", ()),
        "breakdowns": shown.get("breakdowns", ()),
    }


def _title(name: str) -> str:
    return name.removeprefix("engagement_").replace("_", " ").capitalize()

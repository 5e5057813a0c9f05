"""Forms: indicators that are counts, ratios or means of series, each one declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from stream.core.series import Kind, Series
from stream.core.time import WINDOWS
from stream.indicators.declare import Alert, Breakdown, Card, Example, Metric, Panel, Value, count, ratio
from stream.indicators.reads import Choices, Labels, Part, Read, Rows, View, found_together, of

ALL = tuple(WINDOWS)
BASIS = "basis"

Measured = Series | Part
Measures = Measured | Mapping[str, Measured]
"""What is counted; or what of each value of a label: `basis`, unless another one is named."""


class Shown(TypedDict, total=False):
    """What every form takes besides what it counts.

    by        labels, apart by spaces: a sample for each combination of values that was ever counted; else those of
              the series
    found_in  the plain counts in which these combinations are found; else the series
    rows      these combinations, where they are found otherwise
    values    label -> its values, which are fixed, or found by themselves; it is none of `by`
    basis     the label by whose values different things are counted
    windows   a sample for each; without any, the parts have windows of their own
    panel     else its title is the indicator's name
    """

    by: str
    found_in: tuple[Series, ...]
    rows: Rows
    values: Mapping[str, Choices]
    basis: str
    windows: tuple[str, ...]
    panel: Panel
    card: Card
    alerts: tuple[Alert, ...]
    breakdowns: tuple[Breakdown, ...]


def Count(
    name: str, counted: Measures, *, help: str, example: Example, unit: str = "", **shown: Unpack[Shown]
) -> Metric:
    """How many. The unit is `events` of plain counts and else `customers`, unless another one is given."""
    bases = tuple(counted) if isinstance(counted, Mapping) else ()
    parts = tuple(map(_part, counted.values() if isinstance(counted, Mapping) else (counted,)))
    return Metric(
        name,
        help,
        unit or ("events" if parts[0].series.kind is Kind.FLOW else "customers"),
        {"number": _read(bases, parts, shown)},
        count,
        example,
        series=_series(parts, shown),
        **_shown(name, parts[0].series, bases, shown),
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
        {part_name: _read(bases, parts, shown), over_name: _read(bases, overs, shown)},
        formula,
        example,
        rests_on=over_name,
        series=_series((*parts, *overs), shown),
        **_shown(name, parts[0].series, bases, shown),
    )


def _part(counted: Measured) -> Part:
    return counted if isinstance(counted, Part) else of(counted)


def _aligned(one: Part, other: Part) -> tuple[Part, Part]:
    """Both over the interval of the one that begins earlier."""
    exact = one.to_the_minute and other.to_the_minute
    return replace(one, to_the_minute=exact), replace(other, to_the_minute=exact)


def _read(bases: Iterable[str], parts: tuple[Part, ...], shown: Shown) -> Read:
    if len(parts) == 1:
        return parts[0]
    label, by_basis = shown.get("basis", BASIS), dict(zip(bases, parts, strict=True))

    def read(view: View, labels: Labels) -> int:
        return by_basis[labels[label]](view, labels)

    return read


def _series(parts: Iterable[Part], shown: Shown) -> tuple[Series, ...]:
    return tuple(dict.fromkeys((*(part.series for part in parts), *shown.get("found_in", ()))))


def _shown(name: str, first: Series, bases: tuple[str, ...], shown: Shown) -> dict[str, Any]:
    """The arguments of the metric that say how it is shown."""
    labels: dict[str, Choices] = dict(shown.get("values", {}))
    by = (
        tuple(shown["by"].split()) if "by" in shown else tuple(label for label in first.labels if label not in labels)
    )
    if shown.get("windows"):
        labels["window"] = shown["windows"]
    if bases:
        labels[shown.get("basis", BASIS)] = bases
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

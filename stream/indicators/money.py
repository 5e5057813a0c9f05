"""Money: indicators in units of a currency, of amounts that stand in its minor unit in the series."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.currency import MINOR_UNITS
from stream.core.series import Series
from stream.indicators.declare import Alert, Card, Example, Metric, Panel, Value
from stream.indicators.reads import Choices, Labels, Read, Rows, View, found_together

MONEY = "currency"
"""The unit of an amount: the currency that its label names."""


def Amount(
    name: str,
    amount: Read,
    *,
    over: Read | None = None,
    found_in: tuple[Series, ...],
    help: str,
    example: Example,
    panel: Panel,
    labels: Mapping[str, Choices] | None = None,
    card: Card | None = None,
    alerts: tuple[Alert, ...] = (),
) -> Metric:
    """An amount, or what of it falls to each of those that it is divided by, which is what it rests on.

    amount    in minor units
    found_in  a sample for each currency that was ever counted in any of them
    example   names the amount, what it is divided by, and how many minor units make one, in this order
    """
    amount_name, *over_name, per_unit = example.reads
    reads = {amount_name: amount, **{name: over for name in over_name if over}, per_unit: minor_units}

    def formula(**read: int) -> Value:
        parts = [read[name] for name in over_name]
        return None if 0 in parts else read[amount_name] / (read[per_unit] * (parts[0] if parts else 1))

    return Metric(
        name,
        help,
        MONEY,
        reads,
        formula,
        example,
        panel,
        alerts,
        labels=labels or {},
        rows=currencies(*found_in),
        row_labels=("currency",),
        sample_size="".join(over_name),
        card=card,
        series=found_in,
    )


def currencies(*series: Series) -> Rows:
    """Those that the product has shown so far. One that ISO 4217 has withdrawn since has no minor unit any more, and
    is left out."""
    found = found_together(series, "currency")
    return lambda view: [row for row in found(view) if row["currency"] in MINOR_UNITS]


def minor_units(view: View, labels: Labels) -> int:
    """How many make one unit of the currency."""
    return MINOR_UNITS[labels["currency"]]


def less(one: Read, other: Read) -> Read:
    """The difference of two readings."""
    return lambda view, labels: one(view, labels) - other(view, labels)

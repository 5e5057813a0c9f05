"""The README's table of indicators."""

from __future__ import annotations

from stream.indicators.catalogue import FAMILIES
from stream.indicators.declare import Metric
from stream.render.words import label_names, question, worked_example
from stream.runtime.errors import UserError

BEGIN = "<!-- generated from stream/indicators by `assidu render`: do not edit -->\n"
END = "<!-- end of generated part -->\n"


def with_table(text: str) -> str:
    """The text with its generated part made anew. Raises UserError when it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"README.md has no part between {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{_tables()}\n{END}{after}"


def _tables() -> str:
    """A table a family, an indicator a row."""
    parts = []
    for family in FAMILIES:
        rows = "".join(_row(metric) for metric in family.metrics)
        parts.append(
            f"**{question(family)}**\n\n| gauge | labels | what it says | example |\n|---|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def _row(metric: Metric) -> str:
    return f"| `{metric.name}` | {label_names(metric)} | {metric.help} | {worked_example(metric)} |\n"

"""What is written from the definitions of the metrics: so far, the table of indicators in the README."""

from __future__ import annotations

from pathlib import Path

from stream.core.definition import Metric
from stream.errors import UserError
from stream.metrics import FAMILIES

BEGIN = "<!-- generated from stream/metrics by `make render`: do not edit -->\n"
END = "<!-- end of generated part -->\n"


def indicators() -> str:
    """Markdown: a table a family, an indicator a row."""
    parts = []
    for family in FAMILIES:
        assert family.__doc__, "a family says in its first line which question it answers"
        rows = "".join(_row(metric) for metric in family.METRICS)
        title = family.__doc__.splitlines()[0]
        parts.append(f"**{title}**\n\n| gauge | labels | what it says | example |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def rendered(text: str) -> str:
    """The text with its generated part made anew. Raises UserError when it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"README.md has no part between {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{indicators()}\n{END}{after}"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{name}`" for name in ("product", *metric.labels))
    reads = ", ".join(f"{name} {value}" for name, value in metric.example.reads.items())
    return f"| `{metric.name}` | {labels} | {metric.help} | {reads} → {metric.example.value:g} |\n"


def main() -> None:
    """Write the generated part of README.md in this directory."""
    readme = Path("README.md")
    readme.write_text(rendered(readme.read_text()))


if __name__ == "__main__":
    main()

"""How the demo looks: the indicators of each product with their trends, above them the addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.demo.page import HISTORY_SECONDS, History, Page
from stream.runtime.printable import printable


class Unit(NamedTuple):
    """How a value, and the change of a value, are written."""

    value: Callable[[float], str]
    change: Callable[[float], str]


COUNT = Unit("{:,.0f}".format, "{:,.0f}".format)
PERCENT = Unit("{:.1%}".format, lambda change: f"{change * 100:.1f}")
SCORE = Unit("{:+.0f}".format, "{:.0f}".format)


class Row(NamedTuple):
    """One indicator; `about` is said once for the rows that share it."""

    about: str
    what: str
    unit: Unit
    name: str
    labels: dict[str, str]


def _rows(about: str, unit: Unit, name: str, label: str, values: dict[str, str]) -> Iterator[Row]:
    """A row for each value of the label."""
    for number, (value, what) in enumerate(values.items()):
        yield Row(about if number == 0 else "", what, unit, name, {label: value})


ACTIVE = tuple(
    _rows(
        "active customers",
        COUNT,
        "engagement_active_customers",
        "window",
        {"24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days"},
    )
)
DAY = {"window": "24h"}
NPS = {"survey_id": "after-visit", "scale": "0-10", "window": "30d"}
AT_HIGH_RISK = Row("churn risk", "high", COUNT, "engagement_risk_customers", {"level": "high"})
STICKINESS = Row("stickiness", "24 hours of 30 days", PERCENT, "engagement_stickiness_ratio", {})
MOVING = (
    *ACTIVE,
    STICKINESS,
    Row("click-through", "last 24 hours", PERCENT, "engagement_clickthrough_ratio", {**DAY, "basis": "events"}),
    Row("visits", "ended in 24 hours", COUNT, "engagement_visits", DAY),
    Row("", "of a single page", PERCENT, "engagement_bounce_ratio", {**DAY, "basis": "single_page"}),
    Row("promoter score", "last 30 days", SCORE, "engagement_nps_score", NPS),
    AT_HIGH_RISK,
    Row("", "medium", COUNT, "engagement_risk_customers", {"level": "medium"}),
    Row("first week", "engaged so far", PERCENT, "engagement_first_week_in_progress_ratio", {}),
)
COMPLETE_DAYS = (
    Row("first week", "engaged", PERCENT, "engagement_first_week_ratio", {}),
    *_rows(
        "retention",
        PERCENT,
        "engagement_retention_ratio",
        "day",
        {"1": "back on day 1", "30": "back on day 30"},
    ),
    Row("churn", "gone since last month", PERCENT, "engagement_churn_ratio", {}),
    Row("lifecycle", "new", COUNT, "engagement_lifecycle_customers", {"state": "new"}),
)


def view(history: History, addresses: RenderableType, left_seconds: float | None) -> RenderableType:
    """The whole screen: 24 lines of 80 columns, as narrow as terminals get."""
    return Group(
        addresses,
        "",
        _table(history, MOVING, f"right now; ▲▼ in the last {HISTORY_SECONDS:.0f} s", history.latest.products),
        "",
        _table(history, COMPLETE_DAYS, "complete days; these move at midnight"),
        "",
        _pulse(history, left_seconds),
    )


def _table(history: History, rows: Iterable[Row], title: str, headings: Iterable[str] = ()) -> Table:
    """A value and its trend for each product."""
    table = Table(box=None, padding=(0, 1), header_style="none")
    table.add_column(Text(title, style="dim italic"), width=38, no_wrap=True)
    for _product, heading in zip_longest(history.latest.products, headings, fillvalue=""):
        table.add_column(Text(printable(heading), style="bold"), justify="right", width=9, no_wrap=True)
        table.add_column(width=7, no_wrap=True)
    for row in rows:
        table.add_row(Text.assemble(f"{row.about:<17}", (row.what, "dim")), *_cells(history, row))
    return table


def plain_line(history: History) -> str:
    """The most telling numbers, for a log."""
    page, parts = history.latest, []
    for product in page.products:
        active = "/".join(_written(page, row, product) for row in ACTIVE)
        stickiness, at_risk = (_written(page, row, product) for row in (STICKINESS, AT_HIGH_RISK))
        parts.append(f"{printable(product)}: active {active} stickiness {stickiness} at high risk {at_risk}")
    return "  ".join([*parts, *_figures(history)])


def _cells(history: History, row: Row) -> Iterator[RenderableType]:
    for product in history.latest.products:
        yield Text(_written(history.latest, row, product))
        yield _trend(history, row, product)


def _written(page: Page, row: Row, product: str) -> str:
    value = page.value(row.name, product=product, **row.labels)
    return "–" if value is None else row.unit.value(value)


def _trend(history: History, row: Row, product: str) -> Text:
    """Against the oldest page; nothing where the change cannot be seen in the number itself."""
    then = history.oldest.value(row.name, product=product, **row.labels)
    now = history.latest.value(row.name, product=product, **row.labels)
    if then is None or now is None or row.unit.value(then) == row.unit.value(now):
        return Text("")
    return Text(f"{'▲' if now > then else '▼'} {row.unit.change(abs(now - then))}", style="cyan")


def _figures(history: History) -> Iterator[str]:
    """How the pipeline is."""
    page, rate = history.latest, history.events_per_second
    if rate is not None:
        yield f"{rate:,.0f} events/s"
    yield f"lag {page.lag_events:,}"
    yield f"data {page.age_seconds:.1f} s old"
    yield f"{page.counted_events:,} events"


def _pulse(history: History, left_seconds: float | None) -> Text:
    until = "Ctrl-C ends it" if left_seconds is None else f"ends in {left_seconds:.0f} s"
    return Text(" " + " · ".join([*_figures(history), until]), style="dim")

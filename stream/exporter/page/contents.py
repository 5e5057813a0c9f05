"""What the page shows, in the order of reading: which indicators, in which windows, under which words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from stream.indicators.catalogue import METRICS
from stream.indicators.declare import Labels, Metric, Value, View, ratio


@dataclass(frozen=True)
class Figure:
    """One number of a card: its labels (without the product), its caption, and what the count below it counts."""

    caption: str = ""
    labels: Labels = field(default_factory=dict)
    counted: str = ""


@dataclass(frozen=True)
class Card:
    """One indicator.

    window     said once for all figures
    rests_on   the argument of the formula that is shown as the count below a figure
    margin     the indicator of the same labels that is shown as ±
    always     also while the product has shown none of the indicator's rows
    by_day     what a rolling figure was when the last complete day ended, where that is stored: its trend
    """

    title: str
    metric: Metric
    window: str
    figures: tuple[Figure, ...] | Callable[[View], tuple[Figure, ...]] = (Figure(),)
    rests_on: str | None = None
    margin: Metric | None = None
    always: bool = True
    by_day: Callable[[View, Labels], Value] | None = None

    def figures_of(self, view: View) -> tuple[Figure, ...]:
        """Some depend on the definitions."""
        return self.figures(view) if callable(self.figures) else self.figures

    @property
    def step(self) -> Literal["minute", "day"]:
        """Of its trends."""
        return "minute" if self.metric.rolling and self.by_day is None else "day"


@dataclass(frozen=True)
class Section:
    """Cards that answer one question."""

    title: str
    cards: tuple[Card, ...]


_METRICS = {metric.name: metric for metric in METRICS}
_WINDOWS = {"24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days"}


_AT_RISK = {"high": "high risk", "medium": "medium risk"}
_REASONS = {
    "silence": "long silence",
    "subscription_cancelled": "cancelled",
    "nps_detractor": "detractor (NPS)",
    "negative_answer": "poor answer",
    "open_ticket": "open ticket",
    "first_week": "weak first week",
}


def _active(days: str, view: View) -> int:
    number: int = _METRICS["engagement_calendar_active_customers"].reads["number"](view, {"days": days})
    return number


_DAYS = {"24h": "1", "7d": "7", "30d": "30"}


def _active_by_day(view: View, labels: Labels) -> Value:
    return _active(_DAYS[labels["window"]], view)


def _stickiness_by_day(view: View, _: Labels) -> Value:
    return ratio(_active("1", view), _active("30", view))


def _weekly_stickiness_by_day(view: View, _: Labels) -> Value:
    return ratio(_active("7", view), _active("30", view))


def _retention_days(view: View) -> tuple[Figure, ...]:
    return tuple(
        Figure(f"back on day {day}", {"day": str(day)}, "newcomers") for day in view.definitions.retention_days
    )


def _by_window() -> tuple[Figure, ...]:
    return tuple(Figure(caption, {"window": window}) for window, caption in _WINDOWS.items())


def _survey(title: str, name: str, margin: str | None = None, always: bool = True) -> Card:
    return Card(
        title,
        _METRICS[name],
        _WINDOWS["30d"],
        (Figure(labels={"window": "30d"}, counted="customers answered"),),
        rests_on="customers",
        margin=_METRICS[margin] if margin else None,
        always=always,
    )


CONTENTS = (
    Section(
        "Who comes",
        (
            Card(
                "Active customers",
                _METRICS["engagement_active_customers"],
                "to the minute",
                _by_window(),
                by_day=_active_by_day,
            ),
            Card(
                "Stickiness",
                _METRICS["engagement_stickiness_ratio"],
                "24 hours of 30 days",
                (Figure(counted="customers active in 30 days"),),
                rests_on="month",
                by_day=_stickiness_by_day,
            ),
            Card(
                "Weekly stickiness",
                _METRICS["engagement_stickiness_weekly_ratio"],
                "7 days of 30 days",
                (Figure(counted="customers active in 30 days"),),
                rests_on="month",
                by_day=_weekly_stickiness_by_day,
            ),
        ),
    ),
    Section(
        "Who is about to leave",
        (
            Card(
                "Customers at risk",
                _METRICS["engagement_risk_customers"],
                "now",
                tuple(Figure(caption, {"level": level}) for level, caption in _AT_RISK.items()),
            ),
            Card(
                "Share at risk",
                _METRICS["engagement_risk_ratio"],
                "now",
                tuple(Figure(caption, {"level": level}, "customers") for level, caption in _AT_RISK.items()),
                rests_on="customers",
            ),
            Card(
                "Why at high risk",
                _METRICS["engagement_risk_reasons_customers"],
                "now, by what weighs most",
                tuple(Figure(caption, {"level": "high", "reason": reason}) for reason, caption in _REASONS.items()),
            ),
        ),
    ),
    Section(
        "Who is new",
        (
            Card(
                "First week",
                _METRICS["engagement_first_week_ratio"],
                "last 28 complete days",
                (Figure(counted="customers past their first week"),),
                rests_on="customers",
            ),
            Card(
                "Retention",
                _METRICS["engagement_retention_ratio"],
                "last 28 complete days",
                _retention_days,
                rests_on="customers",
            ),
        ),
    ),
    Section(
        "Who stays, who leaves",
        (
            Card(
                "Churn",
                _METRICS["engagement_churn_ratio"],
                "30 complete days",
                (Figure(counted="customers active the 30 days before"),),
                rests_on="before",
            ),
            Card(
                "Lifecycle",
                _METRICS["engagement_lifecycle_customers"],
                "last 30 complete days",
                tuple(Figure(state, {"state": state}) for state in ("new", "returning", "resurrected", "dormant")),
            ),
        ),
    ),
    Section(
        "What they do",
        (
            Card(
                "Click-through",
                _METRICS["engagement_clickthrough_ratio"],
                _WINDOWS["7d"],
                (
                    Figure("clicks of impressions", {"window": "7d", "basis": "events"}, "impressions"),
                    Figure("customers who clicked", {"window": "7d", "basis": "customers"}, "customers exposed"),
                ),
                rests_on="shown",
            ),
            Card(
                "Bounce",
                _METRICS["engagement_bounce_ratio"],
                _WINDOWS["7d"],
                (
                    Figure("a single page", {"window": "7d", "basis": "single_page"}, "visits with a page"),
                    Figure("not engaged", {"window": "7d", "basis": "not_engaged"}, "visits with a page"),
                ),
                rests_on="visits",
            ),
            Card("Visits", _METRICS["engagement_visits"], "counted as they close", _by_window()),
            Card(
                "Mean visit",
                _METRICS["engagement_visit_mean_duration_seconds"],
                _WINDOWS["7d"],
                (Figure(labels={"window": "7d"}, counted="visits"),),
                rests_on="visits",
            ),
        ),
    ),
    Section(
        "What they say",
        (
            _survey("Recommendation (NPS)", "engagement_nps_score", margin="engagement_nps_margin"),
            _survey("Satisfaction (CSAT)", "engagement_csat_ratio"),
            _survey("Ease (CES)", "engagement_ces_ratio"),
            _survey("Ease, mean of 1 to 10", "engagement_ces_mean", always=False),
            _survey("Ease, of 1 to 3", "engagement_ces_score", always=False),
        ),
    ),
)


def cards() -> Iterator[Card]:
    for section in CONTENTS:
        yield from section.cards

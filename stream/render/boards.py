"""Which dashboards there are: the families on each, and what of them is seen before a row is expanded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stream.indicators.catalogue import FAMILIES
from stream.indicators.declare import Family, Metric
from stream.indicators.families import (
    acquisition,
    activity,
    care,
    churn_risk,
    clicks,
    cohorts,
    community,
    complete_days,
    content,
    conversion,
    dimensions,
    feature_use,
    first_week,
    journey,
    loyalty,
    messages,
    purchases,
    retention,
    revenue,
    revenue_at_risk,
    score,
    social,
    subscriptions,
    surveys,
    visits,
)

OPEN_PANELS = 8
"""At most so many panels of a dashboard are seen before a row is expanded."""


class Board(NamedTuple):
    """A dashboard: its question, and the families on it, a row for the question of each."""

    title: str
    question: str
    families: tuple[Family, ...] = ()

    @property
    def slug(self) -> str:
        """Its name in file names and addresses."""
        return self.title.lower().replace(" ", "-")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(metric for family in self.families for metric in family.metrics)


OVERVIEW = Board("Overview", "How faithfully do customers come back, right now?")
PIPELINE = Board("Pipeline", "Can the numbers be trusted? Age, lag, rejects, commits.")

_GROUPED = (
    Board(
        "Activity",
        "Who comes, how regularly, and what do they do?",
        (activity.FAMILY, complete_days.FAMILY, visits.FAMILY, feature_use.FAMILY, dimensions.FAMILY),
    ),
    Board(
        "First week and retention",
        "Do newcomers find their way, and who stays?",
        (first_week.FAMILY, retention.FAMILY),
    ),
    Board("Cohorts", "Of those who came in one week, how many are still here?", (cohorts.FAMILY,)),
    Board("Journey", "How far do newcomers come, and where do they get lost?", (journey.FAMILY,)),
    Board(
        "Campaigns and content",
        "What reaches customers, and what do they do then?",
        (clicks.FAMILY, messages.FAMILY, conversion.FAMILY, content.FAMILY),
    ),
    Board("Surveys and feedback", "What do customers say?", (surveys.FAMILY,)),
    Board(
        "Churn risk and revenue at risk",
        "Who is about to leave, why, and what would it cost?",
        (churn_risk.FAMILY, revenue_at_risk.FAMILY),
    ),
    Board(
        "Commerce",
        "What do customers pay, who buys again, and what does a new one cost?",
        (revenue.FAMILY, purchases.FAMILY, subscriptions.FAMILY, acquisition.FAMILY),
    ),
    Board("Care", "Who asks for help, and do they get it?", (care.FAMILY,)),
    Board(
        "Community and loyalty",
        "Who contributes, recommends and stays loyal?",
        (community.FAMILY, social.FAMILY, loyalty.FAMILY),
    ),
    Board("Score", "How engaged are customers, all in all?", (score.FAMILY,)),
)
_ALONE = (each for each in FAMILIES if not any(each in board.families for board in _GROUPED))

BOARDS = (*_GROUPED, *(Board(family.title, family.question, (family,)) for family in _ALONE))
"""In the order in which they are shown; each family is on one of them, if need be on one of its own."""

OVERVIEW_FIRST = (
    "engagement_active_customers",
    "engagement_stickiness_ratio",
    "engagement_first_week_ratio",
    "engagement_churn_ratio",
    "engagement_nps_score",
    "engagement_risk_ratio",
    "engagement_score_mean",
)
"""The indicators of the overview that are seen at once, beside the age of the data."""


class Group(NamedTuple):
    """A row of a board: indicators under a title, collapsed until they are asked for or not."""

    title: str
    metrics: tuple[Metric, ...]
    collapsed: bool


def board_of(metric: Metric) -> Board:
    [board] = [board for board in BOARDS if metric in board.metrics]
    return board


def groups(board: Board) -> tuple[Group, ...]:
    """Of each family what is seen at once under its question, and then what is collapsed."""
    seen, found = _seen_at_once(board), []
    for family in board.families:
        shown = tuple(metric for metric in family.metrics if metric.name in seen)
        collapsed = tuple(metric for metric in family.metrics if metric.name not in seen)
        found.append(Group(family.question, shown, collapsed=False))
        found.append(Group(f"More: {family.title.lower()}" if shown else family.question, collapsed, collapsed=True))
    return tuple(group for group in found if group.metrics)


def panel_number(board: Board, metric: Metric) -> int:
    """Panels are numbered from 1 on, in the order in which they stand."""
    return [each for group in groups(board) for each in group.metrics].index(metric) + 1


def _seen_at_once(board: Board) -> frozenset[str]:
    """The indicators whose panels are seen at once: each family's daily ones in turn, then its others."""
    ranked = [
        (not daily, place, at, metric.name)
        for at, family in enumerate(board.families)
        for daily, metrics in _by_use(family.metrics)
        for place, metric in enumerate(metrics)
    ]
    return frozenset(name for *_, name in sorted(ranked)[:OPEN_PANELS])


def _by_use(metrics: Sequence[Metric]) -> Iterator[tuple[bool, list[Metric]]]:
    """Those that are looked at daily (at least one is), and the others."""
    daily = [metric for metric in metrics if metric.card or metric.alerts or metric.panel.overview is not None]
    daily = daily or [metrics[0]]
    yield True, daily
    yield False, [metric for metric in metrics if metric not in daily]

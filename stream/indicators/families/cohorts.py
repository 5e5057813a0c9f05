"""Cohorts: of the customers who came first in the same week, how many were there in each week after it?

A cohort is named by the Monday of the week of its customers' anchors. Week 0 is that week, in which all of them were
there; weeks count once they are complete.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from stream.core.days import Bits, set_bits
from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.ragged import Ints
from stream.core.series import Key, Kind, Series
from stream.indicators.declare import Card, Example, Family, Heat, Metric, Panel, count, ratio
from stream.indicators.families.activity import Activity
from stream.indicators.reads import Labels, View
from stream.indicators.scenario import Scenario, event

COHORTS_SHOWN = 13
_WEEK = 7
_WEEKS_SEEN = 9
"""The weeks that are in one window of 64 days."""
_FIRST_DAYS = {
    first: np.uint64(sum(1 << _WEEK * week for week in range(min(_WEEKS_SEEN, COHORTS_SHOWN - first))))
    for first in (0, _WEEKS_SEEN)
}
"""The bits of the Mondays in the windows that begin with these weeks."""

COHORT = Series("cohort", Kind.FLOW, "day", ("week",))
"""At the Monday of the cohort: its customers who were active in the n-th week after it."""


def change(increments: Increments, customers: Customers, old: Activity, new: Activity, _: Definitions) -> None:
    """contribution(new) − contribution(old)."""
    before, now = _monday(old.first_day), _monday(new.first_day)
    stays = np.where(before == now, ~np.uint64(0), np.uint64(0))
    for first_week in _FIRST_DAYS:
        was, is_ = _weeks(old, before, first_week), _weeks(new, now, first_week)
        for monday, weeks, step in ((before, was & ~(is_ & stays), -1), (now, is_ & ~(was & stays), 1)):
            row, bit = set_bits(weeks)
            week = first_week + bit // _WEEK
            numbers = customers.keyed(
                customers.group[row], week, lambda product, week: COHORT.key(product, str(week))
            )
            increments.add(numbers, monday[row], step)


def _key(product: str, week: int) -> Key:
    return COHORT.key(product, str(week))


def _monday(day: Ints) -> Ints:
    """The first day of its week."""
    return day - (day - 1) % _WEEK


def _weeks(activity: Activity, monday: Ints, first: int) -> Bits:
    """Of the weeks from the `first` after the Monday on, whether any day was active: at the bit of the week's Monday;
    none once the anchor is forgotten."""
    known = activity.first_days & np.uint64(1)
    window = activity.days.window(np.arange(len(monday)), monday + first * _WEEK) * known
    for shift in (1, 2, 3):
        window |= window >> np.uint64(shift)
    return window & _FIRST_DAYS[first]


def _cohort(view: View, labels: Labels) -> int:
    """The customers of the cohort who were active in the week."""
    monday = date.fromisoformat(labels["cohort"]).toordinal()
    return view.sum(COHORT, labels, monday - 1, monday)


def _size(view: View, labels: Labels) -> int:
    return _cohort(view, {**labels, "week": "0"})


def _complete(view: View) -> list[dict[str, str]]:
    """Of the last cohorts that have begun, those with any customers: each with its weeks that are complete."""
    this_monday = view.today - (view.today - 1) % _WEEK
    return [
        row
        for ago in range(COHORTS_SHOWN - 1, 0, -1)
        for week in range(ago)
        if _size(view, row := {"cohort": _iso(this_monday - ago * _WEEK), "week": str(week)})
    ]


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "T is a Tuesday: the week of 23 March is the last complete one. ann, bob and cyd came first in the week of 9 "
    "March; ann was there on the last day of the next week and on the first of the one after, bob only in that. cyd "
    "seems to be of the next week until word of an earlier signup comes in. dan came first a week ago, eve "
    "yesterday: that cohort has no complete week.",
    (
        event("signup", "ann", "03-09 00:00"),
        event("login", "ann", "03-22 23:59", "03-23 00:00"),
        event("login", "bob", "03-15 23:59", "03-25", "03-30"),
        event("login", "cyd", "03-16"),
        event("login", "dan", "03-24"),
        event("login", "eve", "03-30"),
        event("signup", "cyd", "03-14"),
    ),
)

_LABELS = ("cohort", "week")
_EXAMPLE = {"cohort": "2026-03-09", "week": "1"}

FAMILY = Family(
    "Cohorts",
    "Of those who came first in the same week, how many are still there week after week?",
    SCENARIO,
    (
        Metric(
            name="engagement_cohort_customers",
            help="Customers of the cohort (the Monday of the week of their first activity) who were active in the "
            "n-th week after it; week 0 is all of them. The last 13 cohorts, complete weeks only.",
            unit="customers",
            reads={"number": _cohort},
            formula=count,
            example=Example({"number": 2}, 2, _EXAMPLE),
            panel=Panel("Customers of the cohorts, week by week", heat=Heat("cohort", "week")),
            series=(COHORT,),
            rolling=False,
            rows=_complete,
            row_labels=_LABELS,
        ),
        Metric(
            name="engagement_cohort_retention_ratio",
            help="Customers of the cohort who were active in the n-th week after it, as a share of the cohort. The "
            "last 13 cohorts, complete weeks only.",
            unit="ratio",
            reads={"active": _cohort, "customers": _size},
            formula=lambda active, customers: ratio(active, customers),
            example=Example({"active": 2, "customers": 3}, 2 / 3, _EXAMPLE),
            panel=Panel("Retention of the cohorts, week by week", heat=Heat("cohort", "week")),
            sample_size="customers",
            card=Card("Who is new", "Cohorts, week by week", "last 13 weeks", figures=(), always=False, order=2),
            series=(COHORT,),
            rolling=False,
            rows=_complete,
            row_labels=_LABELS,
        ),
    ),
)

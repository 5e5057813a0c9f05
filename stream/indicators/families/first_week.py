"""First week: cohorts of newcomers by the active days of their first week.

The anchor is the first activity by event time (a signup is activity); its local day is day 0, the first week is
days 0–6. A customer's channel here is the channel of its anchor.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.ragged import Ints
from stream.core.series import Key, Kind, Series
from stream.indicators.declare import (
    Alert,
    Breakdown,
    Card,
    Example,
    Family,
    Figure,
    MinSample,
    Panel,
    Reasons,
)
from stream.indicators.families.activity import CHANNELS, Activity
from stream.indicators.forms import Count, Ratio, by_segment
from stream.indicators.reads import Read, View, on_days
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.segments import with_segments

LAST_DAY = 6
COHORT_DAYS = 28
"""A cohort holds the customers whose decisive day is one of so many last complete days."""

ANCHORED = with_segments(Series("first_week", Kind.FLOW, "day", ("channel", "days")))
"""At the anchor day: customers by the anchor's channel and by how many days of the first week were active."""
_DAYS = 2 + ANCHORED.labels.index("days")


def change(increments: Increments, customers: Customers, old: Activity, new: Activity, _: Definitions) -> None:
    """contribution(new) − contribution(old): the customer's place in its cohort."""
    before, now = active_days(old), active_days(new)
    same = (before == now) & (old.first_day == new.first_day) & (old.first_channel == new.first_channel)
    for activity, active, count_ in ((old, before, -1), (new, now, 1)):
        rows = np.flatnonzero(~same & (active > 0))
        numbers = customers.key_ids.like(activity.first_channel[rows], _key, active[rows])
        increments.add(numbers, activity.first_day[rows], count_, rows)


def active_days(activity: Activity) -> Ints:
    """How many days of the first week were active; 0 once those days are forgotten, or without any activity."""
    week = activity.first_days
    active = np.bitwise_count(week & np.uint64((1 << (LAST_DAY + 1)) - 1)).astype(np.int64)
    return np.where(week & np.uint64(1), active, 0)


def _key(channel: Key, active_days: int) -> Key:
    return ANCHORED.key(*channel[1:], str(active_days))


def _engaged(view: View, key: Key) -> bool:
    return int(key[_DAYS]) >= view.definitions.first_week_days


def cohort(series: Series, decisive_day: int, engaged_only: bool = False) -> Read:
    """Customers of the cohort whose day `decisive_day` (of the anchor's count) is a complete one of the last 28."""
    where = _engaged if engaged_only else None
    return on_days(series, COHORT_DAYS + decisive_day, 1 + decisive_day, where)


def _in_progress(engaged_only: bool = False) -> Read:
    """Up to tomorrow, which a clock that is ahead may show already."""
    return on_days(ANCHORED, LAST_DAY, -1, _engaged if engaged_only else None)


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "The first week of ann and bob ended yesterday: ann's third active day was in time, by a minute, bob's a minute "
    "too late. dan's ended on the first of the last 28 complete days, cyd's the day before. eve's ends today: still "
    "in progress, as are fay's and hal's. gus seems new until word of an earlier signup comes in. "
    "ann and eve are in a segment.",
    (
        event("signup", "ann", "03-24"),
        event("login", "ann", "03-26", "03-30 23:59"),
        event("login", "bob", "03-24", channel="ios"),
        event("login", "bob", "03-25", "03-31 00:00"),
        event("login", "cyd", "02-24", "02-25", "02-26"),
        event("login", "dan", "02-25", "02-26", "02-27", channel="ios"),
        event("login", "eve", "03-25", "03-28", "03-31", channel="ios"),
        event("login", "fay", "03-31", channel="ios"),
        event("login", "gus hal", "03-30"),
        event("signup", "gus", "03-10"),
        event("identify", "ann eve", "03-31", traits={"segment": "pro"}),
    ),
)


def _by_channel(reads: Mapping[str, int], value: float) -> Breakdown:
    example = Example(reads, value, {"channel": "ios"})
    return Breakdown("channel", CHANNELS, example, added="By the channel of the first activity.")


FAMILY = Family(
    "First week",
    "Of the customers who came for the first time, how many came again on enough of their first days?",
    SCENARIO,
    (
        (
            Ratio(
                "engagement_first_week_ratio",
                cohort(ANCHORED, LAST_DAY, engaged_only=True),
                over=cohort(ANCHORED, LAST_DAY),
                help="Of the customers whose first week ended in the last 28 complete days, the share active on at "
                "least so many of its days (definitions.first_week_days: 3 unless it is changed).",
                example=Example({"engaged": 2, "customers": 4}, 0.5),
                card=Card(
                    "Who is new",
                    "First week",
                    "last 28 complete days",
                    (Figure(counted="customers past their first week"),),
                ),
                breakdowns=(
                    _by_channel({"engaged": 1, "customers": 2}, 0.5),
                    by_segment(ANCHORED, {"engaged": 1, "customers": 1}, 1.0, segment="pro"),
                ),
                panel=Panel("Engaged in the first week", overview={}),
                alerts=(
                    Alert(
                        name="EngagementFirstWeekFalling",
                        summary="New customers engage less in their first week than those of a week ago",
                        condition="falls_by",
                        threshold=0.2,
                        min_sample=MinSample("engagement_first_week_customers", at_least=50),
                        reasons=Reasons(
                            title="Lowest on the channels",
                            gauge="engagement_first_week_by_channel_ratio",
                            by="channel",
                            lowest=MinSample("engagement_first_week_by_channel_customers", at_least=25),
                        ),
                        for_="1h",
                    ),
                ),
                rolling=False,
            ),
            Count(
                "engagement_first_week_customers",
                cohort(ANCHORED, LAST_DAY),
                help="Customers whose first week ended in the last 28 complete days: what the ratio rests on.",
                example=Example({"number": 4}, 4),
                breakdowns=(
                    _by_channel({"number": 2}, 2),
                    by_segment(ANCHORED, {"number": 3}, 3, segment="unknown"),
                ),
                panel=Panel("First weeks ended in the last 28 days"),
                rolling=False,
            ),
            Ratio(
                "engagement_first_week_in_progress_ratio",
                _in_progress(engaged_only=True),
                over=_in_progress(),
                help="Of the customers still in their first week, the share that is engaged already.",
                example=Example({"engaged": 1, "customers": 3}, 1 / 3),
                breakdowns=(
                    _by_channel({"engaged": 1, "customers": 2}, 0.5),
                    by_segment(ANCHORED, {"engaged": 1, "customers": 1}, 1.0, segment="pro"),
                ),
                panel=Panel("Engaged already, first week in progress"),
            ),
            Count(
                "engagement_first_week_in_progress_customers",
                _in_progress(),
                help="Customers still in their first week: what the ratio in progress rests on.",
                example=Example({"number": 3}, 3),
                breakdowns=(
                    _by_channel({"number": 2}, 2),
                    by_segment(ANCHORED, {"number": 1}, 1, segment="pro"),
                ),
                panel=Panel("First weeks in progress"),
            ),
        ),
        Count(
            "engagement_first_week_active_days_customers",
            cohort(ANCHORED, LAST_DAY),
            labels={"days": tuple(str(days) for days in range(1, LAST_DAY + 2))},
            help="Customers whose first week ended in the last 28 complete days, by how many of its days were "
            "active.",
            example=Example({"number": 2}, 2, {"days": "3"}),
            panel=Panel("Customers by active days of the first week", bars="days"),
            rolling=False,
        ),
    ),
    series=(ANCHORED,),
)

"""Complete days: covers of the days up to yesterday, and the indicators that they make exact at any T."""

from __future__ import annotations

from typing import Any

import numpy as np

from stream.core.days import NO_DAY, Days, days_after, days_before, set_bits
from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.ragged import Ints, tallied
from stream.core.series import Kind, Series
from stream.indicators.declare import Card, Example, Family, Figure, Metric, Panel
from stream.indicators.families.activity import Activity
from stream.indicators.families.first_week import ANCHORED
from stream.indicators.forms import Count, Mean, Ratio
from stream.indicators.reads import Labels, Read, View, given, on_days, stood
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.segments import with_segments

PERIOD = 30
_PERIOD_BITS = np.uint64((1 << PERIOD) - 1)
_TODAY = np.uint64(1)

ACTIVE_ON_DAY = Series("active_on_day", Kind.FLOW, "day")
_WEEK, *_PERIODS = (Series(f"active_in_{width}_days", Kind.STOCK, "day") for width in (7, PERIOD, 2 * PERIOD))
COVERS = {7: _WEEK, **dict(zip((PERIOD, 2 * PERIOD), map(with_segments, _PERIODS), strict=True))}
ACTIVE_DAYS = Series("active_days", Kind.STOCK, "day", ("days",))
SERIES = (ACTIVE_ON_DAY, *COVERS.values(), ACTIVE_DAYS)


def change(increments: Increments, customers: Customers, old: Activity, new: Activity, _: Definitions) -> None:
    """contribution(new) − contribution(old), for the days that became active."""
    rows, days = new.days.beyond(old.days)
    if len(rows):
        increments.add(customers.numbers(ACTIVE_ON_DAY)[rows], days, 1)
        _cover(increments, customers, old.days, new.days, rows, days)
        _count_days(increments, customers, old.days, new.days, rows, days)


def _cover(increments: Increments, customers: Customers, old: Days, new: Days, rows: Ints, days: Ints) -> None:
    """A day's part of the cover is [day, min(day + width, next day)): the new days' parts come, and the part of the
    old day before a new one now ends there."""
    following = days_after(new.window(rows, days))
    back = days_before(new.window(rows, days - 64))
    after_old = (back < NO_DAY) & (old.window(rows, days - back) & _TODAY).astype(np.bool_)
    followed = days + days_after(old.window(rows, days))
    for width, series in COVERS.items():
        numbers = customers.numbers(series)[rows]
        increments.add(numbers, days, 1, rows)
        increments.add(numbers, days + np.minimum(width, following), -1, rows)
        cut = after_old & (back < width)
        increments.add(numbers[cut], np.minimum(days - back + width, followed)[cut], 1, rows[cut])
        increments.add(numbers[cut], days[cut], -1, rows[cut])


def _count_days(increments: Increments, customers: Customers, old: Days, new: Days, rows: Ints, days: Ints) -> None:
    """On each day that sees a new one in its period, the customer moves from n active days to more.

    The number changes where a day enters the period or leaves it; between those days it stays.
    """
    until = np.where(np.diff(rows, append=-1) == 0, np.minimum(np.diff(days, append=0), PERIOD), PERIOD)
    entering = new.window(rows, days)
    leaving = new.window(rows, days - PERIOD)
    place, ahead = set_bits((entering | leaving | _TODAY) & ((_TODAY << until.astype(np.uint64)) - _TODAY))
    first = days[place] + ahead
    last = np.where(np.diff(place, append=-1) == 0, np.append(first[1:], 0), (days + until)[place])
    group = customers.group[rows[place]]
    kinds, moments, steps = [], [], []
    for mask, moved in ((old, -1), (new, 1)):
        active = np.bitwise_count(mask.window(rows[place], first - PERIOD + 1) & _PERIOD_BITS)
        for day, step in ((first, moved), (last, -moved)):
            kinds.append(group * (PERIOD + 1) + active)
            moments.append(day)
            steps.append(np.full(len(day), step))
    _add_kinds(increments, customers, *map(np.concatenate, (kinds, moments, steps)))


def _add_kinds(increments: Increments, customers: Customers, kind: Ints, day: Ints, step: Ints) -> None:
    """`kind`: the group of slice and product · (PERIOD + 1) + active days; without any it is no class."""
    counts = kind % (PERIOD + 1) > 0
    kinds, place, day, step = tallied(kind[counts], day[counts], step[counts])
    group, active = np.divmod(kinds, PERIOD + 1)
    numbers = customers.keyed(group, active, lambda product, active: ACTIVE_DAYS.key(product, str(active)))
    increments.add(numbers[place], day, step)


def _calendar_active(view: View, labels: Labels) -> Any:
    days = int(labels["days"])
    read = on_days(ACTIVE_ON_DAY, 1, 1) if days == 1 else stood(COVERS[days])
    return read(view, {})


ACTIVES_NOW = stood(COVERS[PERIOD])
ACTIVES_BEFORE = stood(COVERS[PERIOD], days_ago=1 + PERIOD)
ACTIVES_EITHER = stood(COVERS[2 * PERIOD])
PERIODS_OF_CHURN: dict[str, Read] = {"now": ACTIVES_NOW, "before": ACTIVES_BEFORE, "either": ACTIVES_EITHER}
"""What `returning` is given, for retention and churn."""
NEW = on_days(ANCHORED, PERIOD, 1)


def returning(now: int, before: int, either: int) -> int:
    """Customers active in both periods, by inclusion and exclusion (DESIGN §2)."""
    return now + before - either


STATES = ("new", "returning", "resurrected", "dormant")


def lifecycle(state: str, now: int, before: int, either: int, new: int) -> int:
    """How many customers are in the state, given the actives of the periods and the new ones."""
    both = returning(now, before, either)
    return {"new": new, "returning": both, "resurrected": now - both - new, "dormant": before - both}[state]


def _gained(view: View, labels: Labels) -> int:
    """The new and the resurrected."""
    now, before, either = (read(view, labels) for read in (ACTIVES_NOW, ACTIVES_BEFORE, ACTIVES_EITHER))
    return int(now - returning(now, before, either))


def _lost(view: View, labels: Labels) -> int:
    """The dormant."""
    now, before, either = (read(view, labels) for read in (ACTIVES_NOW, ACTIVES_BEFORE, ACTIVES_EITHER))
    return int(before - returning(now, before, either))


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "The last 30 complete days are 1 to 30 March, the 30 before begin on 30 January. ann and gus are new, bob is "
    "returning, cyd resurrected, dan dormant. Today counts for nothing yet, so nothing does that eve did; fay has "
    "long been gone.",
    (
        event("login", "ann", "03-28", "03-29", "03-30", "03-31"),
        event("login", "bob", "01-30", "02-10", "03-20"),
        event("login", "cyd", "01-29", "03-24"),
        event("login", "dan", "02-28 23:59"),
        event("login", "eve", "03-31"),
        event("login", "fay", "01-10"),
        event("signup", "gus", "03-01 00:00"),
    ),
)

FAMILY = Family(
    "Complete days",
    "Who came in the days up to yesterday, how regularly, and who is new, back or gone?",
    SCENARIO,
    (
        Count(
            "engagement_calendar_active_customers",
            _calendar_active,
            labels={"days": ("1", "7", "30")},
            help="Distinct customers active in the last 1, 7 or 30 complete local days.",
            example=Example({"number": 2}, 2, {"days": "7"}),
            panel=Panel("Active customers, complete days"),
            rolling=False,
        ),
        Mean(
            "engagement_average_stickiness_ratio",
            on_days(ACTIVE_ON_DAY, PERIOD, 1),
            over=ACTIVES_NOW,
            per=PERIOD,
            unit="ratio",
            help="Mean daily actives of the last 30 complete days, as a share of the distinct actives of those days.",
            example=Example({"customer_days": 6, "customers": 4}, 0.05),
            panel=Panel("Average stickiness, complete days"),
            rolling=False,
        ),
        Count(
            "engagement_active_days_customers",
            stood(ACTIVE_DAYS),
            labels={"days": tuple(str(days) for days in range(1, PERIOD + 1))},
            help="Customers active on exactly so many of the last 30 complete days.",
            example=Example({"number": 3}, 3, {"days": "1"}),
            panel=Panel("Customers by active days of the last 30", bars="days"),
            rolling=False,
        ),
        Metric(
            name="engagement_lifecycle_customers",
            help="Customers by what they did in the last 30 complete days against the 30 before: new (first activity "
            "ever), returning (active in both), resurrected (active now, not before, not new), dormant (active "
            "before, not now).",
            unit="customers",
            labels={"state": STATES},
            reads={
                "state": given("state"),
                "now": ACTIVES_NOW,
                "before": ACTIVES_BEFORE,
                "either": ACTIVES_EITHER,
                "new": NEW,
            },
            formula=lifecycle,
            example=Example(
                {"state": "resurrected", "now": 4, "before": 2, "either": 5, "new": 2}, 1, {"state": "resurrected"}
            ),
            panel=Panel("Lifecycle", bars="state"),
            card=Card(
                "Who stays, who leaves",
                window="last 30 complete days",
                figures=tuple(Figure(state, {"state": state}) for state in STATES),
                order=1,
            ),
            rolling=False,
        ),
        Ratio(
            "engagement_quick_ratio",
            _gained,
            over=_lost,
            help="Growth accounting: customers gained (new and resurrected) in the last 30 complete days for each "
            "one lost (dormant), by their lifecycle. Above 1 the active customers grow.",
            example=Example({"gained": 3, "lost": 1}, 3.0),
            panel=Panel("Quick ratio: gained for each lost"),
            card=Card(
                "Who stays, who leaves",
                "Quick ratio",
                "last 30 complete days",
                (Figure(counted="customers lost"),),
                order=2,
            ),
            rolling=False,
        ),
    ),
    series=SERIES,
)

"""Complete days: who came in the days up to yesterday, how regularly, and who is new, back or gone?"""

from __future__ import annotations

from typing import Any

from stream.core.days import EMPTY, Days, counts_ahead, cover_growth
from stream.core.definition import Example, Labels, Metric, Panel, View, count, given, level, on_days, ratio
from stream.core.series import Add, Key, Kind, Series
from stream.core.story import Story, event
from stream.metrics.activity import Activity
from stream.metrics.first_week import ANCHORED

PERIOD = 30

ACTIVE_ON_DAY = Series("active_on_day", Kind.FLOW, "day")
COVERS = {width: Series(f"active_in_{width}_days", Kind.LEVEL, "day") for width in (7, PERIOD, 2 * PERIOD)}
ACTIVE_DAYS = Series("active_days", Kind.LEVEL, "day", ("days",))
SERIES = (ACTIVE_ON_DAY, *COVERS.values(), ACTIVE_DAYS)


def change(add: Add, product: str, old: Activity | None, new: Activity) -> None:
    """contribution(new) − contribution(old), for each day that became active."""
    days = old.days if old else EMPTY
    if days is new.days:
        return
    for day in new.days.beyond(days):
        add(ACTIVE_ON_DAY.key(product), day, 1)
        for width, series in COVERS.items():
            _span(add, series.key(product), *cover_growth(days, day, width), 1)
        _count_days(add, product, days, day)
        days = days.including(day)


def _count_days(add: Add, product: str, days: Days, day: int) -> None:
    """On each day that sees the new one in its period, the customer moves from n active days to n + 1."""
    for start, end, active in counts_ahead(days, day, PERIOD):
        if active:
            _span(add, ACTIVE_DAYS.key(product, str(active)), start, end, -1)
        _span(add, ACTIVE_DAYS.key(product, str(active + 1)), start, end, 1)


def _span(add: Add, key: Key, start: int, end: int, customers: int) -> None:
    """The level rises by `customers` on the days [start, end)."""
    if start < end:
        add(key, start, customers)
        add(key, end, -customers)


def _calendar_active(view: View, labels: Labels) -> Any:
    days = int(labels["days"])
    read = on_days(ACTIVE_ON_DAY, 1, 1) if days == 1 else level(COVERS[days])
    return read(view, {})


ACTIVES_NOW = level(COVERS[PERIOD])
ACTIVES_BEFORE = level(COVERS[PERIOD], days_ago=1 + PERIOD)
ACTIVES_EITHER = level(COVERS[2 * PERIOD])
NEW = on_days(ANCHORED, PERIOD, 1)


def returning(now: int, before: int, either: int) -> int:
    """Customers active in both periods, by inclusion and exclusion (DESIGN §2)."""
    return now + before - either


def lifecycle(state: str, now: int, before: int, either: int, new: int) -> int:
    """How many customers are in the state, given the actives of the periods and the new ones."""
    both = returning(now, before, either)
    return {"new": new, "returning": both, "resurrected": now - both - new, "dormant": before - both}[state]


STORY = Story(
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

METRICS = (
    Metric(
        name="engagement_calendar_active_customers",
        help="Distinct customers active in the last 1, 7 or 30 complete local days.",
        unit="customers",
        labels={"days": ("1", "7", "30")},
        reads={"number": _calendar_active},
        formula=count,
        example=Example({"number": 2}, 2, {"days": "7"}),
        panel=Panel("Active customers, complete days"),
        rolling=False,
    ),
    Metric(
        name="engagement_average_stickiness_ratio",
        help="Mean daily actives of the last 30 complete days, as a share of the distinct actives of those days.",
        unit="ratio",
        reads={"customer_days": on_days(ACTIVE_ON_DAY, PERIOD, 1), "customers": ACTIVES_NOW},
        formula=lambda customer_days, customers: ratio(customer_days / PERIOD, customers),
        example=Example({"customer_days": 6, "customers": 4}, 0.05),
        panel=Panel("Average stickiness, complete days"),
        rolling=False,
    ),
    Metric(
        name="engagement_active_days_customers",
        help="Customers active on exactly so many of the last 30 complete days.",
        unit="customers",
        labels={"days": tuple(str(days) for days in range(1, PERIOD + 1))},
        reads={"number": level(ACTIVE_DAYS)},
        formula=count,
        example=Example({"number": 3}, 3, {"days": "1"}),
        panel=Panel("Customers by active days of the last 30", bars="days"),
        rolling=False,
    ),
    Metric(
        name="engagement_lifecycle_customers",
        help="Customers by what they did in the last 30 complete days against the 30 before: new (first activity "
        "ever), returning (active in both), resurrected (active now, not before, not new), dormant (active before, "
        "not now).",
        unit="customers",
        labels={"state": ("new", "returning", "resurrected", "dormant")},
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
        rolling=False,
    ),
)

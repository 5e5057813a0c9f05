"""Who the simulated customers are: kinds of habit, and customers drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

PAST_DAYS = 75  # the longest look back is 60 complete days, and who returned must have been there before those


class Range(NamedTuple):
    """A number drawn evenly between the two."""

    low: float
    high: float

    def draw(self, chance: Random) -> float:
        return chance.uniform(self.low, self.high)


class Habit(NamedTuple):
    """A kind of customer.

    percent    of all customers
    gap_days   mean time between two visits, once the first enthusiasm is over
    joined     how many days ago they signed up
    away_from  how many days ago they stopped coming (None: never), and `away_until` when they came back
    """

    percent: int
    gap_days: Range
    joined: Range
    away_from: Range | None = None
    away_until: Range | None = None


LONG_AGO = Range(PAST_DAYS + 45, PAST_DAYS + 400)
HABITS = (
    Habit(5, Range(0.9, 1.6), LONG_AGO),  # daily
    Habit(27, Range(5, 9), LONG_AGO),  # weekly
    Habit(14, Range(9, 20), LONG_AGO),  # now and then
    Habit(15, Range(2, 7), LONG_AGO, Range(31, 58)),  # churned
    Habit(9, Range(2, 5), LONG_AGO, Range(62, 68), Range(1, 25)),  # away, and back
    Habit(22, Range(1, 6), Range(0, 60)),  # new, and likely to stay
    Habit(8, Range(20, 60), Range(0, 60)),  # new, and hardly seen again
)
JUST_NOW = Habit(100, Range(1, 6), Range(0, 0))  # of who signs up while we watch
PRODUCTS, PRODUCT_WEIGHTS = ("app", "shop"), (65, 35)
CHANNELS, CHANNEL_WEIGHTS = ("web", "ios", "android"), (45, 30, 25)
SEGMENTS, SEGMENT_WEIGHTS = ("trial", "team", "enterprise", None), (40, 25, 10, 25)
COUNTRIES = ("CH", "DE", "FR", "GB", "US")


class Plan(NamedTuple):
    """What a subscription is to, and what a month of it costs."""

    name: str
    amount_minor: int


FREE, PRO, BUSINESS = Plan("free", 0), Plan("pro", 2_900), Plan("business", 9_900)

SETTLED_DAYS = 30  # after so long the first enthusiasm is over; before, gaps are shorter
ENTHUSIASM = 4.0  # in the beginning, as many times shorter


@dataclass(frozen=True)
class Customer:
    """Times are days ago, seen from the moment that ends the past. Who has no segment is never identified."""

    user_id: str
    product: str
    channel: str
    segment: str | None
    country: str
    gap_days: float
    joined: float
    away_from: float = 0.0
    away_until: float = 0.0

    def gap_at(self, days_ago: float) -> float:
        """The mean gap between visits at that moment, in days."""
        settled = min(1.0, (self.joined - days_ago) / SETTLED_DAYS)
        return self.gap_days * (1 + (ENTHUSIASM - 1) * settled) / ENTHUSIASM

    def is_away(self, days_ago: float) -> bool:
        return self.away_until < days_ago <= self.away_from

    @property
    def has_left(self) -> bool:
        return bool(self.away_from and not self.away_until)


def drawn_habit(chance: Random) -> Habit:
    [habit] = chance.choices(HABITS, [habit.percent for habit in HABITS])
    return habit


def drawn_customer(number: int, habit: Habit, chance: Random) -> Customer:
    return Customer(
        user_id=f"customer-{number:05}",
        product=chance.choices(PRODUCTS, PRODUCT_WEIGHTS)[0],
        channel=chance.choices(CHANNELS, CHANNEL_WEIGHTS)[0],
        segment=chance.choices(SEGMENTS, SEGMENT_WEIGHTS)[0],
        country=chance.choice(COUNTRIES),
        gap_days=habit.gap_days.draw(chance),
        joined=habit.joined.draw(chance),
        away_from=habit.away_from.draw(chance) if habit.away_from else 0.0,
        away_until=habit.away_until.draw(chance) if habit.away_until else 0.0,
    )

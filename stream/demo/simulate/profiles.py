"""Who the simulated customers are: personas, and the profiles drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

PAST_DAYS = 75  # the longest look back is 60 complete days, and who returned must have been there before those


class Range(NamedTuple):
    """A number drawn evenly between the two."""

    low: float
    high: float

    def draw(self, rng: Random) -> float:
        return rng.uniform(self.low, self.high)


class Persona(NamedTuple):
    """A kind of customer.

    percent    of all customers
    gap_days   mean time between two visits, once the novelty has worn off
    joined     how many days ago they signed up
    away_from  how many days ago they stopped coming (None: never), and `away_until` when they came back
    """

    percent: int
    gap_days: Range
    joined: Range
    away_from: Range | None = None
    away_until: Range | None = None


LONG_AGO = Range(PAST_DAYS + 45, PAST_DAYS + 400)
PERSONAS = (
    Persona(5, Range(0.9, 1.6), LONG_AGO),  # daily
    Persona(27, Range(5, 9), LONG_AGO),  # weekly
    Persona(14, Range(9, 20), LONG_AGO),  # now and then
    Persona(15, Range(2, 7), LONG_AGO, Range(31, 58)),  # churned
    Persona(9, Range(2, 5), LONG_AGO, Range(62, 68), Range(1, 25)),  # resurrected
    Persona(22, Range(1, 6), Range(0, 60)),  # new, and likely to stay
    Persona(8, Range(20, 60), Range(0, 60)),  # new, and hardly seen again
)
LIVE_SIGNUP = Persona(100, Range(1, 6), Range(0, 0))
PRODUCTS, PRODUCT_WEIGHTS = ("app", "shop"), (65, 35)
CHANNELS, CHANNEL_WEIGHTS = ("web", "ios", "android"), (45, 30, 25)
SEGMENTS, SEGMENT_WEIGHTS = ("trial", "team", "enterprise", None), (40, 25, 10, 25)
COUNTRIES = ("CH", "DE", "FR", "GB", "US")


class SubscriptionPlan(NamedTuple):
    """`amount_minor` is the price of `period_days`."""

    name: str
    amount_minor: int
    period_days: int = 30


FREE = SubscriptionPlan("free", 0)
PRO = SubscriptionPlan("pro", 2_900)
BUSINESS = SubscriptionPlan("business", 9_900, period_days=28)

NOVELTY_DAYS = 30
NOVELTY_FACTOR = 4.0  # right after signup, visits are so many times as frequent


@dataclass(frozen=True)
class Profile:
    """What never changes of a customer. Times are days ago, seen from the end of the simulated past. A customer
    without a segment is never identified.
    """

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
        worn_off = min(1.0, (self.joined - days_ago) / NOVELTY_DAYS)
        return self.gap_days * (1 + (NOVELTY_FACTOR - 1) * worn_off) / NOVELTY_FACTOR

    def is_away(self, days_ago: float) -> bool:
        return self.away_until < days_ago <= self.away_from

    @property
    def has_churned(self) -> bool:
        return bool(self.away_from and not self.away_until)


def draw_persona(rng: Random) -> Persona:
    [persona] = rng.choices(PERSONAS, [persona.percent for persona in PERSONAS])
    return persona


def draw_profile(number: int, persona: Persona, rng: Random) -> Profile:
    return Profile(
        user_id=f"customer-{number:05}",
        product=rng.choices(PRODUCTS, PRODUCT_WEIGHTS)[0],
        channel=rng.choices(CHANNELS, CHANNEL_WEIGHTS)[0],
        segment=rng.choices(SEGMENTS, SEGMENT_WEIGHTS)[0],
        country=rng.choice(COUNTRIES),
        gap_days=persona.gap_days.draw(rng),
        joined=persona.joined.draw(rng),
        away_from=persona.away_from.draw(rng) if persona.away_from else 0.0,
        away_until=persona.away_until.draw(rng) if persona.away_until else 0.0,
    )

"""Simulated customers: what they did up to now, each in their own cadence, and what they do from now on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import accumulate, count
from operator import itemgetter
from random import Random
from typing import Any, NamedTuple

Event = dict[str, Any]
"""One event of the contract in `schemas/`, as a product would emit it."""

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
PRODUCTS, PRODUCT_WEIGHTS = ("app", "shop"), (65, 35)
CHANNELS, CHANNEL_WEIGHTS = ("web", "ios", "android"), (45, 30, 25)
CAMPAIGNS = ("spring", "referral", "newsletter")
PAGES = ("/", "/offers", "/search", "/basket", "/account")

SETTLED_DAYS = 30  # after so long the first enthusiasm is over; before, gaps are shorter
ENTHUSIASM = 4.0  # in the beginning, as many times shorter

CROWD = 60  # live visits going on at once
STAY = 0.7  # how likely a live visitor goes on after what would have been a visit
SIGN_UP = 0.05  # of live visitors
COME_BACK = 0.03  # how likely a live visitor who left is, compared with one who did not


@dataclass(frozen=True)
class Customer:
    """Times are days ago, seen from the moment that ends the past."""

    user_id: str
    product: str
    channel: str
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


class Step(NamedTuple):
    """One event of a visit, so many seconds after the visit began."""

    seconds: float
    type: str
    channel: str
    fields: Event


def simulate(seed: int, customers: int, now: datetime, days: int = PAST_DAYS) -> Iterator[Event]:
    """All that happened in the `days` before `now`, in the order of time.

    Every customer lives by a generator of its own, so that one more customer changes nothing for the others.
    """
    lives = (_life(customer, chance, now, days) for customer, chance in _population(seed, customers))
    for number, event in enumerate(merge(*lives, key=itemgetter("timestamp"))):
        yield {"event_id": f"past-{number}", **event}


def live(seed: int, customers: int, clock: Callable[[], datetime]) -> Iterator[Event]:
    """What the same customers, and new ones, do from now on: endless, each event at the clock's moment.

    Whoever used to come often comes first; a few who had left are back.
    """
    chance = Random(f"{seed} live")
    visitors = _visitors(seed, customers, chance)
    crowd = [_stay(next(visitors), chance) for _ in range(CROWD)]
    for number in count():
        place = chance.randrange(CROWD)
        while (found := next(crowd[place], None)) is None:
            crowd[place] = _stay(next(visitors), chance)
        customer, step = found
        yield {"event_id": f"live-{number}", **_event(customer, step, clock())}


def _population(seed: int, customers: int) -> Iterator[tuple[Customer, Random]]:
    for number in range(customers):
        chance = Random(f"{seed} customer {number}")
        [habit] = chance.choices(HABITS, [habit.percent for habit in HABITS])
        yield _customer(number, habit, chance), chance


def _customer(number: int, habit: Habit, chance: Random) -> Customer:
    return Customer(
        user_id=f"customer-{number:05}",
        product=chance.choices(PRODUCTS, PRODUCT_WEIGHTS)[0],
        channel=chance.choices(CHANNELS, CHANNEL_WEIGHTS)[0],
        gap_days=habit.gap_days.draw(chance),
        joined=habit.joined.draw(chance),
        away_from=habit.away_from.draw(chance) if habit.away_from else 0.0,
        away_until=habit.away_until.draw(chance) if habit.away_until else 0.0,
    )


def _life(customer: Customer, chance: Random, now: datetime, days: int) -> Iterator[Event]:
    """The customer's events of the past, in the order of time."""
    signs_up = customer.joined < days
    days_ago = customer.joined if signs_up else days - chance.random() * customer.gap_days
    while days_ago > 0:
        if customer.is_away(days_ago):
            days_ago = customer.away_until
            continue
        visit_at, last_seconds = now - timedelta(days=days_ago), 0.0
        for step in _visit(customer, chance, signs_up):
            happened = visit_at + timedelta(seconds=step.seconds)
            if happened >= now:
                return
            last_seconds = step.seconds
            yield _event(customer, step, happened)
        signs_up = False
        # A gamma of shape 2 is more regular than chance: people have a rhythm.
        gap_days = chance.gammavariate(2, customer.gap_at(days_ago) / 2)
        days_ago -= max(gap_days, (last_seconds + 60) / 86_400)


def _visitors(seed: int, customers: int, chance: Random) -> Iterator[Customer]:
    """Who comes next, live: someone known, or (of no use to the past) someone who signs up; `joined` is 0 then."""
    known = [customer for customer, _ in _population(seed, customers)]
    left = (COME_BACK if customer.away_from and not customer.away_until else 1.0 for customer in known)
    weights = list(accumulate(here / customer.gap_at(0) for here, customer in zip(left, known, strict=True)))
    habit = Habit(100, Range(1, 6), Range(0, 0))
    for number in count(customers):
        while chance.random() >= SIGN_UP:
            yield chance.choices(known, cum_weights=weights)[0]
        yield _customer(number, habit, chance)


def _stay(customer: Customer, chance: Random) -> Iterator[tuple[Customer, Step]]:
    """Everything the live visitor does before leaving."""
    signs_up = customer.joined == 0
    while True:
        for step in _visit(customer, chance, signs_up):
            yield customer, step
        if chance.random() >= STAY:
            return
        signs_up = False


def _visit(customer: Customer, chance: Random, signs_up: bool) -> Iterator[Step]:
    """A visit from its beginning to the summary of its session."""
    channel, seconds, pages = customer.channel, 0.0, 0
    if signs_up:
        yield Step(seconds, "signup", channel, {"plan": "free"})
    elif chance.random() < 0.12:
        yield Step(seconds, "click", "email", {"campaign": "newsletter", "element": "read-more"})
    elif chance.random() < 0.4:
        yield Step(seconds, "login", channel, {"method": "password"})
    while pages == 0 or chance.random() < 0.4:
        stayed = 3 + chance.expovariate(1 / 40)
        page = {"page": chance.choice(PAGES), "duration_ms": int(stayed * 1000)}
        yield Step(seconds + 1, "page_view", channel, page)
        shown = {"campaign": chance.choice(CAMPAIGNS), "content": "banner"}
        if chance.random() < 0.45:
            yield Step(seconds + 2, "impression", channel, shown)
            if chance.random() < 0.25:
                yield Step(seconds + 3, "click", channel, {**shown, "element": "banner"})
        seconds, pages = seconds + 1 + stayed, pages + 1
    session = {"session_id": f"{chance.getrandbits(48):012x}", "duration_ms": int(seconds * 1000)}
    yield Step(seconds, "session", channel, {**session, "page_views": pages})
    yield from _survey(channel, seconds, chance)


def _survey(channel: str, seconds: float, chance: Random) -> Iterator[Step]:
    """Some are asked at the end, and some of those answer."""
    survey = {"survey": "nps", "survey_id": "after-visit"}
    if chance.random() < 0.03:
        yield Step(seconds + 5, "survey_sent", channel, survey)
        if chance.random() < 0.4:
            score = min(10, int(chance.triangular(0, 11, 9)))
            yield Step(seconds + 20, "survey_response", channel, {**survey, "score": score, "scale": "0-10"})


def _event(customer: Customer, step: Step, happened: datetime) -> Event:
    return {
        "type": step.type,
        "user_id": customer.user_id,
        "timestamp": happened.isoformat(timespec="milliseconds"),
        "product": customer.product,
        "channel": step.channel,
        **step.fields,
    }

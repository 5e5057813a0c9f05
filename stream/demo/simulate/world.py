"""The simulated world: customers who come and go in their own rhythm, up to now and on from now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import merge
from itertools import accumulate, count
from random import Random
from typing import NamedTuple

from stream.demo.simulate.churn_propensity import churn_propensity
from stream.demo.simulate.commerce import spending
from stream.demo.simulate.community import reach
from stream.demo.simulate.profiles import LIVE_SIGNUP, PAST_DAYS, PRODUCTS, Persona, draw_persona, draw_profile
from stream.demo.simulate.scheduler import Scheduler, Step
from stream.demo.simulate.session import Customer, Event
from stream.demo.simulate.visit import visit

DAY_MS = 86_400_000

LIVE_VISITORS = 60  # at once
VISITS_ON = 0.7  # the probability that a live visitor goes on after a visit
SIGNS_UP = 0.05  # of live visitors
RESURRECTION_WEIGHT = 0.03  # how often a customer who left, or is about to, visits live, compared with others

ABANDONED_MS = 20 * 60_000
"""A live visitor whose turn did not come for so long has left."""


class TimedEvent(NamedTuple):
    """An event and its moment, in milliseconds since the epoch."""

    at_ms: int
    event: Event


class TimedStep(NamedTuple):
    """A step of a customer's past. Steps of the same moment go by the customers' numbers."""

    at_ms: int
    number: int
    step: Step


class World:
    """The same seed, customers, moment and days make the same world, event ids included. Every customer has a random
    generator of its own, so that one more customer changes nothing for the others.
    """

    def __init__(self, seed: int, customers: int, now: datetime, days: float = PAST_DAYS) -> None:
        self._seed = seed
        self._now_ms = int(now.timestamp() * 1000)
        self._days = days
        self._numbers = count()
        self._scheduler = Scheduler()
        self._customers = [self._customer(number) for number in range(customers)]
        for product in PRODUCTS:
            rng = Random(f"{seed} spending on {product}")
            self._scheduler.start(spending(product, rng, self._new_id), self._now_ms - int(days * DAY_MS))
            rng = Random(f"{seed} reach of {product}")
            self._scheduler.start(reach(product, rng, self._new_id), self._now_ms - int(days * DAY_MS))

    def past(self) -> Iterator[TimedEvent]:
        """All events of the days before now, in the order of time."""
        pasts = (self._past_of(number, customer, rng) for number, (customer, rng) in enumerate(self._customers))
        for at_ms, _, step in merge(*pasts, key=lambda timed: timed[:2]):
            if self._scheduler.next_ms <= at_ms:
                yield from self._scheduled(at_ms)
            yield self._run(at_ms, step)
        yield from self._scheduled(self._now_ms - 1)

    def live(self, clock_ms: Callable[[], int]) -> Iterator[TimedEvent]:
        """The events from now on, of the same customers and new ones: endless, each at the clock's moment.

        The more often customers used to visit, the sooner they do; a few who had left are back. Workflows keep their
        pace.
        """
        rng = Random(f"{self._seed} live")
        visitors = self._live_visitors(rng)
        at_ms = self._now_ms
        present = [_LiveVisitor(next(visitors), rng, at_ms) for _ in range(LIVE_VISITORS)]
        while True:
            at_ms = max(at_ms, clock_ms())  # a clock that is put back must not undo the order of events
            if self._scheduler.next_ms <= at_ms:
                yield TimedEvent(at_ms, self._scheduler.run_next(at_ms))
                continue
            place = rng.randrange(LIVE_VISITORS)
            while (step := present[place].next_step(at_ms)) is None:
                present[place] = _LiveVisitor(next(visitors), rng, at_ms)
            yield self._run(at_ms, step)

    def _run(self, at_ms: int, step: Step) -> TimedEvent:
        timed = TimedEvent(at_ms, step.act(at_ms))
        if step.workflow:
            self._scheduler.start(step.workflow, at_ms)
        return timed

    def _scheduled(self, until_ms: int) -> Iterator[TimedEvent]:
        """The events of workflows until then."""
        while (at_ms := self._scheduler.next_ms) <= until_ms:
            yield TimedEvent(at_ms, self._scheduler.run_next(at_ms))

    def _customer(self, number: int, persona: Persona | None = None) -> tuple[Customer, Random]:
        rng = Random(f"{self._seed} customer {number}")
        return Customer(draw_profile(number, persona or draw_persona(rng), rng), self._new_id), rng

    def _new_id(self) -> str:
        # Of two answers in the same millisecond the greater id is the later one: hence the leading zeros.
        return f"{self._seed}-{self._now_ms}-{next(self._numbers):010}"

    def _past_of(self, number: int, customer: Customer, rng: Random) -> Iterator[TimedStep]:
        """Visit after visit, in the order of time."""
        profile = customer.profile
        signs_up = profile.joined < self._days
        days_ago = profile.joined if signs_up else self._days - rng.random() * profile.gap_days
        while days_ago > 0:
            if profile.is_away(days_ago):
                days_ago = profile.away_until
                continue
            begin_ms, seconds = self._now_ms - int(days_ago * DAY_MS), 0.0
            for step in visit(customer, rng, signs_up):
                seconds += step.delay_seconds
                at_ms = begin_ms + int(seconds * 1000)
                if at_ms >= self._now_ms:
                    return
                yield TimedStep(at_ms, number, step)
            if rng.random() < churn_propensity(customer.state):
                return
            signs_up = False
            # A gamma distribution of shape 2 is more regular than an exponential one: people have a rhythm.
            gap_days = rng.gammavariate(2, profile.gap_at(days_ago) / 2)
            days_ago -= max(gap_days, (seconds + 60) / 86_400)

    def _live_visitors(self, rng: Random) -> Iterator[Customer]:
        """Who visits next: a known customer, or a new one."""
        known = [customer for customer, _ in self._customers]
        weights = list(accumulate(map(_visit_weight, known)))
        for number in count(len(known)):
            while rng.random() >= SIGNS_UP:
                yield rng.choices(known, cum_weights=weights)[0]
            yield self._customer(number, LIVE_SIGNUP)[0]


def _visit_weight(customer: Customer) -> float:
    has_left = customer.profile.has_churned or churn_propensity(customer.state) > 0
    return (RESURRECTION_WEIGHT if has_left else 1.0) / customer.profile.gap_at(0)


class _LiveVisitor:
    """All the steps of a live visitor until it leaves."""

    def __init__(self, customer: Customer, rng: Random, since_ms: int) -> None:
        self._steps = _visits(customer, rng)
        self._last_ms = since_ms

    def next_step(self, at_ms: int) -> Step | None:
        """None when the visitor has left."""
        if at_ms - self._last_ms > ABANDONED_MS:
            return None
        self._last_ms = at_ms
        return next(self._steps, None)


def _visits(customer: Customer, rng: Random) -> Iterator[Step]:
    signs_up = customer.profile.joined == 0
    while True:
        yield from visit(customer, rng, signs_up)
        if rng.random() >= VISITS_ON:
            return
        signs_up = False

"""The world: customers who live their lives up to now, each in their own cadence, and go on from now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import merge
from itertools import accumulate, count
from random import Random
from typing import NamedTuple

from stream.simulate.agenda import Agenda, Step
from stream.simulate.customers import JUST_NOW, PAST_DAYS, Habit, drawn_customer, drawn_habit
from stream.simulate.ledger import Ledger
from stream.simulate.mood import likely_to_leave
from stream.simulate.script import visit
from stream.simulate.sitting import Event, Person

DAY_MS = 86_400_000

CROWD = 60  # live visits going on at once
STAY = 0.7  # how likely a live visitor goes on after what would have been a visit
SIGN_UP = 0.05  # of live visitors
COME_BACK = 0.03  # how likely a live visitor who left, or is about to, is, compared with others

PATIENCE_MS = 20 * 60_000
"""Who was not heard of for so long has left."""


class Told(NamedTuple):
    """An event and its moment, in milliseconds since the epoch."""

    at_ms: int
    event: Event


class Due(NamedTuple):
    """A step of a life at its moment; of several at the same, by the customer's number."""

    at_ms: int
    number: int
    step: Step


class World:
    """`ledger` knows what has truly happened: exactly the events that `past` and `live` have yielded so far.

    The same seed, customers, moment and days make the same world, event ids included. Every customer lives by a
    generator of its own, so that one more customer changes nothing for the others.
    """

    def __init__(self, seed: int, customers: int, now: datetime, days: float = PAST_DAYS) -> None:
        self.ledger = Ledger()
        self._seed = seed
        self._now_ms = int(now.timestamp() * 1000)
        self._days = days
        self._numbers = count()
        self._agenda = Agenda()
        self._people = [self._person(number) for number in range(customers)]

    def past(self) -> Iterator[Told]:
        """All that happened in the days before now, in the order of time."""
        lives = (self._life(number, person, chance) for number, (person, chance) in enumerate(self._people))
        for at_ms, _, step in merge(*lives, key=lambda due: due[:2]):
            if self._agenda.next_ms <= at_ms:
                yield from self._meanwhile(at_ms)
            yield self._done(at_ms, step)
        yield from self._meanwhile(self._now_ms - 1)

    def live(self, clock_ms: Callable[[], int]) -> Iterator[Told]:
        """What the same customers, and new ones, do from now on: endless, each event at the clock's moment.

        Whoever used to come often comes first; a few who had left are back. What goes on by itself keeps its pace.
        """
        chance = Random(f"{self._seed} live")
        visitors = self._visitors(chance)
        at_ms = self._now_ms
        crowd = [_Stay(next(visitors), chance, at_ms) for _ in range(CROWD)]
        while True:
            at_ms = max(at_ms, clock_ms())  # a clock that is put back must not undo the order of acts
            if self._agenda.next_ms <= at_ms:
                yield Told(at_ms, self._agenda.do_next(at_ms))
                continue
            place = chance.randrange(CROWD)
            while (step := crowd[place].next_step(at_ms)) is None:
                crowd[place] = _Stay(next(visitors), chance, at_ms)
            yield self._done(at_ms, step)

    def _done(self, at_ms: int, step: Step) -> Told:
        told = Told(at_ms, step.act(at_ms))
        if step.then:
            self._agenda.take(step.then, at_ms)
        return told

    def _meanwhile(self, until_ms: int) -> Iterator[Told]:
        """What goes on by itself until then."""
        while (at_ms := self._agenda.next_ms) <= until_ms:
            yield Told(at_ms, self._agenda.do_next(at_ms))

    def _person(self, number: int, habit: Habit | None = None) -> tuple[Person, Random]:
        chance = Random(f"{self._seed} customer {number}")
        customer = drawn_customer(number, habit or drawn_habit(chance), chance)
        return Person(customer, self.ledger.new_diary(customer.product, customer.user_id), self._new_id), chance

    def _new_id(self) -> str:
        # Of two answers in the same millisecond the greater id is the later one: hence the leading zeros.
        return f"{self._seed}-{self._now_ms}-{next(self._numbers):010}"

    def _life(self, number: int, person: Person, chance: Random) -> Iterator[Due]:
        """The customer's past, in the order of time."""
        customer = person.customer
        signs_up = customer.joined < self._days
        days_ago = customer.joined if signs_up else self._days - chance.random() * customer.gap_days
        while days_ago > 0:
            if customer.is_away(days_ago):
                days_ago = customer.away_until
                continue
            begin_ms, seconds = self._now_ms - int(days_ago * DAY_MS), 0.0
            for step in visit(person, chance, signs_up):
                seconds += step.pause_seconds
                at_ms = begin_ms + int(seconds * 1000)
                if at_ms >= self._now_ms:
                    return
                yield Due(at_ms, number, step)
            if chance.random() < likely_to_leave(person.diary):
                return
            signs_up = False
            # A gamma of shape 2 is more regular than chance: people have a rhythm.
            gap_days = chance.gammavariate(2, customer.gap_at(days_ago) / 2)
            days_ago -= max(gap_days, (seconds + 60) / 86_400)

    def _visitors(self, chance: Random) -> Iterator[Person]:
        """Who comes next, live: someone known, or (of no use to the past) someone who signs up."""
        known = [person for person, _ in self._people]
        weights = list(accumulate(map(_eagerness, known)))
        for number in count(len(known)):
            while chance.random() >= SIGN_UP:
                yield chance.choices(known, cum_weights=weights)[0]
            yield self._person(number, JUST_NOW)[0]


def _eagerness(person: Person) -> float:
    has_left = person.customer.has_left or likely_to_leave(person.diary) > 0
    return (COME_BACK if has_left else 1.0) / person.customer.gap_at(0)


class _Stay:
    """Everything a live visitor does before leaving."""

    def __init__(self, person: Person, chance: Random, since_ms: int) -> None:
        self._steps = _visits(person, chance)
        self._last_ms = since_ms

    def next_step(self, at_ms: int) -> Step | None:
        """None when the visitor has left."""
        if at_ms - self._last_ms > PATIENCE_MS:
            return None
        self._last_ms = at_ms
        return next(self._steps, None)


def _visits(person: Person, chance: Random) -> Iterator[Step]:
    signs_up = person.customer.joined == 0
    while True:
        yield from visit(person, chance, signs_up)
        if chance.random() >= STAY:
            return
        signs_up = False

"""Unreliable delivery to Kafka: events repeated, late, out of order, and beside them bots, tests and malformed ones.

None of it may change a number: repeats are the same message again, what is malformed, a bot's or a test's comes on
top, and what is late arrives in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import NamedTuple

import msgspec

from schemas import FAMILY_OF_TYPE
from stream.demo.simulate.session import Event
from stream.demo.simulate.world import TimedEvent

REPEATED = 0.02
LEFT_OUT = 0.005
MALFORMED = 0.005
LATE, VERY_LATE = 0.07, 0.02
LATE_MS, VERY_LATE_MS = 2 * 60_000, 36 * 3_600_000

_encode = msgspec.json.encode


class Message(NamedTuple):
    """One Kafka record: the family's topic, the customer's id (where there is none, the product) as key, the event's
    JSON."""

    family: str
    key: str
    value: bytes


_MALFORMATIONS: tuple[Callable[[Event], bytes], ...] = (
    lambda event: _encode(event)[:-9],  # truncated
    lambda event: _encode({**event, "user_id": 4711}),
    lambda event: _encode({**event, "type": "teleported"}),
    lambda event: _encode({**event, "timestamp": "yesterday"}),
    lambda event: _encode({name: value for name, value in event.items() if name != "event_id"}),
    lambda event: b"\xff" + _encode(event),
)


class UnreliableDelivery:
    """Takes events in the order in which they happened, and gives messages in the order in which they arrive."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed} way")  # another word would make other deliveries of the same seed
        self._in_flight: list[tuple[float, int, Message]] = []
        self._taken = 0

    def send(self, timed: TimedEvent) -> Iterator[Message]:
        """Take an event; what has arrived by its moment."""
        rng, (at_ms, event) = self._rng, timed
        family, key = FAMILY_OF_TYPE[event["type"]], str(event.get("user_id", event["product"]))
        message = Message(family, key, _encode(event))
        self._dispatch(at_ms + self._delay_ms(), message)
        if rng.random() < REPEATED:
            self._dispatch(at_ms + self._delay_ms(), message)
        if rng.random() < LEFT_OUT:
            why = rng.choice(("bot", "test"))
            double = {**event, "event_id": f"{event['event_id']}-{why}", why: True}
            self._dispatch(at_ms, Message(family, key, _encode(double)))
        if rng.random() < MALFORMED:
            self._dispatch(at_ms, Message(family, key, rng.choice(_MALFORMATIONS)(event)))
        return self.arrived(at_ms)

    def arrived(self, until_ms: float = inf) -> Iterator[Message]:
        """What has arrived by this moment; without one, everything still in flight."""
        while self._in_flight and self._in_flight[0][0] <= until_ms:
            yield heappop(self._in_flight)[2]

    def _dispatch(self, arrives_ms: float, message: Message) -> None:
        self._taken += 1
        heappush(self._in_flight, (arrives_ms, self._taken, message))

    def _delay_ms(self) -> float:
        draw = self._rng.random()
        if draw < VERY_LATE:
            return self._rng.uniform(0, VERY_LATE_MS)
        return self._rng.uniform(0, LATE_MS) if draw < VERY_LATE + LATE else 0.0

"""The way of events to Kafka, as unreliable as in life: repeated, late, out of order, beside malformed ones.

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
from stream.simulate.sitting import Event
from stream.simulate.world import Told

REPEATED = 0.02
LEFT_OUT = 0.005
MALFORMED = 0.005
A_LITTLE_LATE, VERY_LATE = 0.07, 0.02
A_LITTLE_MS, VERY_MS = 2 * 60_000, 36 * 3_600_000

_encode = msgspec.json.encode


class Message(NamedTuple):
    """One Kafka record: the family's topic, the customer's id as key, the event's JSON."""

    family: str
    key: str
    value: bytes


_SPOILERS: tuple[Callable[[Event], bytes], ...] = (
    lambda event: _encode(event)[:-9],  # cut off on the way
    lambda event: _encode({**event, "user_id": 4711}),
    lambda event: _encode({**event, "type": "teleported"}),
    lambda event: _encode({**event, "timestamp": "yesterday"}),
    lambda event: _encode({name: value for name, value in event.items() if name != "event_id"}),
    lambda event: b"\xff" + _encode(event),
)


class Way:
    """Takes events in the order in which they happened, and gives messages in the order in which they arrive."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(f"{seed} way")
        self._under_way: list[tuple[float, int, Message]] = []
        self._taken = 0

    def carry(self, told: Told) -> Iterator[Message]:
        """Take an event; what has arrived by its moment."""
        chance, (at_ms, event) = self._chance, told
        family, key = FAMILY_OF_TYPE[event["type"]], event["user_id"]
        sent = Message(family, key, _encode(event))
        self._set_out(at_ms + self._delay_ms(), sent)
        if chance.random() < REPEATED:
            self._set_out(at_ms + self._delay_ms(), sent)
        if chance.random() < LEFT_OUT:
            why = chance.choice(("bot", "test"))
            double = {**event, "event_id": f"{event['event_id']}-{why}", why: True}
            self._set_out(at_ms, Message(family, key, _encode(double)))
        if chance.random() < MALFORMED:
            self._set_out(at_ms, Message(family, key, chance.choice(_SPOILERS)(event)))
        return self.arrived(at_ms)

    def arrived(self, until_ms: float = inf) -> Iterator[Message]:
        """What has arrived by this moment; without one, all that is still under way."""
        while self._under_way and self._under_way[0][0] <= until_ms:
            yield heappop(self._under_way)[2]

    def _set_out(self, arrives_ms: float, message: Message) -> None:
        self._taken += 1
        heappush(self._under_way, (arrives_ms, self._taken, message))

    def _delay_ms(self) -> float:
        draw = self._chance.random()
        if draw < VERY_LATE:
            return self._chance.uniform(0, VERY_MS)
        return self._chance.uniform(0, A_LITTLE_MS) if draw < VERY_LATE + A_LITTLE_LATE else 0.0

"""A scenario: a few events and a moment after them, from which the worked examples of a family are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product as combinations
from typing import Any

CHANNEL = "web"
"""Where it happened, unless the scenario says otherwise."""


@dataclass(frozen=True)
class EventLine:
    """What every one of the customers did at every one of the moments."""

    type: str
    customers: tuple[str, ...]
    moments: tuple[str, ...]
    fields: Mapping[str, Any]


def event(type_: str, who: str, *when: str, **fields: Any) -> EventLine:
    """A line of a scenario: event("login", "ann bob", "03-30", "03-31 09:15", channel="ios") is four events.

    `when` is month, day and time in UTC; a day alone means noon.
    """
    return EventLine(type_, tuple(who.split()), when, fields)


@dataclass(frozen=True)
class Scenario:
    """The lines are in the order in which the events came, and all in the year of `at` (UTC).

    plot  what is worth noticing, for a reader
    """

    at: str
    plot: str
    lines: tuple[EventLine, ...]

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(f"{self.at}+00:00")

    def events(self) -> list[dict[str, Any]]:
        """As a product emits them; their ids are their places in it."""
        told = [
            (line, customer, moment)
            for line in self.lines
            for customer, moment in combinations(line.customers, line.moments)
        ]
        return [
            {
                "event_id": str(place),
                "type": line.type,
                "user_id": customer,
                "timestamp": self._timestamp(moment),
                "channel": CHANNEL,
                **line.fields,
            }
            for place, (line, customer, moment) in enumerate(told, 1)
        ]

    def _timestamp(self, moment: str) -> str:
        day, _, time = moment.partition(" ")
        return datetime.fromisoformat(f"{self.moment.year}-{day} {time or '12:00'}+00:00").isoformat()

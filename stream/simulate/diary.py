"""The diary of one customer: what it truly did, written by itself, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

MINUTE_MS = 60_000


class Deed(NamedTuple):
    """Something told as an event; `active` when the customer did it, not when it was done to them."""

    at_ms: int
    type: str
    channel: str
    active: bool


class Exposure(NamedTuple):
    """Something was before the customer's eyes; `clicked` when the customer clicked it."""

    at_ms: int
    channel: str
    campaign: str | None
    content: str | None
    clicked: bool


class Action(NamedTuple):
    """The customer liked, played or shared a piece of content."""

    at_ms: int
    content: str
    action: str


class Question(NamedTuple):
    """The customer was asked."""

    at_ms: int
    survey: str
    survey_id: str


class Answer(NamedTuple):
    """The customer answered; `score` is meant so that more is better, however the scale was printed."""

    at_ms: int
    survey: str
    survey_id: str
    scale: str
    score: int
    themes: tuple[str, ...]
    sentiment: str | None


class TicketStage(IntEnum):
    """In the order in which they come; of two in the same millisecond the later one stands."""

    OPENED = 1
    RESOLVED = 2
    REOPENED = 3


class SubscriptionStage(IntEnum):
    """In the order in which they come; of two in the same millisecond the later one stands."""

    STARTED = 1
    RENEWED = 2
    CANCELLED = 3


class Turn(NamedTuple):
    """A ticket or the subscription came to this stage."""

    at_ms: int
    stage: TicketStage | SubscriptionStage


class Traits(NamedTuple):
    """The customer was said to have these traits."""

    at_ms: int
    segment: str
    plan: str
    country: str


@dataclass
class Visit:
    """The customer was there from `begin_ms` to `end_ms`."""

    begin_ms: int
    end_ms: int
    pages: int = 0
    converted: bool = False

    def going_on(self, later: Visit) -> Visit:
        """Both as one."""
        begin_ms, end_ms = min(self.begin_ms, later.begin_ms), max(self.end_ms, later.end_ms)
        return Visit(begin_ms, end_ms, self.pages + later.pages, self.converted or later.converted)


class Diary:
    """All of one customer of one product."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.deeds: list[Deed] = []
        self.stays: dict[str, list[Visit]] = {}
        self.exposures: list[Exposure] = []
        self.actions: list[Action] = []
        self.questions: list[Question] = []
        self.answers: list[Answer] = []
        self.tickets: dict[str, list[Turn]] = {}
        self.subscription: list[Turn] = []
        self.traits: list[Traits] = []

    @property
    def opinions(self) -> dict[tuple[str, str, str], Answer]:
        """Of several answers to the same survey on the same scale, the last."""
        return {(each.survey, each.survey_id, each.scale): each for each in self.answers}

    @property
    def waiting_since_ms(self) -> int | None:
        """Since when a ticket has been open (again); None where none is."""
        last = [max(turns) for turns in self.tickets.values()]
        return min((turn.at_ms for turn in last if turn.stage != TicketStage.RESOLVED), default=None)

    @property
    def subscribed(self) -> bool:
        return bool(self.subscription) and max(self.subscription).stage != SubscriptionStage.CANCELLED

    @property
    def cancelled_ms(self) -> int | None:
        """When the subscription was cancelled; None for who is subscribed or never was."""
        return max(self.subscription).at_ms if self.subscription and not self.subscribed else None

    def trait(self, name: str) -> str | None:
        """As it was said last; None for who was never identified."""
        said = [(each.at_ms, str(getattr(each, name))) for each in self.traits]
        return max(said)[1] if said else None

    def stay(self, channel: str, from_ms: int, until_ms: int) -> Visit:
        """A part of a visit, to be added to."""
        part = Visit(from_ms, until_ms)
        self.stays.setdefault(channel, []).append(part)
        return part

    def visits(self, gap_ms: int) -> dict[str, list[Visit]]:
        """By channel: who is back within the gap had not really left.

        A session may tell that what seemed to be two visits was one.
        """
        return {channel: _visits(stays, gap_ms) for channel, stays in self.stays.items()}


def _visits(stays: list[Visit], gap_ms: int) -> list[Visit]:
    visits: list[Visit] = []
    for visit in stays:
        while visits and visit.begin_ms - visits[-1].end_ms <= gap_ms:
            visit = visits.pop().going_on(visit)
        visits.append(visit)
    return visits

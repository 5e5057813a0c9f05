"""What a customer can do, and what can be done for one: every act is written into the diary and told as an event, in
one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stream.simulate.customers import FREE, Customer, Plan
from stream.simulate.diary import (
    Action,
    Answer,
    Deed,
    Diary,
    Exposure,
    Question,
    SubscriptionStage,
    TicketStage,
    Traits,
    Turn,
)
from stream.simulate.questionnaires import Questionnaire

Event = dict[str, Any]
"""One event of the contract in `schemas/`, as a product would emit it."""

SUMMARISED = frozenset({"android"})
"""Channels that do not tell of single pages, only how many there were in a session."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """A customer with its diary; `new_id` gives event ids that grow with the order of the acts."""

    customer: Customer
    diary: Diary
    new_id: Callable[[], str]

    @property
    def segment(self) -> str | None:
        """As it was said last; before anything was, as it will be."""
        return self.diary.trait("segment") or self.customer.segment

    def sit_down(self, channel: str | None = None) -> Sitting:
        """On the customer's own channel, if no other is named."""
        return Sitting(self, channel or self.customer.channel)


class Sitting:
    """A person on a channel, from its first act on; or, on theirs, who acts for that person: an agent, the billing
    robot. Every act takes its moment, in milliseconds since the epoch.
    """

    def __init__(self, person: Person, channel: str) -> None:
        self.channel = channel
        self.person = person
        self._diary = person.diary
        self._began_ms: int | None = None
        self._converted = False

    def sign_up(self, at_ms: int) -> Event:
        self._convert(at_ms)
        return self._told(at_ms, "signup", plan=FREE.name)

    def log_in(self, at_ms: int) -> Event:
        self._diary.stay(self.channel, at_ms, at_ms)
        return self._told(at_ms, "login", method="password")

    def be_identified(self, at_ms: int, segment: str, plan: Plan) -> Event:
        traits = {"plan": plan.name, "segment": segment, "country": self.person.customer.country}
        self._diary.traits.append(Traits(at_ms, **traits))
        return self._told(at_ms, "identify", active=False, traits=traits)

    def look(self, at_ms: int, page: str, stay_ms: int) -> Event:
        self._diary.stay(self.channel, at_ms, at_ms + stay_ms).pages += 1
        return self._told(at_ms, "page_view", page=page, duration_ms=stay_ms)

    def see(self, at_ms: int, campaign: str | None, content: str | None) -> Event:
        self._diary.exposures.append(Exposure(at_ms, self.channel, campaign, content, clicked=False))
        return self._told(at_ms, "impression", active=False, campaign=campaign, content=content)

    def click(self, at_ms: int, campaign: str | None, content: str | None, element: str) -> Event:
        self._diary.stay(self.channel, at_ms, at_ms)
        self._diary.exposures.append(Exposure(at_ms, self.channel, campaign, content, clicked=True))
        return self._told(at_ms, "click", campaign=campaign, content=content, element=element)

    def interact(self, at_ms: int, content: str, action: str) -> Event:
        self._diary.stay(self.channel, at_ms, at_ms)
        self._diary.actions.append(Action(at_ms, content, action))
        return self._told(at_ms, "interaction", content=content, action=action)

    def buy(self, at_ms: int, amount_minor: int, units: int) -> Event:
        self._convert(at_ms)
        order: Event = {
            "order_id": self.person.new_id(),
            "amount_minor": amount_minor,
            "currency": "EUR",
            "units": units,
        }
        return self._told(at_ms, "purchase", **order)

    def be_asked(self, at_ms: int, asked: Questionnaire) -> Event:
        self._diary.questions.append(Question(at_ms, asked.survey, asked.survey_id))
        return self._told(at_ms, "survey_sent", active=False, survey=asked.survey, survey_id=asked.survey_id)

    def answer(
        self, at_ms: int, asked: Questionnaire, score: int, themes: tuple[str, ...], sentiment: str | None
    ) -> Event:
        """`score` as it is meant: more is better."""
        written = Answer(at_ms, asked.survey, asked.survey_id, asked.scale, score, themes, sentiment)
        self._diary.answers.append(written)
        fields: Event = {"survey": asked.survey, "survey_id": asked.survey_id, "scale": asked.scale}
        fields |= {"score": asked.printed(score), "themes": themes, "sentiment": sentiment}
        if asked.reversed:
            fields["reversed"] = True
        return self._told(at_ms, "survey_response", **fields)

    def ask_for_help(self, at_ms: int, ticket: str, topic: str) -> Event:
        return self._moved(at_ms, ticket, TicketStage.OPENED, active=True, topic=topic)

    def reply(self, at_ms: int, ticket: str, by: str) -> Event:
        return self._told(at_ms, "ticket_replied", active=by == "customer", ticket_id=ticket, by=by)

    def resolve(self, at_ms: int, ticket: str) -> Event:
        return self._moved(at_ms, ticket, TicketStage.RESOLVED)

    def reopen(self, at_ms: int, ticket: str) -> Event:
        return self._moved(at_ms, ticket, TicketStage.REOPENED)

    def subscribe(self, at_ms: int, plan: Plan) -> Event:
        self._converted = True
        return self._billed(at_ms, SubscriptionStage.STARTED, plan)

    def renew(self, at_ms: int, plan: Plan) -> Event:
        return self._billed(at_ms, SubscriptionStage.RENEWED, plan)

    def cancel(self, at_ms: int, plan: Plan) -> Event:
        return self._billed(at_ms, SubscriptionStage.CANCELLED, plan)

    def leave(self, at_ms: int, pages: int, reached_goal: bool) -> Event:
        """The summary of the session; a goal may have been reached of which nothing else tells."""
        assert self._began_ms is not None, "nobody leaves before they came"
        visit = self._diary.stay(self.channel, self._began_ms, at_ms)
        converted = self._converted or reached_goal
        visit.converted |= converted
        if self.channel in SUMMARISED:
            visit.pages += pages
        return self._told(
            at_ms,
            "session",
            session_id=f"{self.person.customer.user_id}-{self._began_ms}",
            duration_ms=at_ms - self._began_ms,
            page_views=pages,
            converted=converted,
        )

    def _convert(self, at_ms: int) -> None:
        self._converted = True
        self._diary.stay(self.channel, at_ms, at_ms).converted = True

    def _moved(
        self, at_ms: int, ticket: str, stage: TicketStage, active: bool = False, topic: str | None = None
    ) -> Event:
        self._diary.tickets.setdefault(ticket, []).append(Turn(at_ms, stage))
        return self._told(at_ms, f"ticket_{stage.name.lower()}", active, ticket_id=ticket, topic=topic)

    def _billed(self, at_ms: int, stage: SubscriptionStage, plan: Plan) -> Event:
        self._diary.subscription.append(Turn(at_ms, stage))
        fields: Event = {"plan": plan.name}
        if stage != SubscriptionStage.CANCELLED:
            fields |= {"amount_minor": plan.amount_minor, "currency": "EUR"}
        active = stage == SubscriptionStage.STARTED
        return self._told(at_ms, f"subscription_{stage.name.lower()}", active, **fields)

    def _told(self, at_ms: int, type_: str, active: bool = True, **fields: Any) -> Event:
        if self._began_ms is None:
            self._began_ms = at_ms
        self._diary.deeds.append(Deed(at_ms, type_, self.channel, active))
        return {
            "event_id": self.person.new_id(),
            "type": type_,
            "user_id": self.person.customer.user_id,
            "timestamp": (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds"),
            "product": self.person.customer.product,
            "channel": self.channel,
            **{name: value for name, value in fields.items() if value not in (None, ())},
        }

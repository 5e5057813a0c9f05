"""What a customer can do: every act is written into the diary and told as an event, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stream.simulate.customers import Customer
from stream.simulate.diary import Action, Answer, Deed, Diary, Exposure, Question
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

    def sit_down(self, channel: str | None = None) -> Sitting:
        """On the customer's own channel, if no other is named."""
        return Sitting(self, channel or self.customer.channel)


class Sitting:
    """A person on a channel, from its first act on. Every act takes its moment, in milliseconds since the epoch."""

    def __init__(self, person: Person, channel: str) -> None:
        self.channel = channel
        self._person = person
        self._diary = person.diary
        self._began_ms: int | None = None
        self._converted = False

    def sign_up(self, at_ms: int) -> Event:
        self._convert(at_ms)
        return self._told(at_ms, "signup", plan="free")

    def log_in(self, at_ms: int) -> Event:
        self._diary.stay(self.channel, at_ms, at_ms)
        return self._told(at_ms, "login", method="password")

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
            "order_id": self._person.new_id(),
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

    def leave(self, at_ms: int, pages: int, reached_goal: bool) -> Event:
        """The summary of the session; a goal may have been reached of which nothing else tells."""
        assert self._began_ms is not None, "nobody leaves before they came"
        visit = self._diary.stay(self.channel, self._began_ms, at_ms)
        visit.converted |= reached_goal
        if self.channel in SUMMARISED:
            visit.pages += pages
        return self._told(
            at_ms,
            "session",
            session_id=f"{self._person.customer.user_id}-{self._began_ms}",
            duration_ms=at_ms - self._began_ms,
            page_views=pages,
            converted=self._converted or reached_goal,
        )

    def _convert(self, at_ms: int) -> None:
        self._converted = True
        self._diary.stay(self.channel, at_ms, at_ms).converted = True

    def _told(self, at_ms: int, type_: str, active: bool = True, **fields: Any) -> Event:
        if self._began_ms is None:
            self._began_ms = at_ms
        self._diary.deeds.append(Deed(at_ms, type_, self.channel, active))
        return {
            "event_id": self._person.new_id(),
            "type": type_,
            "user_id": self._person.customer.user_id,
            "timestamp": (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds"),
            "product": self._person.customer.product,
            "channel": self.channel,
            **{name: value for name, value in fields.items() if value not in (None, ())},
        }

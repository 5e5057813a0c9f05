"""A session: the acts of a customer on one channel, each of which makes an event and updates the customer's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from stream.demo.simulate.profiles import FREE, Profile, SubscriptionPlan
from stream.demo.simulate.questionnaires import Questionnaire
from stream.demo.simulate.state import CustomerState

Event = dict[str, Any]
"""One event of the contract in `schemas/`, as a product would emit it."""

SUMMARY_ONLY = frozenset({"android"})
"""Channels that send no page views, only their number in the session's summary."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Customer:
    """`new_id` gives event ids that grow with the order of events."""

    profile: Profile
    new_id: Callable[[], str]
    state: CustomerState = field(default_factory=CustomerState)

    @property
    def segment(self) -> str | None:
        """The identified one; before that, the one that will be."""
        return self.state.segment or self.profile.segment

    def session(self, channel: str | None = None) -> Session:
        """A new one, on the customer's own channel if no other is named."""
        return Session(self, channel or self.profile.channel)


class Session:
    """A customer's session; or that of somebody who acts on the customer's behalf: a support agent, the billing
    system. It begins with its first act. Every act takes its moment, in milliseconds since the epoch.
    """

    def __init__(self, customer: Customer, channel: str) -> None:
        self.customer = customer
        self.channel = channel
        self._state = customer.state
        self._began_ms: int | None = None
        self._converted = False

    def sign_up(self, at_ms: int) -> Event:
        self._converted = True
        return self._event(at_ms, "signup", plan=FREE.name)

    def log_in(self, at_ms: int) -> Event:
        return self._event(at_ms, "login", method="password")

    def identify(self, at_ms: int, segment: str, plan: SubscriptionPlan) -> Event:
        self._state.segment = segment
        traits = {"plan": plan.name, "segment": segment, "country": self.customer.profile.country}
        return self._event(at_ms, "identify", traits=traits)

    def view_page(self, at_ms: int, page: str, duration_ms: int) -> Event:
        return self._event(at_ms, "page_view", page=page, duration_ms=duration_ms)

    def see(self, at_ms: int, campaign: str | None, content: str | None) -> Event:
        return self._event(at_ms, "impression", campaign=campaign, content=content)

    def click(self, at_ms: int, campaign: str | None, content: str | None, element: str) -> Event:
        return self._event(at_ms, "click", campaign=campaign, content=content, element=element)

    def message(self, at_ms: int, what: str, medium: str, campaign: str | None, machine: bool) -> Event:
        """What became of a message: delivered, opened, clicked."""
        return self._event(
            at_ms, f"message_{what}", medium=medium, campaign=campaign, **({"machine": True} if machine else {})
        )

    def interact(self, at_ms: int, content: str, action: str) -> Event:
        return self._event(at_ms, "interaction", content=content, action=action)

    def use(self, at_ms: int, feature: str) -> Event:
        return self._event(at_ms, "feature_use", feature=feature)

    def contribute(self, at_ms: int, kind: str, rating: int | None) -> Event:
        return self._event(at_ms, "contribution", kind=kind, rating=rating)

    def do(self, at_ms: int, type_: str, **fields: Any) -> Event:
        """What changes nothing of the session."""
        return self._event(at_ms, type_, **fields)

    def purchase(self, at_ms: int, order_id: str, amount_minor: int, units: int) -> Event:
        self._converted = True
        return self._event(
            at_ms, "purchase", order_id=order_id, amount_minor=amount_minor, currency="EUR", units=units
        )

    def send_back(self, at_ms: int, order_id: str, amount_minor: int | None, units: int) -> Event:
        """Paid back or, without an amount, exchanged."""
        currency = None if amount_minor is None else "EUR"
        return self._event(
            at_ms, "product_return", order_id=order_id, amount_minor=amount_minor, currency=currency, units=units
        )

    def receive_survey(self, at_ms: int, asked: Questionnaire) -> Event:
        return self._event(at_ms, "survey_sent", survey=asked.survey, survey_id=asked.survey_id)

    def answer_survey(
        self,
        at_ms: int,
        asked: Questionnaire,
        score: int,
        themes: tuple[str, ...],
        sentiment: str | None,
        comment: str | None,
    ) -> Event:
        """Of the score more is better, however the scale is printed."""
        self._state.scores[asked] = score
        fields: Event = {"survey": asked.survey, "survey_id": asked.survey_id, "scale": asked.scale}
        fields |= {"score": asked.printed(score), "themes": themes, "sentiment": sentiment, "comment": comment}
        if asked.reversed:
            fields["reversed"] = True
        return self._event(at_ms, "survey_response", **fields)

    def open_ticket(self, at_ms: int, ticket_id: str, topic: str) -> Event:
        self._state.open_tickets.add(ticket_id)
        return self._event(at_ms, "ticket_opened", ticket_id=ticket_id, topic=topic)

    def reply_to_ticket(self, at_ms: int, ticket_id: str, by: str) -> Event:
        return self._event(at_ms, "ticket_replied", ticket_id=ticket_id, by=by)

    def resolve_ticket(self, at_ms: int, ticket_id: str) -> Event:
        self._state.open_tickets.discard(ticket_id)
        return self._event(at_ms, "ticket_resolved", ticket_id=ticket_id)

    def reopen_ticket(self, at_ms: int, ticket_id: str) -> Event:
        self._state.open_tickets.add(ticket_id)
        return self._event(at_ms, "ticket_reopened", ticket_id=ticket_id)

    def subscribe(self, at_ms: int, plan: SubscriptionPlan) -> Event:
        self._converted = True
        return self._billed(at_ms, "subscription_started", plan)

    def renew_subscription(self, at_ms: int, plan: SubscriptionPlan) -> Event:
        return self._billed(at_ms, "subscription_renewed", plan)

    def cancel_subscription(self, at_ms: int, plan: SubscriptionPlan) -> Event:
        self._state.subscription = "cancelled"
        return self._event(at_ms, "subscription_cancelled", plan=plan.name)

    def end(self, at_ms: int, pages: int, converted: bool) -> Event:
        """The summary. It may tell of a conversion of which no other event does."""
        assert self._began_ms is not None, "a session begins before it ends"
        return self._event(
            at_ms,
            "session",
            session_id=f"{self.customer.profile.user_id}-{self._began_ms}",
            duration_ms=at_ms - self._began_ms,
            page_views=pages,
            converted=self._converted or converted,
        )

    def _billed(self, at_ms: int, type_: str, plan: SubscriptionPlan) -> Event:
        self._state.subscription = "live"
        price = {"amount_minor": plan.amount_minor, "currency": "EUR", "period_days": plan.period_days}
        return self._event(at_ms, type_, plan=plan.name, **price)

    def _event(self, at_ms: int, type_: str, **fields: Any) -> Event:
        if self._began_ms is None:
            self._began_ms = at_ms
        return {
            "event_id": self.customer.new_id(),
            "type": type_,
            "user_id": self.customer.profile.user_id,
            "timestamp": (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds"),
            "product": self.customer.profile.product,
            "channel": self.channel,
            **{name: value for name, value in fields.items() if value not in (None, ())},
        }

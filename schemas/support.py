"""Topic support: a customer's questions, from being opened to being settled."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelope import Event, Name

TicketId = Annotated[Name, Meta(description="The same for everything that happens to the ticket.")]


class TicketOpened(Event, frozen=True, gc=False, kw_only=True, tag="ticket_opened"):
    """The customer asked for help. user_id is the customer's in every event of a ticket, whoever acts."""

    ticket_id: TicketId
    topic: Name | None = None


class TicketReplied(Event, frozen=True, gc=False, kw_only=True, tag="ticket_replied"):
    """An agent answered, or the customer wrote again."""

    ticket_id: TicketId
    by: Literal["agent", "customer"]
    topic: Name | None = None


class TicketResolved(Event, frozen=True, gc=False, kw_only=True, tag="ticket_resolved"):
    """The question is settled."""

    ticket_id: TicketId
    topic: Name | None = None


class TicketReopened(Event, frozen=True, gc=False, kw_only=True, tag="ticket_reopened"):
    """It was not."""

    ticket_id: TicketId
    topic: Name | None = None


TYPES: tuple[type[Event], ...] = (TicketOpened, TicketReplied, TicketResolved, TicketReopened)

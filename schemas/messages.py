"""Topic messages: what a customer was sent by email, push, SMS or chat, and what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelope import Event, Name

Medium = Literal["email", "push", "sms", "chat"]
Machine = Annotated[bool, Meta(description="By a machine on the customer's behalf: a mail proxy, a link scanner.")]


class _Message(Event, frozen=True, gc=False, kw_only=True):
    medium: Medium
    campaign: Name | None = None
    machine: Machine = False


class MessageDelivered(_Message, frozen=True, gc=False, kw_only=True, tag="message_delivered"):
    """The message reached the customer's inbox or device."""


class MessageOpened(_Message, frozen=True, gc=False, kw_only=True, tag="message_opened"):
    """The message was opened: no activity, for it may only have been fetched in advance."""


class MessageClicked(_Message, frozen=True, gc=False, kw_only=True, tag="message_clicked"):
    """A link in the message was followed."""


TYPES: tuple[type[Event], ...] = (MessageDelivered, MessageOpened, MessageClicked)

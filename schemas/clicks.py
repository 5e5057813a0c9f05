"""Topic clicks: what a customer was shown, and what they did with it."""

from __future__ import annotations

from schemas.envelope import Event, Name, Text


class Impression(Event, frozen=True, gc=False, kw_only=True, tag="impression"):
    """Something was shown to the customer."""

    campaign: Name | None = None
    content: Name | None = None


class Click(Event, frozen=True, gc=False, kw_only=True, tag="click"):
    """The customer clicked or tapped."""

    campaign: Name | None = None
    content: Name | None = None
    element: Name | None = None
    url: Text | None = None


class Interaction(Event, frozen=True, gc=False, kw_only=True, tag="interaction"):
    """The customer acted on a piece of content: like, comment, share, play, submit, download, …"""

    content: Name
    action: Name


TYPES: tuple[type[Event], ...] = (Impression, Click, Interaction)

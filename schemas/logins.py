"""Topic logins: a customer comes in, for the first time or again."""

from __future__ import annotations

from schemas.envelope import Event, Name, Text


class Login(Event, frozen=True, gc=False, kw_only=True, tag="login"):
    """The customer signed in."""

    method: Name | None = None


class Signup(Event, frozen=True, gc=False, kw_only=True, tag="signup"):
    """The customer opened an account."""

    plan: Name | None = None
    referrer: Text | None = None


TYPES: tuple[type[Event], ...] = (Login, Signup)

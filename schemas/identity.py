"""Topic identity: who a customer is."""

from __future__ import annotations

from msgspec import Struct

from schemas.envelope import Event, Name


class Traits(Struct, frozen=True, gc=False, kw_only=True):
    """What is known of a customer; further traits are ignored."""

    plan: Name | None = None
    segment: Name | None = None
    country: Name | None = None


class Identify(Event, frozen=True, gc=False, kw_only=True, tag="identify"):
    """The customer has these traits. The latest that names a segment (the trait is chosen) decides for its record."""

    traits: Traits


TYPES: tuple[type[Event], ...] = (Identify,)

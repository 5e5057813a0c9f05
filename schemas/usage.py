"""Topic usage: what a customer uses, and what they contribute."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelope import DurationMs, Event, Name
from schemas.surveys import Sentiment

Rating = Annotated[int, Meta(ge=1, le=5, description="From 1 to 5; more is better.")]


class FeatureUse(Event, frozen=True, gc=False, kw_only=True, tag="feature_use"):
    """The customer used a feature of the product."""

    feature: Name
    duration_ms: DurationMs | None = None


class Contribution(Event, frozen=True, gc=False, kw_only=True, tag="contribution"):
    """The customer contributed something for others to see."""

    kind: Literal["post", "comment", "review", "media"]
    rating: Rating | None = None
    sentiment: Sentiment | None = None


TYPES: tuple[type[Event], ...] = (FeatureUse, Contribution)

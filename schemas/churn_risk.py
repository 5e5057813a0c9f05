"""Topic churn-risk: what Assidu itself says when a customer enters or leaves a level of churn risk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.envelope import AnonymousId, EventId, Product, Timestamp, UserId

AtRisk = Literal["medium", "high"]
Level = Literal["low", AtRisk]
Evidence = Literal["nps_detractor", "negative_answer", "open_ticket", "first_week", "subscription_cancelled"]
Why = Literal["silence", Evidence]
Share = Annotated[float, Meta(ge=0, le=1, description="Of all that speaks for leaving.")]


class Reason(Struct, frozen=True, gc=False, kw_only=True):
    """Something that speaks for leaving: silence, or a piece of evidence."""

    reason: Why
    share: Share


class ChurnRisk(Struct, frozen=True, gc=False, kw_only=True, tag_field="type", tag="churn_risk"):
    """A customer is at another level than was told before.

    It may come more than once, with the same event_id. Enters high at a score of 0.70 and medium at 0.40; leaves high
    below 0.55 and medium below 0.30.
    """

    event_id: EventId
    product: Product
    user_id: UserId | None = None
    anonymous_id: AnonymousId | None = None
    level: Level
    previous_level: Level
    score: Annotated[float, Meta(ge=0, le=1, description="How likely the customer is to stay away for 30 days.")]
    reasons: Annotated[tuple[Reason, ...], Meta(description="What weighs most comes first.")]
    since: Annotated[Timestamp, Meta(description="Since when the customer is at this level.")]
    last_activity: Annotated[datetime, Meta(tz=True, description="When it was active last.")]

"""Topic usage: what a customer uses and contributes, what they do on social networks, as members and at events."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelope import DurationMs, Event, Name, OfProduct
from schemas.surveys import Sentiment

Rating = Annotated[int, Meta(ge=1, le=5, description="From 1 to 5; more is better.")]

# As with amounts, so that sums fit into 64 bits.
Reach = Annotated[int, Meta(ge=0, le=10**11, description="How many people, at most 10^11.")]
Points = Annotated[int, Meta(ge=0, le=10**11, description="How many points, at most 10^11.")]


class FeatureUse(Event, frozen=True, gc=False, kw_only=True, tag="feature_use"):
    """The customer used a feature of the product."""

    feature: Name
    duration_ms: DurationMs | None = None


class Contribution(Event, frozen=True, gc=False, kw_only=True, tag="contribution"):
    """The customer contributed something for others to see."""

    kind: Literal["post", "comment", "review", "media"]
    rating: Rating | None = None
    sentiment: Sentiment | None = None


class SocialAction(Event, frozen=True, gc=False, kw_only=True, tag="social_action"):
    """The customer did something about the product on a social network; unlike and unfollow take back."""

    network: Name
    action: Literal["like", "comment", "share", "mention", "story", "follow", "unlike", "unfollow"]
    post: Name | None = None
    sentiment: Sentiment | None = None


class SocialReach(OfProduct, frozen=True, gc=False, kw_only=True, tag="social_reach"):
    """So many people were reached on a social network since the last report."""

    network: Name
    reach: Reach
    post: Name | None = None


class LoyaltyAction(Event, frozen=True, gc=False, kw_only=True, tag="loyalty_action"):
    """The customer did something as a member of a loyalty programme: all but `leave` say that they are one."""

    action: Literal["join", "earn", "redeem", "leave"]
    points: Points | None = None
    tier: Name | None = None


class Referral(Event, frozen=True, gc=False, kw_only=True, tag="referral"):
    """The customer brought somebody along."""

    referred: Name | None = None


class Attendance(Event, frozen=True, gc=False, kw_only=True, tag="attendance"):
    """The customer was invited to an event (a webinar, a fair), or attended it."""

    event: Name
    status: Literal["invited", "attended"]


TYPES: tuple[type[Event], ...] = (
    FeatureUse,
    Contribution,
    SocialAction,
    SocialReach,
    LoyaltyAction,
    Referral,
    Attendance,
)

"""Topic commerce: what customers buy, once or by subscription."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.envelope import Count, Event, Name

AmountMinor = Annotated[
    int, Meta(ge=0, le=2**63 - 1, description="In the currency's minor unit: cents of EUR, yen of JPY.")
]
# A pattern's $ also matches before a final line feed: the length keeps it out.
Currency = Annotated[
    str, Meta(pattern="^[A-Z]{3}$", min_length=3, max_length=3, description="ISO 4217, such as EUR.")
]

PeriodDays = Annotated[
    int, Meta(ge=1, le=3660, description="The amount is paid for so many days: 7, 30, 365; at most ten years.")
]


class Purchase(Event, frozen=True, gc=False, kw_only=True, tag="purchase"):
    """The customer paid for an order."""

    order_id: Name
    amount_minor: AmountMinor
    currency: Currency
    units: Count


class _Subscription(Event, frozen=True, gc=False, kw_only=True):
    plan: Name | None = None
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None
    period_days: PeriodDays = 30


class SubscriptionStarted(_Subscription, frozen=True, gc=False, kw_only=True, tag="subscription_started"):
    """The customer subscribed; a customer has one subscription."""


class SubscriptionRenewed(_Subscription, frozen=True, gc=False, kw_only=True, tag="subscription_renewed"):
    """The subscription goes on for another period: no activity, for a billing robot says so."""


class SubscriptionCancelled(_Subscription, frozen=True, gc=False, kw_only=True, tag="subscription_cancelled"):
    """The subscription has ended."""


TYPES: tuple[type[Event], ...] = (Purchase, SubscriptionStarted, SubscriptionRenewed, SubscriptionCancelled)

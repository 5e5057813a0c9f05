"""Topic commerce: what customers buy, once or by subscription, what they return, and what it costs to find them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.currency import AmountMinor, Currency
from schemas.envelope import Event, Name, OfProduct
from schemas.rejected import Rejected

# As with amounts, so that sums fit into 64 bits.
Units = Annotated[int, Meta(ge=0, le=10**9, description="How many pieces, at most 10^9.")]
OrderId = Annotated[Name, Meta(description="Of one order of the customer; its line items share it.")]

PeriodDays = Annotated[
    int, Meta(ge=1, le=3660, description="The amount is paid for so many days: 7, 30, 365; at most ten years.")
]


class Purchase(Event, frozen=True, gc=False, kw_only=True, tag="purchase"):
    """The customer paid for an order, or for a line item of one: those with the same order_id are one order."""

    order_id: OrderId
    amount_minor: AmountMinor
    currency: Currency
    units: Units


class ProductReturn(Event, frozen=True, gc=False, kw_only=True, tag="product_return"):
    """The customer gave back units of an order; the amount is what was paid back, if anything was."""

    order_id: OrderId
    units: Units
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None

    def flaw(self) -> Rejected | None:
        return super().flaw() or self._without_currency()

    def _without_currency(self) -> Rejected | None:
        if self.amount_minor is None or self.currency is not None:
            return None
        return Rejected("missing_field", "currency: expected beside amount_minor")


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


class Spend(OfProduct, frozen=True, gc=False, kw_only=True, tag="spend"):
    """What it cost to find customers: paid for marketing or sales."""

    kind: Literal["marketing", "sales"]
    amount_minor: AmountMinor
    currency: Currency


TYPES: tuple[type[Event], ...] = (
    Purchase,
    ProductReturn,
    SubscriptionStarted,
    SubscriptionRenewed,
    SubscriptionCancelled,
    Spend,
)

"""Loyalty: each customer's last loyalty action, and the tier that was named last."""

from __future__ import annotations

from stream.core.latest_value import LatestValue
from stream.indicators.measures import total

ACTIONS = total("loyalty_actions", of="loyalty_action", by="action")
TIERS = total("loyalty_tiers", of="loyalty_action", by="tier", given="tier")


class LastLoyaltyAction(LatestValue):
    """As a key of ACTIONS."""

    series = ACTIONS


class Tier(LatestValue):
    """As a key of TIERS."""

    series = TIERS

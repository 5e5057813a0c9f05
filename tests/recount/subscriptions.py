"""Subscriptions: who subscribes now, who did 30 days ago, and for how much."""

from __future__ import annotations

from fractions import Fraction

from tests.recount.counted import CountedEvent, by_customer
from tests.recount.samples import Exact, Sample, sample, share

MONTH = 30 * 24 * 60
STATES = ("subscription_started", "subscription_renewed", "subscription_cancelled")
MINOR_UNITS = {"EUR": 100, "JPY": 1}


def subscriptions(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """Of what is `other`, which may be many products, nothing is known but which currencies there were."""
    events = [event for event in history if event.type in STATES]
    priced = [event for event in events if {"amount_minor", "currency"} <= event.fields.keys()]
    revenue = {event.fields["currency"]: Fraction(0) for event in priced}
    before = lost = subscribed = 0
    for own in by_customer(event for event in events if event.product != "other").values():
        is_now, was = subscribes(own, now), subscribes(own, now - MONTH)
        subscribed, before, lost = subscribed + is_now, before + was, lost + (was and not is_now)
        prices = [event for event in own if event in priced]
        if is_now and prices:
            last = max(prices, key=price_order).fields
            amount = Fraction(last["amount_minor"], MINOR_UNITS[last["currency"]])
            revenue[last["currency"]] += amount * 30 / last.get("period_days", 30)
    samples: dict[Sample, Exact] = {
        sample("subscribers"): subscribed,
        sample("period_start_subscribers"): before,
        sample("subscription_churn_ratio"): share(lost, before),
    }
    return samples | {sample("recurring_revenue", currency=each): amount for each, amount in revenue.items()}


def subscribes(own: list[CountedEvent], minute: int) -> bool:
    """By the last transition until then, of the first and the last four: those between are not remembered."""
    transitions = sorted({(event.ms, STATES.index(event.type), event.minute) for event in own})
    kept = sorted({*transitions[:1], *transitions[-4:]})
    states = [STATES[state] for _, state, when in kept if when <= minute]
    return bool(states) and states[-1] != "subscription_cancelled"


def price_order(event: CountedEvent) -> tuple[int, int, str, str]:
    fields = event.fields
    return event.ms, fields["amount_minor"], fields["currency"], str(fields.get("period_days", 30))

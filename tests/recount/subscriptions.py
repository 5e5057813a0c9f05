"""Subscriptions: who subscribes now, who did 30 days ago, and for how much."""

from __future__ import annotations

from collections.abc import Iterable
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
    return is_live(event for event in transitions(own) if event.minute <= minute)


def transitions(own: list[CountedEvent]) -> list[CountedEvent]:
    """The first and the last four, each once: those between are not remembered."""
    by_moment = {(event.ms, STATES.index(event.type)): event for event in own}
    moments = sorted(by_moment)
    return [by_moment[moment] for moment in sorted({*moments[:1], *moments[-4:]})]


def is_live(heard: Iterable[CountedEvent]) -> bool:
    """By the last of these transitions."""
    states = [event.type for event in heard]
    return bool(states) and states[-1] != "subscription_cancelled"


def price_order(event: CountedEvent) -> tuple[int, int, str, str]:
    fields = event.fields
    return event.ms, fields["amount_minor"], fields["currency"], str(fields.get("period_days", 30))

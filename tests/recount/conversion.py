"""Conversion: who bought within a week of first being exposed to a campaign."""

from __future__ import annotations

from tests.recount.clicks import campaign_of
from tests.recount.counted import CountedEvent, by_customer, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share

EXPOSURES = ("impression", "click", "message_delivered", "message_opened", "message_clicked")
DAY, WEEK_MS = 24 * 60, 7 * 86_400_000


def conversion(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """For every campaign that anybody was ever exposed to."""
    samples: dict[Sample, Exact] = {}
    purchases = by_customer(of_types(history, "purchase", "subscription_started"))
    for campaign, exposures in grouped(of_types(history, *EXPOSURES), campaign_of).items():
        firsts = {customer: first_of(own, now) for customer, own in by_customer(exposures).items()}
        cohort = {customer: first for customer, first in firsts.items() if first and is_decided(first, now)}
        converted = sum(
            any(0 <= purchase.ms - first.ms <= WEEK_MS for purchase in purchases.get(customer, []))
            for customer, first in cohort.items()
        )
        samples[sample("conversion_customers", campaign=campaign)] = len(cohort)
        samples[sample("conversion_ratio", campaign=campaign)] = share(converted, len(cohort))
    return samples


def first_of(exposures: list[CountedEvent], now: int) -> CountedEvent | None:
    """Of the last 90 days."""
    known = [event for event in exposures if event.minute > full_hour(now - 90 * DAY)]
    return min(known, key=lambda event: event.ms, default=None)


def is_decided(first: CountedEvent, now: int) -> bool:
    return full_hour(now - 37 * DAY) < first.minute <= full_hour(now - 7 * DAY)


def full_hour(minute: int) -> int:
    return minute - minute % 60

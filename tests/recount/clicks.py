"""Clicks: what was shown, what of it was clicked, and by how many of those who saw it."""

from __future__ import annotations

from tests.recount.counted import CountedEvent, by_channel, customers, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.windows import WINDOW_HOURS, within


def clicks(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    exposures = of_types(history, "impression", "click")
    samples = clickthrough(exposures, now)
    for channel, there in by_channel(exposures).items():
        samples |= clickthrough(there, now, "_by_channel", channel=channel)
    for campaign, of_it in grouped(exposures, campaign_of).items():
        samples |= clickthrough(of_it, now, "_by_campaign", campaign=campaign)
        for window in WINDOW_HOURS:
            counted = within(of_it, window, now)
            impressions, clicked = of_types(counted, "impression"), of_types(counted, "click")
            samples[sample("impressions", campaign=campaign, window=window)] = len(impressions)
            samples[sample("clicks", campaign=campaign, window=window)] = len(clicked)
    return samples


def campaign_of(event: CountedEvent) -> str:
    campaign = event.fields.get("campaign")
    return "none" if campaign is None else str(campaign)


def clickthrough(exposures: list[CountedEvent], now: int, twin: str = "", **labels: str) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for window in WINDOW_HOURS:
        exposed = within(exposures, window, now)
        clicked = of_types(exposed, "click")
        of_events = share(len(clicked), len(of_types(exposed, "impression")))
        of_customers = share(customers(clicked), customers(exposed))
        samples[sample(f"clickthrough{twin}_ratio", window=window, basis="events", **labels)] = of_events
        samples[sample(f"clickthrough{twin}_ratio", window=window, basis="customers", **labels)] = of_customers
    return samples

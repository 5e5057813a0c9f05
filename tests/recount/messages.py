"""Messages: who opened and who clicked them, of those who received any, and what machines did instead."""

from __future__ import annotations

from tests.recount.clicks import campaign_of
from tests.recount.counted import CountedEvent, customers, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.windows import WINDOW_HOURS, within


def messages(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """For every medium and campaign that there ever was."""
    samples: dict[Sample, Exact] = {}
    everything = of_types(history, "message_delivered", "message_opened", "message_clicked")
    for (medium, campaign), of_it in grouped(everything, medium_and_campaign).items():
        for window in WINDOW_HOURS:
            labels = {"medium": medium, "campaign": campaign, "window": window}
            counted = within(of_it, window, now)
            received, opens = customers(counted), of_types(counted, "message_opened")
            opened = customers(event for event in opens if not event.fields.get("machine"))
            clicked = customers(
                event for event in of_types(counted, "message_clicked") if not event.fields.get("machine")
            )
            samples[sample("message_open_ratio", **labels)] = share(opened, received)
            samples[sample("message_click_ratio", **labels)] = share(clicked, received)
            samples[sample("messages", **labels)] = len(of_types(counted, "message_delivered"))
            by_machines = [event for event in opens if event.fields.get("machine")]
            samples[sample("machine_opens", **labels)] = len(by_machines)
    return samples


def medium_and_campaign(event: CountedEvent) -> tuple[str, ...]:
    return event.fields["medium"], campaign_of(event)

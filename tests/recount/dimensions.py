"""Dimensions: how many customers look, feel and act, and on how many channels they do anything."""

from __future__ import annotations

from tests.recount.counted import CountedEvent, by_customer, customers
from tests.recount.samples import Exact, Sample, sample
from tests.recount.windows import WINDOW_HOURS, within

MONTH_MINUTES = 30 * 24 * 60


def dimension_of(event: CountedEvent) -> set[str]:
    match event.type:
        case "interaction":
            return {"affective", "cognitive"} if event.fields["action"] == "play" else {"affective"}
        case "page_view":
            return {"cognitive"}
        case "survey_response" | "social_action":
            return {"affective"}
        case "purchase" | "contribution" | "referral" | "loyalty_action":
            return {"behavioural"}
        case "attendance":
            return {"behavioural"} if event.fields["status"] == "attended" else set()
        case _:
            return set()


def dimensions(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for dimension in ("cognitive", "affective", "behavioural"):
        shown = [event for event in history if dimension in dimension_of(event)]
        for window in WINDOW_HOURS:
            samples[sample("dimension_customers", dimension=dimension, window=window)] = customers(
                within(shown, window, now)
            )
    of_late = [event for event in history if event.active and now - MONTH_MINUTES < event.minute <= now]
    numbers = [len({event.channel for event in own}) for own in by_customer(of_late).values()]
    for channels, fits in {"1": {1}, "2": {2}, "3+": set(range(3, 1000))}.items():
        samples[sample("channels_customers", channels=channels)] = sum(number in fits for number in numbers)
    return samples

"""Mailings: messages of campaigns that reach customers between their visits, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from stream.demo.simulate.scheduler import Step
from stream.demo.simulate.session import Customer

MEDIA, MEDIA_WEIGHTS = ("email", "push", "sms", "chat"), (60, 25, 10, 5)
CAMPAIGNS = ("newsletter", "spring", "win-back", None)
HOUR_SECONDS, DAY_SECONDS = 3_600.0, 86_400.0


def mailing(customer: Customer, rng: Random) -> Iterator[Step]:
    """A message is on its way. Of those by email a proxy opens some at once, and a scanner follows the links of a
    few; some customers open it in the next days, and some of these click."""
    [medium] = rng.choices(MEDIA, MEDIA_WEIGHTS)
    campaign = rng.choice(CAMPAIGNS)
    inbox = customer.session(medium)

    def step(delay_seconds: float, what: str, machine: bool = False) -> Step:
        return Step(
            delay_seconds, partial(inbox.message, what=what, medium=medium, campaign=campaign, machine=machine)
        )

    yield step(rng.uniform(1, 3 * DAY_SECONDS), "delivered")
    if medium == "email":
        if rng.random() < 0.3:
            yield step(2, "opened", machine=True)
        if rng.random() < 0.05:
            yield step(1, "clicked", machine=True)
    if rng.random() < 0.35:
        yield step(rng.expovariate(1 / (8 * HOUR_SECONDS)), "opened")
        if rng.random() < 0.2:
            yield step(rng.uniform(2, 60), "clicked")

"""Content: who acted on it, and how, of those who were shown it."""

from __future__ import annotations

from tests.recount.counted import CountedEvent, customers, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.windows import WINDOW_HOURS, within


def content(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """For every content and action that ever was."""
    exposures = of_types(history, "impression", "click", "interaction")
    samples: dict[Sample, Exact] = {}
    done = grouped(of_types(history, "interaction"), lambda event: (event.fields["content"], event.fields["action"]))
    for (piece, action), actions in done.items():
        exposed = [event for event in exposures if event.fields.get("content") == piece]
        for window in WINDOW_HOURS:
            samples |= acted(within(actions, window, now), within(exposed, window, now), piece, action, window)
    return samples


def acted(
    actions: list[CountedEvent], exposed: list[CountedEvent], piece: str, action: str, window: str
) -> dict[Sample, Exact]:
    labels = {"content": piece, "action": action, "window": window}
    of_basis = {
        "events": share(len(actions), len(of_types(exposed, "impression"))),
        "customers": share(customers(actions), customers(exposed)),
        "per_exposed": share(len(actions), customers(exposed)),
    }
    samples: dict[Sample, Exact] = {
        sample("action_ratio", **labels, basis=basis): ratio for basis, ratio in of_basis.items()
    }
    samples[sample("interactions", **labels)] = len(actions)
    return samples

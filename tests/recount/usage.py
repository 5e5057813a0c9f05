"""Usage: which features are used, what is contributed, and by how many of those who were active."""

from __future__ import annotations

from tests.recount.counted import CountedEvent, customers, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import active_in
from tests.recount.windows import WINDOW_HOURS, within


def usage(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    return features(history, now) | community(history, now)


def features(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """For every feature that was ever used."""
    samples: dict[Sample, Exact] = {}
    used = grouped(of_types(history, "feature_use"), lambda event: str(event.fields["feature"]))
    for feature, all_uses in used.items():
        for window in WINDOW_HOURS:
            uses = within(all_uses, window, now)
            labels = {"feature": feature, "window": window}
            samples[sample("feature_uses", **labels)] = len(uses)
            samples[sample("feature_customers", **labels)] = customers(uses)
            samples[sample("feature_adoption_ratio", **labels)] = share(
                customers(uses), active_in(history, window, now)
            )
    return samples


def community(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """For every kind that there ever was."""
    samples: dict[Sample, Exact] = {}
    everything = of_types(history, "contribution")
    for window in WINDOW_HOURS:
        contributions = within(everything, window, now)
        for kind in {event.fields["kind"] for event in everything}:
            of_kind = [event for event in contributions if event.fields["kind"] == kind]
            samples[sample("contributions", kind=kind, window=window)] = len(of_kind)
        contributors = share(customers(contributions), active_in(history, window, now))
        samples[sample("contributor_ratio", window=window)] = contributors
        ratings = [
            event.fields["rating"]
            for event in contributions
            if event.fields["kind"] == "review" and event.fields.get("rating") is not None
        ]
        samples[sample("review_rating_mean", window=window)] = share(sum(ratings), len(ratings))
    return samples

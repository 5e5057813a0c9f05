"""Usage: which features are used, what is contributed and told, who is a member, and how many of those active."""

from __future__ import annotations

from tests.recount.counted import CountedEvent, by_customer, customers, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import active_in, came_within, visitors_of
from tests.recount.windows import WINDOW_HOURS, within

POINTS = ("earn", "redeem")


def usage(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    samples = features(history, now) | community(history, now) | referrals(history, now)
    return samples | attendance(history, now) | social(history, now) | loyalty(history, now)


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


def word_of_mouth(history: list[CountedEvent]) -> list[CountedEvent]:
    told = [event for event in of_types(history, "social_action") if event.fields["action"] in ("mention", "share")]
    return of_types(history, "contribution") + told


def referrals(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """And whatever else is told to others, by every sentiment that there ever was."""
    samples: dict[Sample, Exact] = {}
    told = grouped(word_of_mouth(history), lambda event: event.fields.get("sentiment") or "none")
    for window in WINDOW_HOURS:
        for sentiment, events in told.items():
            counted = len(within(events, window, now))
            samples[sample("word_of_mouth", sentiment=sentiment, window=window)] = counted
        made = within(of_types(history, "referral"), window, now)
        samples[sample("referrals", window=window)] = len(made)
        samples[sample("referrers", window=window)] = customers(made)
        samples[sample("referral_ratio", window=window)] = share(customers(made), active_in(history, window, now))
    return samples


def attendance(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """Of every event that anybody was ever invited to or came to."""
    samples: dict[Sample, Exact] = {}
    for event, all_news in grouped(of_types(history, "attendance"), lambda each: str(each.fields["event"])).items():
        for window in WINDOW_HOURS:
            news = within(all_news, window, now)
            came = [each for each in news if each.fields["status"] == "attended"]
            samples[sample("attendance_ratio", event=event, window=window)] = share(customers(came), customers(news))
    return samples


def social(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """An unlike is a like less, an unfollow a follow."""
    samples: dict[Sample, Exact] = {}
    heard = grouped(of_types(history, "social_action", "social_reach"), lambda event: str(event.fields["network"]))
    for network, events in heard.items():
        all_actions = of_types(events, "social_action")
        for window in WINDOW_HOURS:
            labels = {"network": network, "window": window}
            net = dict.fromkeys((event.fields["action"].removeprefix("un") for event in all_actions), 0)
            for event in within(all_actions, window, now):
                net[event.fields["action"].removeprefix("un")] += -1 if event.fields["action"].startswith("un") else 1
            for action, number in net.items():
                samples[sample("social_actions", action=action, **labels)] = number
            reports = of_types(events, "social_reach")
            reached = sum(int(event.fields["reach"]) for event in within(reports, window, now))
            if reports:
                samples[sample("social_reach", **labels)] = reached
            samples[sample("social_ratio", **labels)] = share(sum(net.values()), reached)
    return samples


def loyalty(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """Members by every tier that was ever named or has members now."""
    actions = of_types(history, "loyalty_action")
    tiers = dict.fromkeys((event.fields["tier"] for event in actions if event.fields.get("tier")), 0)
    members = set()
    for customer, own in by_customer(actions).items():
        last = max(own, key=lambda event: (event.ms, event.fields["action"]))
        if last.fields["action"] != "leave":
            members.add(customer)
            named = [(event.ms, event.fields["tier"]) for event in own if event.fields.get("tier")]
            tier = max(named)[1] if named else "none"
            tiers[tier] = tiers.get(tier, 0) + 1
    samples: dict[Sample, Exact] = {sample("loyalty_members", tier=tier): number for tier, number in tiers.items()}
    seen = {visitor.customer for visitor in visitors_of(history) if came_within([visitor], "30d", now)}
    samples[sample("loyalty_active_ratio")] = share(len(members & seen), len(members))
    with_points = grouped(
        [event for event in actions if event.fields.get("points") is not None and event.fields["action"] in POINTS],
        lambda event: str(event.fields["action"]),
    )
    for window in WINDOW_HOURS:
        points = {
            action: sum(int(event.fields["points"]) for event in within(events, window, now))
            for action, events in with_points.items()
        }
        for action, number in points.items():
            samples[sample("loyalty_points", action=action, window=window)] = number
        redemption = share(points.get("redeem", 0), points.get("earn", 0))
        samples[sample("loyalty_redemption_ratio", window=window)] = redemption
    return samples

"""Churn risk: every customer scored by itself, straight from the formula, as of the last full hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from math import exp, log, log2
from zlib import crc32
from zoneinfo import ZoneInfo

from tests.recount.counted import EPOCH, MILLISECOND, CountedEvent, by_customer, of_one_survey
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.segments import named, segment

DEFAULTS = {
    "half_life_days": 14.0,
    "constant": -0.5,
    "decay": 0.7,
    "overdue": 0.3,
    "nps_detractor": 0.7,
    "negative_answer": 0.5,
    "open_ticket": 0.4,
    "first_week": 0.6,
    "subscription_cancelled": 1.5,
}
LEVELS = ("low", "medium", "high")
REASONS = ("nps_detractor", "negative_answer", "open_ticket", "first_week", "subscription_cancelled", "silence")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def churn_risk(
    history: list[CountedEvent],
    now: int,
    zone: ZoneInfo,
    first_week_days: int,
    trait: str,
    weights: Mapping[str, float] = DEFAULTS,
) -> dict[Sample, Exact]:
    """`trait` is the one that is the segment."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for own in by_customer(history).values():
        if risk := risk_of(own, now, zone, first_week_days, weights):
            active = [event for event in own if event.active]
            last = max(event.minute for event in active)
            channel = min(event.channel for event in active if event.minute == last)
            found[(*risk, channel, segment(own, trait))] += 1
    return told(found, {event.channel for event in history if event.active}, named(history, trait))


def risk_of(
    own: list[CountedEvent], now: int, zone: ZoneInfo, first_week_days: int, weights: Mapping[str, float] = DEFAULTS
) -> tuple[str, str] | None:
    """(level, largest reason) of the customer with these events, if it has a risk."""
    active = [event for event in own if event.active]
    if not active:
        return None
    last = max(event.minute for event in active) * 60_000
    moment = max(now * 60_000 // HOUR_MS * HOUR_MS, last)
    if moment < last + 90 * DAY_MS or subscription(own) in ("subscription_started", "subscription_renewed"):
        parts = reasons(own, active, moment, zone, first_week_days, weights)
        return level(base(active, weights) + sum(parts.values())), largest(parts)
    return None


def base(active: list[CountedEvent], weights: Mapping[str, float]) -> float:
    days = {event.day for event in active}
    activity = sum(2 ** (-(max(days) - day) / weights["half_life_days"]) for day in sorted(days))
    return weights["constant"] - weights["decay"] * log2(activity)


def reasons(
    own: list[CountedEvent],
    active: list[CountedEvent],
    moment: int,
    zone: ZoneInfo,
    first_week_days: int,
    weights: Mapping[str, float],
) -> dict[str, float]:
    """What each reason adds to the log-odds, where it holds."""
    days = {event.day for event in active}
    gap = (30 + max(days) - min(days)) / len(days)
    silence = (moment - max(event.minute for event in active) * 60_000) / DAY_MS
    found = {"silence": (weights["decay"] / weights["half_life_days"] + weights["overdue"] / gap) * silence}
    heard = bad_answers(own)
    if subscription(own) == "subscription_cancelled":
        heard.append(("subscription_cancelled", newest(subscriptions(own)).ms, 90))
    for kind, since, lasts in heard:  # whatever is heard holds at once
        if moment < since + lasts * DAY_MS:
            found[kind] = weights[kind]
    week = [day for day in days if day < min(days) + 7]
    if len(week) < first_week_days:
        over = start_of(min(days) + 7, zone)
        if over <= moment < over + 60 * DAY_MS:
            found["first_week"] = weights["first_week"]
    if any(event.type != "ticket_resolved" for event in last_of_tickets(own)):
        found["open_ticket"] = weights["open_ticket"]
    return found


def bad_answers(own: list[CountedEvent]) -> list[tuple[str, int, int]]:
    answers = [event for event in own if event.type == "survey_response" and of_one_survey(event)]
    bad = []
    for key in {answer_key(event) for event in answers}:
        last = max((event for event in answers if answer_key(event) == key), key=lambda e: (e.ms, e.event_id))
        survey, _, scale = key
        low, _, high = scale.partition("-")
        score = last.fields["score"]
        if survey == "ces" and last.fields.get("reversed"):
            score = int(low) + int(high) - score
        if survey == "nps" and score <= 6:
            bad.append(("nps_detractor", last.ms, 90))
        if survey != "nps" and 2 * score < int(low) + int(high):
            bad.append(("negative_answer", last.ms, 30))
    return bad


def answer_key(event: CountedEvent) -> tuple[str, str, str]:
    return event.fields["survey"], event.fields["survey_id"], event.fields["scale"]


ORDER = (
    "subscription_started subscription_renewed subscription_cancelled "
    "ticket_opened ticket_resolved ticket_reopened".split()
)


def newest(events: list[CountedEvent]) -> CountedEvent:
    return max(events, key=lambda event: (event.ms, ORDER.index(event.type)))


def subscriptions(own: list[CountedEvent]) -> list[CountedEvent]:
    return [event for event in own if event.type.startswith("subscription_") and event.product != "other"]


def subscription(own: list[CountedEvent]) -> str | None:
    events = subscriptions(own)
    return newest(events).type if events else None


def last_of_tickets(own: list[CountedEvent]) -> list[CountedEvent]:
    """The last that was heard of each."""
    tickets = [event for event in own if event.type in ("ticket_opened", "ticket_resolved", "ticket_reopened")]
    tickets = [event for event in tickets if event.product != "other"]
    ids = {event.fields["ticket_id"] for event in tickets}
    return [newest([event for event in tickets if event.fields["ticket_id"] == each]) for each in ids]


def level(log_odds: float) -> str:
    return LEVELS[sum(log_odds >= log(odds / (1 - odds)) for odds in (0.4, 0.7))]


def largest(parts: Mapping[str, float]) -> str:
    """The first of the heaviest; silence only where no evidence weighs more."""
    evidence = max((parts.get(reason, 0.0) for reason in REASONS[:-1]), default=0.0)
    if parts["silence"] >= evidence - 1e-9:  # as much counts as more, whatever the rounding
        return "silence"
    return next(reason for reason in REASONS if parts.get(reason, 0.0) == evidence)


def told(found: Counter[tuple[str, str, str, str]], channels: set[str], segments: set[str]) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for level_ in LEVELS:
        for reason in REASONS:
            number = sum(n for (at, why, *_), n in found.items() if (at, why) == (level_, reason))
            samples[sample("risk_reasons_customers", level=level_, reason=reason)] = number
    groups: list[tuple[str, dict[str, str], int, str]] = [("", {}, 0, "")]
    groups += [("_by_channel", {"channel": each}, 2, each) for each in channels]
    groups += [("_by_segment", {"segment": each}, 3, each) for each in segments | {"unknown"}]
    for twin, labels, place, value in groups:
        those = {key: n for key, n in found.items() if not twin or key[place] == value}
        for level_ in LEVELS:
            number = sum(n for key, n in those.items() if key[0] == level_)
            samples[sample(f"risk{twin}_customers", level=level_, **labels)] = number
            samples[sample(f"risk{twin}_ratio", level=level_, **labels)] = share(number, sum(those.values()))
    return samples


def risk_grades(
    history: list[CountedEvent],
    today: int,
    zone: ZoneInfo,
    first_week_days: int,
    weights: Mapping[str, float] = DEFAULTS,
) -> dict[Sample, Exact]:
    """Each customer as of the Monday of every 64th week, and what it did in the 30 days after; outcomes known in the
    last 90 days."""
    told: list[tuple[float, bool]] = []
    for (product, customer), own in by_product_and_customer(history).items():
        key = customer if product == "default" else f"{len(product)}:{product}{customer}"
        active = [event for event in own if event.active]
        days = sorted({event.day for event in active})
        for monday in range(today - 120, today - 29):
            if monday % 7 != 1 or monday // 7 % 64 != crc32(key.encode()) % 64:
                continue
            known = [day for day in days if monday - 90 <= day < monday]
            if known and monday >= days[-1] - 120:
                risk = risk_at(own, days, monday, zone, first_week_days, weights)
                told.append((risk, not any(monday <= day < monday + 30 for day in days)))
    samples: dict[Sample, Exact] = {}
    errors = sum(round((risk - away) ** 2 * 1_000_000) for risk, away in told)
    samples[sample("risk_brier_score")] = share(errors, 1_000_000 * len(told))
    for tenth in range(10):
        here = [away for risk, away in told if min(int(risk * 10), 9) == tenth]
        labels = {"bucket": f"0.{tenth}"}
        samples[sample("risk_observed_ratio", **labels)] = share(sum(here), len(here))
        samples[sample("risk_graded_customers", **labels)] = len(here)
    return samples


def risk_at(
    own: list[CountedEvent],
    days: list[int],
    monday: int,
    zone: ZoneInfo,
    first_week_days: int,
    weights: Mapping[str, float],
) -> float:
    """As of the beginning of the day: from the days before it, and the evidence of then that is still known."""
    before = [day for day in days if day < monday]
    activity = sum(2 ** (-(before[-1] - day) / weights["half_life_days"]) for day in before)
    gap = (30 + before[-1] - before[0]) / len(before)
    rise = weights["decay"] / weights["half_life_days"] + weights["overdue"] / gap
    total = weights["constant"] - weights["decay"] * log2(activity) + rise * (monday - before[-1])
    midnight = start_of(monday, zone)
    heard = bad_answers(own)
    if subscription(own) == "subscription_cancelled":
        heard.append(("subscription_cancelled", newest(subscriptions(own)).ms, 90))
    if len([day for day in days if day < days[0] + 7]) < first_week_days:
        heard.append(("first_week", start_of(days[0] + 7, zone), 60))
    total += sum(weights[kind] for kind in {kind for kind, *_ in heard} if holds(kind, heard, midnight))
    opened = [ticket.ms for ticket in last_of_tickets(own) if ticket.type != "ticket_resolved"]
    if opened and min(opened) < midnight:
        total += weights["open_ticket"]
    return 1 / (1 + exp(-total))


def holds(kind: str, heard: list[tuple[str, int, int]], moment: int) -> bool:
    """Of several answers of a kind only the latest counts."""
    since, lasts = max((since, lasts) for each, since, lasts in heard if each == kind)
    return since < moment < since + lasts * DAY_MS


def by_product_and_customer(history: list[CountedEvent]) -> dict[tuple[str, str], list[CountedEvent]]:
    found: dict[tuple[str, str], list[CountedEvent]] = {}
    for event in history:
        found.setdefault((event.product, event.customer), []).append(event)
    return found


def start_of(day: int, zone: ZoneInfo) -> int:
    return (datetime.fromordinal(day).replace(tzinfo=zone) - EPOCH) // MILLISECOND

"""Surveys: the last answer of every customer, how many answered, and what about."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from tests.recount.counted import CountedEvent, by_customer, customers, grouped, of_one_survey, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.segments import Segments
from tests.recount.windows import WINDOW_HOURS, within


def surveys(history: list[CountedEvent], now: int, csat_7_from: int, segments: Segments) -> dict[Sample, Exact]:
    answers = of_types(history, "survey_response")
    samples = response(history, now) | feedback(answers, now)
    for (survey, survey_id, scale), given in grouped(filter(of_one_survey, answers), scale_of).items():
        last = last_answers(given)
        for window in WINDOW_HOURS:
            counted = within(last, window, now)
            labels = {"survey_id": survey_id, "scale": scale, "window": window}
            samples[sample("survey_customers", survey=survey, **labels)] = len(counted)
            scores = [int(answer.fields["score"]) for answer in counted]
            enough = {"1-5": 4, "1-7": csat_7_from}.get(scale, 0)
            if survey == "nps":
                samples |= nps(scores, labels)
            elif survey == "csat":
                samples[sample("csat_ratio", **labels)] = share(sum(score >= enough for score in scores), len(scores))
            for segment, customers_ in segments.items():
                own = [int(answer.fields["score"]) for answer in counted if answer.customer in customers_]
                there = labels | {"segment": segment}
                samples[sample("survey_by_segment_customers", survey=survey, **there)] = len(own)
                if survey == "nps":
                    promoters, detractors = (sum(score in some for score in own) for some in ((9, 10), range(7)))
                    score = share(100 * (promoters - detractors), len(own))
                    samples[sample("nps_by_segment_score", **there)] = score
                elif survey == "csat":
                    satisfied = share(sum(score >= enough for score in own), len(own))
                    samples[sample("csat_by_segment_ratio", **there)] = satisfied
            if survey == "ces":
                samples |= ces([effort_score(answer) for answer in counted], labels)
    return samples


def survey_of(event: CountedEvent) -> tuple[str, ...]:
    return (event.fields["survey"], event.fields["survey_id"])


def scale_of(answer: CountedEvent) -> tuple[str, ...]:
    return (*survey_of(answer), answer.fields["scale"])


def last_answers(answers: Iterable[CountedEvent]) -> list[CountedEvent]:
    """Of every customer the one with the latest timestamp, then the greatest event_id."""
    return [max(own, key=lambda answer: (answer.ms, answer.event_id)) for own in by_customer(answers).values()]


def nps(scores: list[int], labels: dict[str, str]) -> dict[Sample, Exact]:
    promoters = sum(score >= 9 for score in scores)
    detractors = sum(score <= 6 for score in scores)
    passives = len(scores) - promoters - detractors
    samples: dict[Sample, Exact] = {
        sample("nps_customers", **labels, **{"class": "promoter"}): promoters,
        sample("nps_customers", **labels, **{"class": "passive"}): passives,
        sample("nps_customers", **labels, **{"class": "detractor"}): detractors,
        sample("nps_score", **labels): share(100 * (promoters - detractors), len(scores)),
        sample("nps_margin", **labels): None,
    }
    if scores:
        p, d = Fraction(promoters, len(scores)), Fraction(detractors, len(scores))
        samples[sample("nps_margin", **labels)] = 1.96 * 100 * math.sqrt((p + d - (p - d) ** 2) / len(scores))
    return samples


def effort_score(answer: CountedEvent) -> int:
    """Mirrored where the low end of the scale is the good one."""
    score = int(answer.fields["score"])
    if answer.fields.get("reversed"):
        first, last = map(int, answer.fields["scale"].split("-"))
        return first + last - score
    return score


def ces(scores: list[int], labels: dict[str, str]) -> dict[Sample, Exact]:
    match labels["scale"]:
        case "1-3":
            score = share(100 * (scores.count(3) - scores.count(1)), len(scores))
            return {sample("ces_score", **labels): score}
        case "1-10":
            return {sample("ces_mean", **labels): share(sum(scores), len(scores))}
        case scale:
            easy = sum(score >= {"1-5": 4, "1-7": 5}[scale] for score in scores)
            return {sample("ces_ratio", **labels): share(easy, len(scores))}


def response(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """Of every survey the answers, once there was one, and the share of those asked who gave one."""
    samples: dict[Sample, Exact] = {}
    found = grouped(of_types(history, "survey_sent", "survey_response"), survey_of)
    for (survey, survey_id), events in found.items():
        ever_answered = bool(of_types(events, "survey_response"))
        for window in WINDOW_HOURS:
            labels = {"survey": survey, "survey_id": survey_id, "window": window}
            counted = within(events, window, now)
            answers = of_types(counted, "survey_response")
            if all(map(of_one_survey, events)):
                samples[sample("survey_response_ratio", **labels)] = share(customers(answers), customers(counted))
            if ever_answered:
                samples[sample("survey_responses", **labels)] = len(answers)
    return samples


def feedback(answers: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """Answers by every theme they touch and by their sentiment; one that has neither says nothing."""
    opinions: dict[tuple[str, str], list[CountedEvent]] = {}
    for answer in answers:
        themes, sentiment = set(answer.fields.get("themes") or ()), answer.fields.get("sentiment")
        if themes or sentiment:
            for theme in themes or {"none"}:
                opinions.setdefault((theme, sentiment or "none"), []).append(answer)
    return {
        sample("feedback", theme=theme, sentiment=sentiment, window=window): len(within(given, window, now))
        for (theme, sentiment), given in opinions.items()
        for window in WINDOW_HOURS
    }

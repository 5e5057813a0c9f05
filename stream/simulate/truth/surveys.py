"""Surveys: what customers think in the end, how many answered, and what about."""

from __future__ import annotations

from math import sqrt

from stream.simulate.diary import Answer, Diary
from stream.simulate.truth.moment import WINDOWS, Moment
from stream.simulate.truth.samples import Samples, sample, share


def surveys(diaries: list[Diary], moment: Moment, csat_7_from: int) -> Samples:
    samples = _responses(diaries, moment) | _feedback(diaries, moment)
    final = [diary.opinions for diary in diaries]
    for survey, survey_id, scale in {key for answers in final for key in answers}:
        for window in WINDOWS:
            answers = [own[survey, survey_id, scale] for own in final if (survey, survey_id, scale) in own]
            scores = [answer.score for answer in moment.within(answers, window)]
            labels = {"survey_id": survey_id, "scale": scale, "window": window}
            samples[sample("survey_customers", survey=survey, **labels)] = len(scores)
            if survey == "nps":
                samples |= _nps(scores, labels)
            elif survey == "csat":
                samples[sample("csat_ratio", **labels)] = _from(csat_7_from if scale == "1-7" else 4, scores)
            else:
                samples |= _ces(scores, labels)
    return samples


def _from(lowest: int, scores: list[int]) -> float | None:
    """The share of scores that reach it."""
    return share(sum(score >= lowest for score in scores), len(scores))


def _nps(scores: list[int], labels: dict[str, str]) -> Samples:
    n = len(scores)
    promoters, detractors = sum(score > 8 for score in scores), sum(score < 7 for score in scores)
    samples: Samples = {
        sample("nps_score", **labels): share(100 * (promoters - detractors), n),
        sample("nps_margin", **labels): None,
    }
    if n:
        p, d = promoters / n, detractors / n
        # Rounding may leave a little less than nothing of a variance of 0.
        samples[sample("nps_margin", **labels)] = 1.96 * 100 * sqrt(max(0.0, p + d - (p - d) ** 2)) / sqrt(n)
    classes = {"promoter": promoters, "passive": n - promoters - detractors, "detractor": detractors}
    for name, customers in classes.items():
        samples[sample("nps_customers", **labels, **{"class": name})] = customers
    return samples


def _ces(scores: list[int], labels: dict[str, str]) -> Samples:
    match labels["scale"]:
        case "1-3":
            return {sample("ces_score", **labels): share(100 * (scores.count(3) - scores.count(1)), len(scores))}
        case "1-10":
            return {sample("ces_mean", **labels): share(sum(scores), len(scores))}
        case scale:
            return {sample("ces_ratio", **labels): _from({"1-5": 4, "1-7": 5}[scale], scores)}


def _responses(diaries: list[Diary], moment: Moment) -> Samples:
    questions = {(each.survey, each.survey_id) for diary in diaries for each in diary.questions}
    answers = {(each.survey, each.survey_id) for diary in diaries for each in diary.answers}
    samples: Samples = {}
    for survey, survey_id in questions | answers:
        for window in WINDOWS:
            asked = answered = responses = 0
            for diary in diaries:
                own = [each for each in moment.within(diary.answers, window) if each[1:3] == (survey, survey_id)]
                responses, answered = responses + len(own), answered + bool(own)
                asked += any(each[1:] == (survey, survey_id) for each in moment.within(diary.questions, window))
            labels = {"survey": survey, "survey_id": survey_id, "window": window}
            samples[sample("survey_response_ratio", **labels)] = share(answered, asked)
            if (survey, survey_id) in answers:
                samples[sample("survey_responses", **labels)] = responses
    return samples


def _feedback(diaries: list[Diary], moment: Moment) -> Samples:
    opinions: dict[tuple[str, str], list[Answer]] = {}
    for answer in (answer for diary in diaries for answer in diary.answers if answer.themes or answer.sentiment):
        for theme in answer.themes or ("none",):
            opinions.setdefault((theme, answer.sentiment or "none"), []).append(answer)
    return {
        sample("feedback", theme=theme, sentiment=sentiment, window=window): len(moment.within(answers, window))
        for (theme, sentiment), answers in opinions.items()
        for window in WINDOWS
    }

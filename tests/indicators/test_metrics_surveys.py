"""Surveys, worked out by hand: second thoughts, reversed scales, who was asked, and what they spoke of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stream.core.definitions import Definitions
from tests.small_histories import DAY, MINUTE, NOW, Fields, assert_never_shown, assert_reads, event


def answer(score: int, ago: timedelta = NOW, user: str = "ann", **fields: Any) -> Fields:
    survey = {"survey": "ces", "survey_id": "help", "scale": "1-7"} | fields
    return event("survey_response", ago, user, score=score, **survey)


def test_a_second_thought_replaces_the_first_answer_and_is_counted_as_another_response() -> None:
    events = [answer(7, 2 * DAY), answer(1, DAY - MINUTE), answer(6, 3 * DAY)]
    assert_reads(events, "ces_ratio", 0.0, survey_id="help", scale="1-7", window="7d")
    assert_reads(events, "survey_responses", 3, survey="ces", survey_id="help", window="7d")
    assert_reads(events, "survey_customers", 1, survey="ces", survey_id="help", scale="1-7", window="7d")


def test_of_two_answers_at_the_same_time_the_greater_event_id_counts() -> None:
    events = [{**answer(1), "event_id": "9"}, {**answer(7), "event_id": "10"}]
    assert_reads(events, "ces_ratio", 0.0, survey_id="help", scale="1-7", window="24h")


@pytest.mark.parametrize(
    ("scale", "name", "value"), [("1-7", "ces_ratio", 1.0), ("1-10", "ces_mean", 8.0), ("1-3", "ces_score", -100.0)]
)
def test_a_reversed_effort_scale_is_mirrored(scale: str, name: str, value: float) -> None:
    events = [answer(3, scale=scale, reversed=True)]
    assert_reads(events, name, value, survey_id="help", scale=scale, window="24h")


def test_a_reversed_satisfaction_scale_is_taken_as_it_is() -> None:
    events = [answer(5, survey="csat", scale="1-7", reversed=True)]
    labels: Fields = {"survey_id": "help", "scale": "1-7", "window": "24h"}
    assert_reads(events, "csat_ratio", 1.0, **labels)
    assert_reads(events, "csat_ratio", 0.0, definitions=Definitions(csat_7_from=6), **labels)


def test_whoever_answered_was_asked() -> None:
    sent: Fields = {"survey": "ces", "survey_id": "help"}
    asked = event("survey_sent", user="bob", **sent), event("survey_sent", user="cyd", **sent)
    events = [*asked, answer(1), answer(2, user="bob"), answer(3, scale="1-10")]
    assert_reads(events, "survey_response_ratio", 2 / 3, **sent, window="24h")


def test_a_theme_counts_once_in_an_answer_and_an_answer_without_opinion_not_at_all() -> None:
    events = [
        answer(1, themes=["price", "speed", "price"], sentiment="negative"),
        answer(2, themes=["price"]),
        answer(3, themes=[], sentiment="negative"),
        answer(4, themes=[]),
    ]
    assert_reads(events, "feedback", 1, theme="price", sentiment="negative", window="24h")
    assert_reads(events, "feedback", 1, theme="price", sentiment="none", window="24h")
    assert_reads(events, "feedback", 1, theme="none", sentiment="negative", window="24h")


def test_surveys_that_found_no_place_are_counted_and_not_scored() -> None:
    """ann liked one and bob another; what they thought of the others is no second thought."""
    beyond: Fields = {"survey": "nps", "survey_id": "other", "scale": "0-10"}
    events = [
        event("survey_sent", user="ann", survey="nps", survey_id="other"),
        answer(10, 3 * MINUTE, **beyond),
        answer(0, 2 * MINUTE, user="bob", **beyond),
        answer(0, MINUTE, **beyond),
        answer(10, user="bob", themes=["price"], **beyond),
    ]
    assert_reads(events, "survey_responses", 4, survey="nps", survey_id="other", window="24h")
    assert_reads(events, "feedback", 1, theme="price", sentiment="none", window="24h")
    for name in ("nps_score", "nps_margin", "nps_customers", "survey_customers", "survey_response_ratio"):
        assert_never_shown(events, name)


def test_surveys_of_products_that_found_no_place_are_counted_and_not_scored() -> None:
    events = [answer(7, product="other"), answer(1, product="other")]
    assert_never_shown(events, "ces_ratio")


def test_a_survey_is_shown_however_long_ago_it_was_answered() -> None:
    asked: Fields = {"survey": "csat", "survey_id": "yearly"}
    events = [event("survey_sent", 200 * DAY, **asked), answer(3, 200 * DAY), answer(3, scale="1-5")]
    assert_reads(events, "survey_response_ratio", None, **asked, window="30d")
    assert_reads(events, "ces_ratio", None, survey_id="help", scale="1-7", window="30d")

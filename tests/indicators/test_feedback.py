"""Feedback by rule: themes and sentiment of a comment that came without them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.surveys import SurveyResponse
from stream.core.definitions import Definitions, WordLists
from stream.core.event_columns import customers_of
from stream.core.time import Calendar
from stream.indicators import feedback
from stream.indicators.catalogue import RECORD
from stream.indicators.feedback import missing_lexicon, with_feedback
from stream.indicators.state.answers import DERIVED, GIVEN
from tests.histories import State, decoded

THEMES = WordLists.of({"price": ["cher", "expensive", "prix"], "delivery": ["Été", "livré en retard"]})
SENTIMENTS = WordLists.of({"positive": ["merci", "génial"], "negative": ["bug", "nul"]})
WORDS = Definitions(themes=THEMES, sentiments=SENTIMENTS)
VADER = Definitions(themes=THEMES, sentiments=SENTIMENTS, lexicon="vader")


def answer(comment: str | None, **fields: Any) -> SurveyResponse:
    event = {
        "event_id": "1",
        "type": "survey_response",
        "user_id": "ann",
        "timestamp": "2026-03-31T12:00:00Z",
        "survey": "nps",
        "survey_id": "yearly",
        "scale": "0-10",
        "score": 3,
        "comment": comment,
        **fields,
    }
    read = decoded(event)
    assert isinstance(read, SurveyResponse)
    return read


@pytest.mark.parametrize(
    ("comment", "themes"),
    [
        ("Trop CHER !", ("price",)),
        ("Les prix... et livré  en\nretard.", ("delivery", "price")),
        ("livre\u0301 en retard", ("delivery",)),
        ("un bel ete", ("delivery",)),
        ("cherry, enchère, expensively", None),
        ("cher_", None),
        ("", None),
    ],
)
def test_a_theme_is_found_by_whole_words_whatever_their_case_and_accents(
    comment: str, themes: tuple[str, ...] | None
) -> None:
    read = with_feedback(answer(comment), WORDS)
    assert (read.themes, read.sentiment, read.derived) == (themes, None, themes is not None)


@pytest.mark.parametrize(
    ("comment", "sentiment"),
    [
        ("Merci, génial, sans bug", "positive"),
        ("Nul. Bug, bug! Merci.", "negative"),
        ("merci pour le bug", "neutral"),
        ("rien", None),
    ],
)
def test_a_sentiment_is_that_of_more_words(comment: str, sentiment: str | None) -> None:
    assert with_feedback(answer(comment), WORDS).sentiment == sentiment


@pytest.mark.parametrize(
    ("comment", "sentiment"),
    [
        ("I love it, it is great!", "positive"),
        ("This is horrible and I hate it.", "negative"),
        ("The parcel came on Tuesday.", None),
        ("Das Paket kam am Dienstag.", None),
        ("I love it. Nul.", "negative"),
    ],
)
def test_a_lexicon_is_asked_where_no_word_of_the_lists_occurs(comment: str, sentiment: str | None) -> None:
    assert with_feedback(answer(comment), VADER).sentiment == sentiment


@pytest.mark.parametrize("said", [{"themes": ["speed"]}, {"sentiment": "neutral"}])
def test_what_came_with_an_answer_stands(said: dict[str, Any]) -> None:
    given = answer("trop cher, nul", **said)
    assert with_feedback(given, WORDS) is given


def test_without_words_nothing_is_derived() -> None:
    read = with_feedback(answer("trop cher, nul"), Definitions())
    assert (read.themes, read.sentiment, read.derived) == (None, None, False)


def test_a_lexicon_that_is_not_installed_is_named_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_lexicon(VADER) is None
    monkeypatch.setattr(feedback, "_VADER", "no_such_lexicon")
    assert missing_lexicon(WORDS) is None
    told = missing_lexicon(VADER)
    assert told is not None
    assert 'definitions.lexicon = "vader" needs the package no_such_lexicon: pip install "assidu[text]"' in told


def test_a_record_tells_what_was_derived_from_what_was_said_and_keeps_no_comment() -> None:
    state = State(Calendar(ZoneInfo("UTC")), definitions=WORDS)
    state.take([[answer("trop cher, nul"), answer("nul", event_id="2", themes=["speed"], sentiment="negative")]])
    [record] = state.records.values()
    alone = customers_of(list(state.records), ["default"], state.key_ids)
    _, memories = RECORD.unpacked([record], alone)
    [(derived, _)] = memories.latest.by_labels(alone.key_ids, DERIVED)
    [(given, _)] = memories.latest.by_labels(alone.key_ids, GIVEN)
    assert (derived, given) == (("price", "negative"), ("speed", "negative"))
    assert b"cher" not in record + state.table.encode() + b"".join(state.key_ids.pack(0))

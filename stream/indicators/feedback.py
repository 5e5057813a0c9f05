"""Feedback by rule: what a comment speaks of and how it sounds, where whoever sent it does not say so.

Themes and sentiment follow from word lists (definitions): whole words, case and accents do not matter. Where no word
of the lists for sentiments occurs, a lexicon is asked, if one is chosen. What was derived is marked as such.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

from msgspec.structs import replace

from schemas.surveys import Sentiment, SurveyResponse
from stream.core.definitions import Definitions, WordLists

_VADER = "vaderSentiment"
_VADER_LEAST = 0.05
"""From so much on a comment is positive, as the lexicon's authors have it (Hutto and Gilbert, 2014)."""


def with_feedback(answer: SurveyResponse, definitions: Definitions) -> SurveyResponse:
    """The answer, with themes and sentiment of its comment if it came without both."""
    if answer.themes or answer.sentiment or not answer.comment:
        return answer
    text = _folded(answer.comment)
    themes = tuple(theme for theme, words in definitions.themes if _pattern(words).search(text))
    sentiment = _by_words(text, definitions.sentiments) or _by_lexicon(answer.comment, definitions.lexicon)
    return replace(answer, themes=themes or None, sentiment=sentiment, derived=bool(themes or sentiment))


def missing_lexicon(definitions: Definitions) -> str | None:
    """What to do about a lexicon that is chosen and not installed."""
    if definitions.lexicon == "none" or find_spec(_VADER):
        return None
    return (
        f'definitions.lexicon = "{definitions.lexicon}" needs the package {_VADER}: pip install "assidu[text]", for'
        " every worker"
    )


def _folded(text: str) -> str:
    """Without case and accents, and with one space between words."""
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join("".join(letters).casefold().split())


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words as a whole, the longest first."""
    some = sorted(map(_folded, words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, some))})(?!\w)")


def _by_words(text: str, sentiments: WordLists) -> Sentiment | None:
    found = {sentiment: len(_pattern(words).findall(text)) for sentiment, words in sentiments}
    return _sentiment(found.get("positive", 0) - found.get("negative", 0), 1) if any(found.values()) else None


def _by_lexicon(comment: str, lexicon: str) -> Sentiment | None:
    if lexicon == "none":
        return None
    scores = _vader()(comment)
    if not scores["pos"] and not scores["neg"]:  # it knows none of the words: they may be of any language
        return None
    return _sentiment(scores["compound"], _VADER_LEAST)


def _sentiment(balance: float, least: float) -> Sentiment:
    if abs(balance) < least:
        return "neutral"
    return "positive" if balance > 0 else "negative"


@cache
def _vader() -> Callable[[str], dict[str, float]]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer: Any = SentimentIntensityAnalyzer()
    return cast("Callable[[str], dict[str, float]]", analyzer.polarity_scores)

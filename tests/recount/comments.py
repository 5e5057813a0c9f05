"""Comments: what answers speak of and how they sound, by their words, where their sender does not say so."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.recount.counted import CountedEvent

WordLists = Sequence[tuple[str, Sequence[str]]]


def with_feedback(
    history: list[CountedEvent],
    themes: Mapping[str, Sequence[str]],
    sentiments: Mapping[str, Sequence[str]],
    lexicon: str,
) -> list[CountedEvent]:
    """Of comments of several languages no lexicon is asked: here it is none."""
    assert lexicon == "none"
    return [
        replace(event, fields={**event.fields, **derived(event.fields["comment"], themes, sentiments)})
        if event.fields.get("comment") and not event.fields.get("themes") and not event.fields.get("sentiment")
        else event
        for event in history
    ]


def derived(
    comment: str, themes: Mapping[str, Sequence[str]], sentiments: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    said = words_of(comment)
    of_sentiment = {
        sentiment: sum(said.count(word) for word in {plain(word) for word in words})
        for sentiment, words in sentiments.items()
    }
    positive, negative = of_sentiment.get("positive", 0), of_sentiment.get("negative", 0)
    found: dict[str, object] = {
        "themes": [theme for theme, words in themes.items() if {plain(word) for word in words} & set(said)]
    }
    if positive or negative:
        found["sentiment"] = (
            "neutral" if positive == negative else max(of_sentiment, key=lambda key: of_sentiment[key])
        )
    return found


def words_of(text: str) -> list[str]:
    """Runs of letters, digits and underscores."""
    letters = [letter if letter.isalnum() or letter == "_" else " " for letter in plain(text)]
    return "".join(letters).split()


def plain(text: str) -> str:
    """Without accents and in one case."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()

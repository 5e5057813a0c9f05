"""Definitions: what a deployment may choose for itself in what the indicators mean, declared with its default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from stream.core.time import MINUTE_MS

HowChanged = Literal["restart", "together", "anew"]
"""How a definition may be changed. restart: each process by itself, for nothing that is stored follows from it;
together: all workers at once; anew: never, for what is stored was counted by it."""

SENTIMENTS = ("positive", "negative")
"""That words may have; what has both alike is neutral."""

DAYS_SEEN = 63
"""So many days after the first activity a record can tell whether they were active."""


class WordLists(tuple[tuple[str, tuple[str, ...]], ...]):
    """(what they speak of, the words), in order; a table of lists, as the indicators file has it."""

    @classmethod
    def of(cls, table: Mapping[str, Iterable[str]]) -> WordLists:
        return cls((name, tuple(table[name])) for name in sorted(table))


@dataclass(frozen=True)
class Allowed:
    """Which values there may be, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Declared:
    """One definition, as the indicators file explains it."""

    help: str
    unit: str
    allowed: Allowed
    change: HowChanged


def _whole(least: int, most: int) -> Allowed:
    return Allowed(f"a whole number from {least} to {most}", lambda value: _is_whole(value, least, most))


def _one_of(*values: Any) -> Allowed:
    *first, last = map(repr, values)
    words = f"{', '.join(first)} or {last}".replace("'", '"')
    return Allowed(words, lambda value: any(type(value) is type(each) and value == each for each in values))


def _different(least: int, most: int) -> Allowed:
    def holds(value: Any) -> bool:
        if not isinstance(value, list) or not value or not all(_is_whole(each, least, most) for each in value):
            return False
        return len(set(value)) == len(value)

    return Allowed(f"a list of different whole numbers from {least} to {most}", holds)


def _word_lists(words: str, *names: str) -> Allowed:
    """A table of lists of words, under these names, or any that can be a label."""

    def holds(value: Any) -> bool:
        if not isinstance(value, dict) or not all(name in names if names else 0 < len(name) <= 256 for name in value):
            return False
        return all(
            isinstance(some, list) and some and all(isinstance(word, str) and word.strip() for word in some)
            for some in value.values()
        )

    return Allowed(words, holds)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _declared(unit: str, allowed: Allowed, change: HowChanged, help_: str) -> dict[str, Declared]:
    return {"declared": Declared(help_, unit, allowed, change)}


@dataclass(frozen=True)
class Definitions:
    """The definitions in force: how customers are counted, and how what was counted is read."""

    first_week_days: int = field(
        default=3,
        metadata=_declared("days", _whole(1, 7), "together", "Active days that make a first week engaged."),
    )
    csat_7_from: int = field(
        default=5,
        metadata=_declared("score", _one_of(5, 6), "restart", "Lowest satisfied score of CSAT on the scale 1-7."),
    )
    retention_days: tuple[int, ...] = field(
        default=(1, 7, 14, 30),
        metadata=_declared(
            "days",
            _different(1, DAYS_SEEN),
            "anew",
            "Days after the first activity on which it is asked who came back: the label `day` of retention.",
        ),
    )
    visit_gap_minutes: int = field(
        default=30,
        metadata=_declared(
            "minutes", _whole(1, 240), "anew", "Longest silence within a visit: after a longer one another begins."
        ),
    )
    segment: str = field(
        default="segment",
        metadata=_declared(
            "trait",
            _one_of("segment", "plan", "country"),
            "anew",
            "The trait of `identify` that is the customer's segment.",
        ),
    )

    themes: WordLists = field(
        default=WordLists(),
        metadata=_declared(
            "words",
            _word_lists('a table of lists of words, such as { price = ["cher", "expensive"] }'),
            "together",
            "Words by which a comment without themes and sentiment speaks of a theme; case and accents are ignored.",
        ),
    )
    sentiments: WordLists = field(
        default=WordLists(),
        metadata=_declared(
            "words",
            _word_lists(
                'a table of lists of words, such as { positive = ["merci"], negative = ["bug"] }', *SENTIMENTS
            ),
            "together",
            "Words by which such a comment is positive or negative, whichever there are more of.",
        ),
    )
    lexicon: str = field(
        default="none",
        metadata=_declared(
            "lexicon",
            _one_of("none", "vader"),
            "together",
            "What finds its sentiment where none of these words occurs: vader, for English, of the extra `text`.",
        ),
    )

    @property
    def visit_gap_ms(self) -> int:
        return self.visit_gap_minutes * MINUTE_MS


DECLARED: dict[str, Declared] = {each.name: each.metadata["declared"] for each in fields(Definitions)}


def as_stored(value: Any) -> str:
    """A definition's value as it is kept beside what was counted by it."""
    if isinstance(value, WordLists):
        return "; ".join(f"{name}: {', '.join(words)}" for name, words in value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

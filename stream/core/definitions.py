"""Definitions: what a deployment may choose for itself in what the indicators mean, declared with its default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from math import lcm
from typing import Any, Literal

from stream.core.units import MINUTE_MS

HowChanged = Literal["restart", "together", "anew"]
"""How a definition may be changed. restart: each process by itself, for nothing that is stored follows from it;
together: all workers at once; anew: never, for what is stored was counted by it."""

SENTIMENTS = ("positive", "negative")
"""That words may have; what has both alike is neutral."""

DAYS_SEEN = 63
"""So many days after the first activity a record can tell whether they were active."""
MOST_POINTS, MOST_DAYS = 100, 30
"""Of the score, and the complete days that it looks back on."""


_HASH_DIGITS = 12

MOST_STEPS = 8
"""Of a journey."""


@dataclass(frozen=True)
class Step:
    """A step of the customer's journey: an event of the type whose fields have these values."""

    type: str
    where: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        """As it is labelled: "interaction action=play"."""
        return " ".join([self.type, *(f"{name}={value}" for name, value in self.where)])

    def as_written(self) -> Any:
        """As it stands in the indicators file."""
        return {"type": self.type, **dict(self.where)} if self.where else self.type

    @classmethod
    def read(cls, given: Any) -> Step:
        """Inverse of `as_written`."""
        if isinstance(given, str):
            return cls(given)
        return cls(given["type"], tuple((name, value) for name, value in given.items() if name != "type"))


@dataclass(frozen=True)
class ScorePart:
    """A part of the score: so many points for `full` of what it counts, and its share of them for less."""

    points: int
    full: int = 1

    def __str__(self) -> str:
        return f"{self.points}/{self.full}"


@dataclass(frozen=True)
class ScoreParts:
    """What the score is made of."""

    activity: ScorePart = ScorePart(40, 12)
    visits: ScorePart = ScorePart(20, 12)
    use: ScorePart = ScorePart(15, 5)
    voice: ScorePart = ScorePart(15)
    value: ScorePart = ScorePart(10)

    def __str__(self) -> str:
        return " ".join(f"{name}={part}" for name, part in self)

    def __iter__(self) -> Iterator[tuple[str, ScorePart]]:
        """(name, part), in order."""
        return ((each.name, getattr(self, each.name)) for each in fields(self))

    @property
    def denominator(self) -> int:
        """Of the fractions of a point that there are."""
        return lcm(*(part.full for _, part in self))

    def as_written(self) -> Any:
        return {name: {"points": part.points, "full": part.full} for name, part in self}

    @classmethod
    def read(cls, given: Any) -> ScoreParts:
        """Inverse of `as_written`; what is left out is the default."""
        defaults = cls().as_written()
        return cls(**{name: ScorePart(**defaults[name] | given.get(name, {})) for name in defaults})


def _as_it_is(given: Any) -> Any:
    return given


class WordLists(tuple[tuple[str, tuple[str, ...]], ...]):
    """(what they speak of, the words), in order; a table of lists, as the indicators file has it."""

    @classmethod
    def of(cls, table: Mapping[str, Iterable[str]]) -> WordLists:
        return cls((name, tuple(table[name])) for name in sorted(table))


@dataclass(frozen=True)
class Allowed:
    """Which values there may be, in words and as a test, and what is made of one that stands in the file."""

    words: str
    holds: Callable[[Any], bool]
    read: Callable[[Any], Any] = _as_it_is


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

    return Allowed(
        f"a list of different whole numbers from {least} to {most}", holds, lambda value: tuple(sorted(value))
    )


def _steps() -> Allowed:
    def holds(value: Any) -> bool:
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_STEPS or not all(map(_is_step, value)):
            return False
        return len({str(Step.read(each)) for each in value}) == len(value)

    return Allowed(
        f"a list of 1 to {MOST_STEPS} different steps, each an event type or {{ type = …, field = value, … }}",
        holds,
        lambda value: tuple(map(Step.read, value)),
    )


def _is_step(value: Any) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, str)
    return isinstance(value.get("type"), str) and all(type(each) in (str, int, bool) for each in value.values())


def _score_parts() -> Allowed:
    def holds(value: Any) -> bool:
        if not isinstance(value, dict) or not all(map(_is_part, value.items())):
            return False
        return sum(part.points for _, part in ScoreParts.read(value)) == MOST_POINTS

    return Allowed(
        f"parts, each {{ points = …, full = 1 to {MOST_DAYS} }}, whose points add up to {MOST_POINTS}",
        holds,
        ScoreParts.read,
    )


def _is_part(named: tuple[str, Any]) -> bool:
    name, part = named
    allowed = {"points": (0, MOST_POINTS), "full": (1, 1 if name in ("voice", "value") else MOST_DAYS)}
    return (
        name in (each.name for each in fields(ScoreParts))
        and isinstance(part, dict)
        and all(key in allowed and _is_whole(given, *allowed[key]) for key, given in part.items())
    )


def _word_lists(words: str, *names: str) -> Allowed:
    """A table of lists of words, under these names, or any that can be a label."""

    def holds(value: Any) -> bool:
        if not isinstance(value, dict) or not all(name in names if names else 0 < len(name) <= 256 for name in value):
            return False
        return all(
            isinstance(some, list) and some and all(isinstance(word, str) and word.strip() for word in some)
            for some in value.values()
        )

    return Allowed(words, holds, WordLists.of)


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
    journey: tuple[Step, ...] = field(
        default=tuple(map(Step, ("signup", "feature_use", "purchase", "survey_response", "referral"))),
        metadata=_declared(
            "steps",
            _steps(),
            "anew",
            "The steps of the customer's journey, in the order in which they are hoped for.",
        ),
    )
    score: ScoreParts = field(
        default=ScoreParts(),
        metadata=_declared(
            "points",
            _score_parts(),
            "anew",
            "The points of each part of the engagement score, and of how many active days, visits or features it is "
            "full.",
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


def hashes(definitions: Definitions) -> dict[str, str]:
    """Name -> a hash of the definition's value: 12 digits of its SHA-256, hexadecimal."""
    return {
        name: sha256(as_stored(getattr(definitions, name)).encode()).hexdigest()[:_HASH_DIGITS] for name in DECLARED
    }


def as_stored(value: Any) -> str:
    """A definition's value as it is kept beside what was counted by it."""
    if isinstance(value, WordLists):
        return "; ".join(f"{name}: {', '.join(words)}" for name, words in value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

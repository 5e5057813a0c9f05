"""What customers are asked: the surveys, their scales and how likely each is."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

THEMES = ("price", "speed", "design", "support")
SENTIMENTS = ("positive", "neutral", "negative")
COMMENTS = ("Too expensive for what it is.", "Très bien, merci !", "Slow again today.", "I love the new design.")


class Questionnaire(NamedTuple):
    """`reversed`: printed with its good end first."""

    weight: int
    survey: str
    survey_id: str
    first: int
    last: int
    reversed: bool = False

    @property
    def scale(self) -> str:
        return f"{self.first}-{self.last}"

    def draw_score(self, rng: Random) -> int:
        """A score of which more is better; most customers are rather content."""
        return self.first + int(rng.betavariate(4, 1.5) * (self.last - self.first + 1))

    def printed(self, score: int) -> int:
        """What the customer ticks to mean this score."""
        return self.first + self.last - score if self.reversed else score


QUESTIONNAIRES = (
    Questionnaire(40, "nps", "after-visit", 0, 10),
    Questionnaire(10, "nps", "yearly", 1, 10),
    Questionnaire(10, "csat", "checkout", 1, 5),
    Questionnaire(10, "csat", "help-page", 1, 7),
    Questionnaire(10, "ces", "search", 1, 7, reversed=True),
    Questionnaire(5, "ces", "checkout", 1, 5),
    Questionnaire(5, "ces", "account", 1, 10),
    Questionnaire(10, "ces", "app", 1, 3),
)


def draw_questionnaire(rng: Random) -> Questionnaire:
    [drawn] = rng.choices(QUESTIONNAIRES, [each.weight for each in QUESTIONNAIRES])
    return drawn


def draw_themes(rng: Random) -> tuple[str, ...]:
    """Most say nothing in words."""
    return tuple(rng.sample(THEMES, rng.choice((1, 1, 2)))) if rng.random() < 0.4 else ()


def draw_sentiment(rng: Random) -> str | None:
    return rng.choice(SENTIMENTS) if rng.random() < 0.3 else None


def draw_comment(rng: Random) -> str | None:
    return rng.choice(COMMENTS) if rng.random() < 0.2 else None

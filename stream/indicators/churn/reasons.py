"""Reasons: what speaks for a customer's leaving, in shares and in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.churn_risk import Reason
from stream.core.key_ids import FoldKeys
from stream.core.ragged import Ints
from stream.core.time import DAY_MS
from stream.indicators.churn.evidence import Scoring, is_detractor, is_negative
from stream.indicators.churn.levels import REASONS
from stream.indicators.churn.model import HIGH, MEDIUM, Floats, past, probability
from stream.indicators.churn.trajectory import adding
from stream.indicators.families.churn_risk import Profiles
from stream.indicators.families.first_week import active_days
from stream.indicators.memories import Memories
from stream.indicators.state.answers import all_answers


class RiskNow(NamedTuple):
    """Of n customers, as of a moment.

    added   what each of REASONS adds to the log-odds: shape (n, REASONS)
    level   place in LEVELS
    counts  whether the customer counts among those at the level
    """

    profiles: Profiles
    added: Floats
    score: Floats
    level: Ints
    counts: NDArray[np.bool_]


def risk_now(profiles: Profiles, scoring: Scoring, now_ms: int) -> RiskNow:
    """As of the millisecond, not of the last full hour."""
    of = profiles.inputs
    added = adding(of, scoring.coefficients.evidence, np.maximum(of.last, now_ms))
    score = probability(of.at_last + added.sum(axis=1))
    return RiskNow(profiles, added, score, np.digitize(score, (MEDIUM, HIGH)), now_ms < of.until)


def reasons(added: Floats) -> tuple[Reason, ...]:
    """What was `added` to the log-odds (in the order of REASONS), as shares of all of it, the weightiest first."""
    total = float(added.sum())
    order = [place for place in np.argsort(-added, kind="stable").tolist() if added[place] > 0]
    return tuple(Reason(reason=REASONS[place], share=float(added[place]) / total) for place in order)


class Phrases:
    """Says reasons of single customers, of many whose memories were read together."""

    def __init__(
        self, memories: Memories, key_ids: FoldKeys, profiles: Profiles, scoring: Scoring, now_ms: int
    ) -> None:
        self._memories = memories
        self._key_ids = key_ids
        self._now_ms = now_ms
        self._last_ms = dict(zip(profiles.row.tolist(), profiles.inputs.last.tolist(), strict=True))
        before = past(memories.activity.days.those(profiles.row), scoring.coefficients.half_life_days)
        self._gap_days = dict(zip(profiles.row.tolist(), before.gap_days.tolist(), strict=True))
        number, _, _ = memories.activity.days.those(profiles.row).extent()
        self._number_of_days = dict(zip(profiles.row.tolist(), number.tolist(), strict=True))
        self._given = all_answers(memories.answers, memories.latest.size)
        self._active_days = active_days(memories.activity)

    def say(self, row: int, why: tuple[Reason, ...]) -> str:
        """For example "silent for 19 days, usually back after 3; NPS 4"."""
        said: dict[str, Callable[[int], str]] = {
            "silence": self._silence,
            "nps_detractor": lambda row: self._answer(row, is_detractor),
            "negative_answer": lambda row: self._answer(row, is_negative),
            "open_ticket": self._ticket,
            "first_week": lambda row: f"active on {_days(self._active_days[row])} of the first week",
            "subscription_cancelled": self._cancelled,
        }
        return "; ".join(said[each.reason](row) for each in why)

    def _silence(self, row: int) -> str:
        words = f"silent for {_days(self._since(self._last_ms[row]))}"
        if self._number_of_days[row] == 1:
            return f"{words}, seen on one day only"
        return f"{words}, usually back after {max(1, round(self._gap_days[row]))}"

    def _answer(self, row: int, speaks: Callable[[tuple[str, ...], int], bool]) -> str:
        own = np.flatnonzero(self._given.row == row).tolist()
        latest: tuple[int, str] = (0, "")
        for place in own:
            _, _, survey, _, scale = key = self._key_ids[int(self._given.number[place])]
            score = int(self._given.score[place])
            if speaks(key, score):
                words = f"NPS {score}" if survey == "nps" else f"{survey.upper()} {score} of {scale}"
                latest = max(latest, (int(self._given.ms[place]), words))
        return latest[1]

    def _ticket(self, row: int) -> str:
        tickets = self._memories.tickets
        since = tickets.heard[(tickets.row == row) & tickets.open].tolist()
        several = f"{len(since)} open tickets, the oldest" if len(since) > 1 else "a ticket open"
        return f"{several} for {_days(self._since(min(since)))}"

    def _cancelled(self, row: int) -> str:
        subscription = self._memories.subscription
        since = subscription.ms[subscription.row == row][-1]
        return f"cancelled {_days(self._since(since))} ago"

    def _since(self, ms: Any) -> int:
        return max(0, (self._now_ms - int(ms)) // DAY_MS)


def _days(number: Any) -> str:
    return f"{number} day{'' if number == 1 else 's'}"

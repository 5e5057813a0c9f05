"""Examples: what was known of each customer at a moment of the past, and whether it came back in the days after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.days import Days
from stream.core.ragged import Ints, places

Truths = NDArray[np.bool_]


class History(NamedTuple):
    """The active days of customers, in any order and repeated or not: customer `who[i]` was active on `day[i]`."""

    who: Ints
    day: Ints

    @property
    def first(self) -> int:
        """The day of the first activity of all: who was there before is not known."""
        return int(self.day.min())

    @property
    def end(self) -> int:
        """The day after the last."""
        return int(self.day.max()) + 1


@dataclass(frozen=True)
class Examples:
    """n customers who had been active before a moment: their days until then (never none), the silence since the last
    in days, and whether they stayed away afterwards."""

    days: Days
    silence_days: NDArray[np.float64]
    churned: Truths

    def __len__(self) -> int:
        return len(self.churned)


def examples(history: History, moment: int, horizon_days: int, most_silent_days: int | None = None) -> Examples:
    """Of everybody seen before the day `moment` and not silent for longer by then: churned is who was not active on
    it or in the horizon after it."""
    before = history.day < moment
    after = (history.day >= moment) & (history.day < moment + horizon_days)
    seen, row = places(history.who[before])
    days = Days.none(len(seen)).including(row, history.day[before])
    _, _, last = days.extent()
    silence, churned = (moment - last).astype(np.float64), ~np.isin(seen, history.who[after])
    if most_silent_days is None:
        return Examples(days, silence, churned)
    some = np.flatnonzero(silence <= most_silent_days)
    return Examples(days.those(some), silence[some], churned[some])


def moments(first: int, end: int, horizon_days: int, most: int) -> list[int]:
    """At most so many days, a horizon apart and the last of them a horizon before `end`, but none of the first
    horizon after `first`, when there was little to know."""
    latest = end - horizon_days
    return list(range(latest, first + horizon_days - 1, -horizon_days))[:most][::-1]


def together(parts: Iterable[Examples]) -> Examples:
    """All of them, one after the other."""
    some = list(parts)
    return Examples(
        Days.chained(*(part.days for part in some)),
        np.concatenate([part.silence_days for part in some]),
        np.concatenate([part.churned for part in some]),
    )

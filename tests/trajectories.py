"""Random inputs of the churn risk, and what follows from them, evaluated one customer and one moment at a time."""

from __future__ import annotations

from math import log

import numpy as np
from hypothesis import strategies as st

from stream.core.time import FAR_FUTURE, FAR_PAST
from stream.indicators.churn.levels import EVIDENCE, REASONS
from stream.indicators.churn.trajectory import Inputs

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
NOON_MS = 1_774_958_400_000
WEIGHTS = np.array([0.7, 0.5, 0.4, 0.6, 1.5])
ODDS = st.floats(-3, 2)
SLOPES = st.sampled_from([0.0, 1e-12]) | st.floats(0.01, 1)
AGES = st.integers(0, 40 * 24 * 60)
SPANS = st.tuples(st.integers(-20 * 24, 40 * 24), st.integers(0, 40 * 24), st.integers(0, 3_600_000)) | st.none()


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    """Of a few customers, who were active within the last forty days; evidence begins and ends around then."""
    size = draw(st.integers(1, 4))
    last = [NOON_MS - draw(AGES) * MINUTE_MS for _ in range(size)]
    until = [draw(st.sampled_from([each + 90 * DAY_MS, each + 2 * DAY_MS, FAR_FUTURE])) for each in last]
    begin, end = np.full((size, len(EVIDENCE)), FAR_PAST), np.full((size, len(EVIDENCE)), FAR_PAST)
    for row in range(size):
        for kind in range(len(EVIDENCE)):
            if held := draw(SPANS):
                start, hours, more = held
                begin[row, kind] = draw(st.sampled_from([FAR_PAST, last[row] + start * HOUR_MS + more]))
                end[row, kind] = draw(st.sampled_from([FAR_FUTURE, last[row] + (start + hours) * HOUR_MS + more]))
    odds = np.array([draw(ODDS) for _ in range(size)])
    slopes = np.array([draw(SLOPES) for _ in range(size)]) / DAY_MS
    return Inputs(np.array(last), np.array(until), odds, slopes, begin, end)


def added(of: Inputs, row: int, moment: int) -> dict[str, float]:
    """What each reason adds to the log-odds at the moment."""
    held = [of.begin[row, kind] <= moment < of.end[row, kind] for kind in range(len(EVIDENCE))]
    found = {reason: float(weight) for reason, weight, holds in zip(EVIDENCE, WEIGHTS, held, strict=True) if holds}
    return found | {"silence": float(of.per_ms[row]) * (moment - int(of.last[row]))}


def log_odds_at(of: Inputs, row: int, moment: int) -> float:
    return float(of.at_last[row]) + sum(added(of, row, moment).values())


def reason_at(of: Inputs, row: int, moment: int) -> str:
    parts = added(of, row, moment)
    return max(REASONS, key=lambda reason: (parts.get(reason, 0.0), reason == "silence"))


def odds(probability: float) -> float:
    return log(probability / (1 - probability))


ENTER, LEAVE = (odds(0.40), odds(0.70)), (odds(0.30), odds(0.55))


def after(told: int, log_odds: float) -> int:
    """One level at a time, up first."""
    while told < 2 and log_odds >= ENTER[told]:
        told += 1
    while told > 0 and log_odds < LEAVE[told - 1]:
        told -= 1
    return told

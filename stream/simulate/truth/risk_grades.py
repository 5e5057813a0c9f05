"""Self-grading: of a 64th of the customers a week, the risk as of its Monday, beside what they did in 30 days."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log2
from zlib import crc32

from stream.simulate.diary import Diary
from stream.simulate.truth import churn_risk
from stream.simulate.truth.attendance import Attendance, attendance
from stream.simulate.truth.churn_risk import COUNTED_DAYS
from stream.simulate.truth.moment import Moment
from stream.simulate.truth.samples import Samples, sample, share

SAMPLES = 64
HORIZON_DAYS, SHOWN_DAYS = 30, 90
MILLION = 1_000_000


def risk_grades(product: str, diaries: list[Diary], moment: Moment, first_week_days: int) -> Samples:
    told = [found for diary in diaries for found in _graded(product, diary, moment, first_week_days)]
    error = sum(round((risk - stayed_away) ** 2 * MILLION) for risk, stayed_away in told)
    samples: Samples = {sample("risk_brier_score"): share(error, MILLION * len(told))}
    for tenth in range(10):
        here = [stayed_away for risk, stayed_away in told if min(int(risk * 10), 9) == tenth]
        samples[sample("risk_observed_ratio", bucket=f"0.{tenth}")] = share(sum(here), len(here))
        samples[sample("risk_graded_customers", bucket=f"0.{tenth}")] = len(here)
    return samples


def _graded(product: str, diary: Diary, moment: Moment, first_week_days: int) -> Iterator[tuple[float, bool]]:
    """(risk told, whether the customer stayed away), once at most."""
    attended = attendance(diary, moment)
    key = f"{len(product)}:{product}u:{diary.user_id}"  # as records have it
    if attended is None:
        return
    for monday in range(moment.today - SHOWN_DAYS - HORIZON_DAYS, moment.today - HORIZON_DAYS + 1):
        in_turn = monday % 7 == 1 and monday // 7 % SAMPLES == crc32(key.encode()) % SAMPLES
        if in_turn and attended.came_in(range(monday - COUNTED_DAYS, monday)):
            risk = _risk(diary, attended, monday, moment, first_week_days)
            yield risk, not attended.came_in(range(monday, monday + HORIZON_DAYS))


def _risk(diary: Diary, attended: Attendance, monday: int, moment: Moment, first_week_days: int) -> float:
    """As the day begins."""
    before = attended._replace(days=frozenset(day for day in attended.days if day < monday))
    midnight_ms = moment.starts_ms(monday)
    silence = churn_risk.weight_of_a_day(before) * (monday - max(before.days))
    against = dict(churn_risk.evidence(diary, attended, moment, midnight_ms, first_week_days, midnight_ms))
    log_odds = churn_risk.CONSTANT - churn_risk.DECAY * log2(churn_risk.activity_of(before)) + silence
    return 1 / (1 + exp(-log_odds - sum(against.values())))

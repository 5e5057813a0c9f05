"""The report of a fit: coefficients learnt from the earlier part of a history, graded by its last days."""

from __future__ import annotations

from datetime import date

import msgspec

from stream.core.time import DAY_MS
from stream.indicators.churn.evidence import COUNTED_MS
from stream.indicators.churn.fit.examples import History, examples, moments, together
from stream.indicators.churn.fit.fitting import FITTED, TooFew, fit, risk_of
from stream.indicators.churn.fit.grading import Grade, grade, threshold_for
from stream.indicators.churn.model import Coefficients
from stream.runtime.errors import UserError
from stream.runtime.json_text import json_text
from stream.runtime.terminal import Terminal

MOST_MOMENTS = 12
COUNTED_DAYS = COUNTED_MS // DAY_MS
"""Who has been silent for longer is gone, and easily told."""


class FitReport(msgspec.Struct, frozen=True):
    """learnt_at  the days as of which the examples were taken that the coefficients were fitted to
    graded_at  the day as of which customers were scored for the grade, from what was known until then; they have
               churned if they were not active in the `horizon_days` from that day on
    threshold  the risk from which on at most `capacity` of them are flagged
    """

    product: str
    horizon_days: int
    learnt_at: list[str]
    examples: int
    coefficients: Coefficients
    graded_at: str
    grade: Grade
    capacity: int
    threshold: float

    def to_json(self) -> str:
        return json_text(self)

    def to_toml(self) -> str:
        """The coefficients, as a file of settings."""
        return "\n".join(
            [
                f"# Written by `assidu fit`: product {self.product!r}, churned is who is not active for "
                f"{self.horizon_days} days.",
                f"# Learnt at {', '.join(self.learnt_at)}; graded at {self.graded_at}: AUC {self.grade.auc:.3f}, "
                f"Brier score {self.grade.brier:.4f}.",
                "[churn_risk]",
                *(f"{name} = {getattr(self.coefficients, name)!r}" for name in FITTED),
                "",
            ]
        )


def make_report(history: History, product: str, horizon_days: int, capacity: int) -> FitReport:
    """Learns from all but the last horizon, grades by that one. Raises UserError where there is too little."""
    *learn, last = moments(history.first, history.end, horizon_days, MOST_MOMENTS + 1) or [history.end]
    if not learn:
        raise UserError(
            f"the history is too short: {history.end - history.first} days, and it takes {3 * horizon_days} to know "
            f"customers, to learn who comes back within {horizon_days}, and to grade that; "
            "give a shorter --horizon-days"
        )
    learnt = together(examples(history, moment, horizon_days, COUNTED_DAYS) for moment in learn)
    try:
        coefficients = fit(learnt).coefficients
    except TooFew as error:
        raise UserError(str(error)) from None
    held_out = examples(history, last, horizon_days, COUNTED_DAYS)
    if held_out.churned.all() or not held_out.churned.any():
        raise UserError(f"nothing to grade by: in the last {horizon_days} days all customers did the same")
    risk = risk_of(coefficients, held_out)
    return FitReport(
        product,
        horizon_days,
        [_date(moment) for moment in learn],
        len(learnt),
        coefficients,
        _date(last),
        grade(risk, held_out.churned),
        capacity,
        threshold_for(risk, capacity),
    )


def show(report: FitReport, terminal: Terminal) -> None:
    """The report as text for a person."""
    graded, fitted = report.grade, report.coefficients
    terminal.say(
        f"fitted to {report.examples:,} examples at {len(report.learnt_at)} moments, {report.learnt_at[0]} to "
        f"{report.learnt_at[-1]}: half-life {fitted.half_life_days:g} days, constant {fitted.constant:.3f}, "
        f"decay {fitted.decay:.3f}, overdue {fitted.overdue:.3f}"
    )
    terminal.say(
        f"graded at {report.graded_at}: of {graded.customers:,} customers {graded.churned:.1%} were not active for "
        f"{report.horizon_days} days: AUC {graded.auc:.3f}, Brier score {graded.brier:.4f} "
        f"(the same risk for all: {graded.brier_of_share:.4f})"
    )
    rows = (
        (f"{each.low:.1f}–{each.low + 0.1:.1f}", f"{each.customers:,}", f"{each.risk:.2f}", f"{each.observed:.2f}")
        for each in graded.reliability
    )
    terminal.table(("risk", "customers", "mean risk", "stayed away"), rows)
    terminal.say(f"the {report.capacity:,} riskiest, at most: from a risk of {report.threshold:.4f} on")


def _date(day: int) -> str:
    return date.fromordinal(day).isoformat()

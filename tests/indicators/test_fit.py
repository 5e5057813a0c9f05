"""Fitting the churn risk: examples from the past, coefficients, grades, and the command."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.churn import cdnow, study
from stream.cli import commands
from stream.indicators.churn.fit.examples import History, examples, moments, together
from stream.indicators.churn.fit.fitting import TooFew, fit, risk_of
from stream.indicators.churn.fit.grading import auc, grade, threshold_for
from stream.indicators.churn.model import Coefficients, logit, past, probability


def history(*days: list[int]) -> History:
    who = [number for number, some in enumerate(days) for _ in some]
    return History(np.array(who, np.int64), np.array([day for some in days for day in some], np.int64))


def test_an_example_knows_the_days_before_its_moment_and_the_outcome_after() -> None:
    found = examples(history([10, 12, 20], [11], [25], [10, 50]), moment=20, horizon_days=30)
    rows, days = found.days.all()
    assert list(zip(rows.tolist(), days.tolist(), strict=True)) == [(0, 10), (0, 12), (1, 11), (2, 10)]
    assert found.silence_days.tolist() == [8, 9, 10]
    assert found.churned.tolist() == [False, True, True]  # day 50 is the first beyond the horizon


def test_moments_leave_time_to_know_customers_and_to_see_what_they_did() -> None:
    assert moments(first=0, end=100, horizon_days=30, most=9) == [40, 70]
    assert moments(first=0, end=1000, horizon_days=30, most=3) == [910, 940, 970]
    assert moments(first=0, end=59, horizon_days=30, most=3) == []
    assert moments(first=0, end=60, horizon_days=30, most=3) == [30]


def test_examples_of_several_moments_stand_one_after_the_other() -> None:
    some = history([10, 12, 20], [11])
    found = together([examples(some, 12, 30), examples(some, 20, 30)])
    assert found.silence_days.tolist() == [2, 1, 8, 9]
    assert found.days.masks.lengths.tolist() == [1, 1, 1, 1]


def test_coefficients_that_made_the_outcomes_are_found_again() -> None:
    random = np.random.default_rng(7)
    made = Coefficients(28.0, constant=-0.5, decay=1.2, overdue=0.6)
    days = [sorted(random.choice(300, random.integers(1, 30), replace=False).tolist()) for _ in range(40_000)]
    seen = examples(history(*days), moment=300, horizon_days=30)
    risk = probability(logit(made, past(seen.days, made.half_life_days), seen.silence_days))
    outcomes = replace(seen, churned=random.random(len(seen)) < risk)
    found = fit(outcomes).coefficients
    assert found.half_life_days == made.half_life_days
    assert (found.constant, found.decay, found.overdue) == pytest.approx((-0.5, 1.2, 0.6), abs=0.1)


def test_silence_never_lowers_a_risk_whatever_the_examples_say() -> None:
    days = [[day] for day in range(200)] * 5
    seen = examples(history(*days), moment=200, horizon_days=30)
    backwards = replace(seen, churned=seen.silence_days < 100)
    found = fit(backwards).coefficients
    assert (found.decay, found.overdue) == (0, 0)


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(TooFew, match=r"of 2 customers 1 stayed away; at least 50 must"):
        fit(examples(history([10, 20], [11]), moment=15, horizon_days=30))


def test_grades_by_hand() -> None:
    risk, churned = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    found = grade(risk, churned)
    assert found.auc == 0.75
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.65**2 + 0.04) / 4)
    assert found.brier_of_share == 0.25
    assert [(each.low, each.customers, each.observed) for each in found.reliability] == [
        (0.1, 1, 0.0),
        (0.3, 1, 1.0),
        (0.4, 1, 0.0),
        (0.8, 1, 1.0),
    ]


@pytest.mark.parametrize(("most", "threshold"), [(1, 0.9), (2, 0.8), (3, 0.8), (4, 0.5), (5, 0.1), (9, 0.1)])
def test_no_more_are_flagged_than_can_be_cared_for(most: int, threshold: float) -> None:
    assert threshold_for(np.array([0.9, 0.8, 0.5, 0.5, 0.1]), most) == threshold


def test_nobody_is_flagged_where_even_the_riskiest_are_too_many() -> None:
    risk = np.array([0.9, 0.9, 0.5])
    assert not (risk >= threshold_for(risk, 1)).any()


def test_cdnow_reaches_what_metrics_demands_and_the_others_are_as_published() -> None:
    seen = study()
    ours, decayed, recency, buys, _, alive = seen.auc.values()
    assert seen.customers == 2357
    assert ours >= 0.78
    assert (decayed, recency, buys, alive) == pytest.approx((0.782, 0.771, 0.757, 0.316), abs=0.001)
    assert seen.grade.brier < seen.grade.brier_of_share
    large = [bucket for bucket in seen.grade.reliability if bucket.customers >= 50]
    assert all(abs(bucket.risk - bucket.observed) < 0.06 for bucket in large)


def test_the_outcome_of_the_second_half_is_not_learnt_from() -> None:
    some = cdnow()
    early = some.day < some.day.min() + 39 * 7
    cut = History(some.who[early], some.day[early])
    assert np.array_equal(
        examples(some, int(some.day.min()) + 243, 30).churned, examples(cut, int(some.day.min()) + 243, 30).churned
    )


@pytest.fixture
def logins(tmp_path: Path) -> Path:
    """120 days of logins: half of the customers come every day or two, half stop some day; one line is bad."""
    random = np.random.default_rng(5)
    lines = []
    for customer in range(400):
        stops = 130 if customer % 2 else int(random.integers(1, 120))
        for day in range(int(random.integers(0, 3)), min(stops, 120), int(random.integers(1, 3))):
            moment = date(2026, 1, 1) + timedelta(days=day)
            event = {"event_id": f"{customer}-{day}", "type": "login", "user_id": str(customer)}
            lines.append(json.dumps(event | {"timestamp": f"{moment}T12:00:00Z"}))
    file = tmp_path / "logins.jsonl"
    file.write_text("\n".join([*lines, "{}"]) + "\n")
    return file


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(commands, ["fit", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_writes_coefficients_and_says_how_well_they_tell(logins: Path) -> None:
    out = logins.parent / "risk.toml"
    code, text, complaints = run(logins, "--out", out, "--capacity", 50)
    assert code == 1  # a bad line, named
    assert "missing_field: type" in complaints
    assert "the 50 riskiest, at most" in text
    written = tomllib.loads(out.read_text())["churn_risk"]
    assert written.keys() == {"half_life_days", "constant", "decay", "overdue"}

    code, text, _ = run(logins, "--format", "json")
    report = json.loads(text)
    assert report["coefficients"].items() >= written.items()
    assert report["grade"]["auc"] > 0.9
    assert report["learnt_at"] < [report["graded_at"]]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--horizon-days", 60], "the history is too short: 120 days, and it takes 180"),
        (["--product", "shop"], "no event of product 'shop' makes a customer active"),
        (["--type", "login"], "--type: only together with --csv"),
        (["--out", "/nowhere/at/all.toml"], "cannot write /nowhere/at/all.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_fitted_is_said(logins: Path, arguments: list[object], complaint: str) -> None:
    code, _, complaints = run(logins, *arguments)
    assert code == 2
    assert complaint in complaints


def test_scores_of_any_kind_can_be_compared() -> None:
    assert auc(np.array([-3.0, 10.0, 7.0]), np.array([False, True, True])) == 1


def test_risk_of_examples_is_a_probability() -> None:
    seen = examples(history([1, 5], [3]), moment=10, horizon_days=5)
    risk = risk_of(Coefficients(14.0, 0.0, 1.0, 1.0), seen)
    assert ((risk > 0) & (risk < 1)).all()

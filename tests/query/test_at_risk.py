"""Who is at risk, asked for by command and over HTTP, and scored by other coefficients."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.level_changes import event, login
from tests.recount.churn_risk import DEFAULTS
from tests.stack.command import Assidu
from tests.stack.service import Service
from tests.stack.story import DAYS_LATER, SOON, Story
from tests.stack.waiting import eventually

DAY = timedelta(days=1)
TOKEN = "a token of the test"


def customers(now: datetime) -> list[dict[str, Any]]:
    """ann answered badly and fell silent, bob only fell silent, cyd has trouble, dan is fine, eve is long gone."""
    ticket, survey = {"ticket_id": "7"}, {"survey": "nps", "survey_id": "yearly", "scale": "0-10"}
    return [
        *(login("ann", now - age * DAY) for age in range(19, 60, 3)),
        event("survey_response", "ann", now - 19 * DAY, score=4, **survey),
        event("identify", "ann", now - 30 * DAY, traits={"segment": "team"}),
        *(login("bob", now - age * DAY) for age in range(30, 60)),
        *(login("cyd", now - age * DAY) for age in range(11, 40)),
        event("ticket_opened", "cyd", now - 11 * DAY, **ticket),
        event("subscription_started", "cyd", now - 11 * DAY),
        event("subscription_cancelled", "cyd", now - 5 * DAY),
        *(login("dan", now - age * DAY) for age in range(30)),
        login("eve", now - 100 * DAY),
    ]


def ask(assidu: Assidu, *options: str) -> Any:
    done = assidu.run("at-risk", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names(found: Any) -> list[str]:
    return [each["customer"] for each in found["customers"]]


def wait_until_at_risk(assidu: Assidu, *expected: str) -> None:
    """Shards look every second or two."""
    eventually(lambda: names(ask(assidu)) == list(expected), 30, f"{expected} to be at risk")


def test_who_is_at_risk_is_told_with_reasons_in_words(assidu: Assidu) -> None:
    story = Story(assidu, token=SecretStr(TOKEN))
    story.worker()
    story.emit(customers(datetime.now(UTC)))
    wait_until_at_risk(assidu, "u:bob", "u:cyd", "u:ann")

    found = ask(assidu)
    assert found["matching"] == 3
    scores = [each["score"] for each in found["customers"]]
    assert scores == sorted(scores, reverse=True)
    words = {each["customer"]: each["why"] for each in found["customers"]}
    assert words["u:ann"] == "silent for 19 days, usually back after 5; NPS 4"
    assert words["u:bob"] == "silent for 30 days, usually back after 2"
    assert words["u:cyd"].startswith("silent for 11 days, usually back after 2; cancelled 5 days ago; a ticket open")
    ann = found["customers"][2]
    assert (ann["product"], ann["channel"], ann["segment"], ann["level"]) == ("app", "web", "team", "medium")
    assert [each["reason"] for each in ann["reasons"]] == ["silence", "nps_detractor"]

    assert names(ask(assidu, "--top", "1")) == ["u:bob"]
    assert names(ask(assidu, "--segment", "team")) == ["u:ann"]
    assert names(ask(assidu, "--segment", "unknown")) == ["u:bob", "u:cyd"]
    assert names(ask(assidu, "--level", "medium")) == ["u:cyd", "u:ann"]
    assert names(ask(assidu, "--level", "high")) == ["u:bob"]
    assert names(ask(assidu, "--reason", "open_ticket")) == []
    assert names(ask(assidu, "--product", "shop")) == []
    assert "silent for 19 days, usually back after 5; NPS 4" in assidu.run("at-risk").stdout
    rows = list(csv.DictReader(StringIO(assidu.run("at-risk", "--format", "csv").stdout)))
    assert [row["customer"] for row in rows] == ["u:bob", "u:cyd", "u:ann"]

    exporter = story.exporter()
    assert names(json.loads(over_http(exporter, "/at-risk", TOKEN)[1])) == ["u:bob", "u:cyd", "u:ann"]
    assert names(json.loads(over_http(exporter, "/at-risk?segment=team&top=5", TOKEN)[1])) == ["u:ann"]
    assert over_http(exporter, "/at-risk", "another token")[0] == 401
    assert over_http(exporter, "/at-risk", None)[0] == 401
    assert over_http(exporter, "/at-risk?level=low", TOKEN)[0] == 400
    assert over_http(exporter, "/at-risk?colour=red", TOKEN)[0] == 400

    story.emit([login("bob", datetime.now(UTC))])
    wait_until_at_risk(assidu, "u:cyd", "u:ann")


def test_without_a_token_nobody_is_told_over_http(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    status, text = over_http(story.exporter(), "/at-risk", TOKEN)
    assert (status, "ASSIDU_TOKEN" in text) == (403, True)


def over_http(exporter: Service, path: str, token: str | None) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", exporter.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


OTHERS = DEFAULTS | {"half_life_days": 28.0, "constant": -1.5, "overdue": 0.9, "first_week": 0.1}


def set_coefficients(assidu: Assidu, folder: Path, coefficients: dict[str, float]) -> None:
    file = folder / "churn-risk.toml"
    file.write_text("[churn_risk]\n" + "".join(f"{name} = {value!r}\n" for name, value in coefficients.items()))
    done = assidu.run("coefficients", "--set", str(file))
    assert done.returncode == 0, done.stderr


def wait_until_scored(assidu: Assidu) -> None:
    def scored() -> bool:
        found = json.loads(assidu.run("coefficients", "--format", "json").stdout)
        return bool(found["scored"] == found["shards"])

    eventually(scored, 30, "all shards scored by the new coefficients")


@pytest.mark.slow
def test_other_coefficients_come_into_force_while_events_go_on(assidu: Assidu, tmp_path: Path) -> None:
    """Also when a worker is killed on the way; and back again."""
    story = Story(assidu)
    worker = story.worker()
    story.emit(story.history(5_000, seed=1))
    story.settle()
    story.assert_equals_the_recount()

    story.begin_to_emit(story.history(5_000, seed=2))
    set_coefficients(assidu, tmp_path, OTHERS)
    worker.child.kill()
    story.worker()
    story.settle()
    wait_until_scored(assidu)
    story.coefficients = OTHERS
    story.assert_equals_the_recount(SOON, DAYS_LATER)

    assert assidu.run("coefficients", "--reset").returncode == 0
    wait_until_scored(assidu)
    story.coefficients = DEFAULTS
    story.assert_equals_the_recount(SOON, DAYS_LATER)


def test_a_file_that_holds_no_coefficients_is_refused(assidu: Assidu, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    for text, words in (
        ("churn_risk = 3", "expected a table [churn_risk]"),
        ("[churn_risk]\nconstant = 'x'", "constant"),
        ("[churn_risk]\nhalf_life_days = 0", "half_life_days"),
        ("[churn_risk]\ndecay = -1", "decay"),
        ("[churn_risk]\noverdue = nan", "overdue"),
        ("[churn_risk]\noverdo = 1", "overdo"),
    ):
        file.write_text(text)
        done = assidu.run("coefficients", "--set", str(file))
        assert (done.returncode, words in done.stderr, str(file) in done.stderr) == (2, True, True), done.stderr


@pytest.mark.slow
def test_what_is_stored_can_be_fitted_and_brought_into_force(assidu: Assidu, tmp_path: Path) -> None:
    """The stored records say what the file of the same events says."""
    story = Story(assidu)
    story.worker()
    chance, now = random.Random(1), datetime.now(UTC)
    events = [
        login(f"user-{user}", now - age * DAY)
        for user in range(400)
        for age in range(user % 2 * (user % 110), 120)
        if chance.random() < 0.3
    ]
    story.emit(events)
    story.settle()
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    out = tmp_path / "churn-risk.toml"

    stored = assidu.run("fit", "--product", "app", "--format", "json", "--out", str(out))
    of_file = assidu.run("fit", str(file), "--product", "app", "--format", "json")
    assert stored.returncode == of_file.returncode == 0, stored.stderr
    one, other = json.loads(stored.stdout), json.loads(of_file.stdout)
    assert one["coefficients"] == pytest.approx(other["coefficients"])
    assert (one["examples"], one["learnt_at"]) == (other["examples"], other["learnt_at"])
    assert assidu.run("coefficients", "--set", str(out)).returncode == 0
    wait_until_scored(assidu)
    shown = json.loads(assidu.run("coefficients", "--format", "json").stdout)
    assert shown["coefficients"] == one["coefficients"]
    file.write_text("[churn_risk]\nopen_ticket = 2\n")
    assert assidu.run("coefficients", "--set", str(file)).returncode == 0
    shown = json.loads(assidu.run("coefficients", "--format", "json").stdout)
    assert shown["coefficients"] == one["coefficients"] | {"open_ticket": 2.0}

    nothing = assidu.run("fit", "--product", "shop")
    assert (nothing.returncode, "no customer of product 'shop'" in nothing.stderr) == (2, True)

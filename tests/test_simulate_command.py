"""`assidu simulate`: what it sends through the real pipeline ends in the numbers that its ledger states."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stream.metrics import METRICS
from tests.recount import Sample, Value, compare
from tests.stack.command import Assidu
from tests.stack.story import Story
from tests.stack.waiting import eventually


@pytest.fixture
def story(assidu: Assidu) -> Story:
    return Story(assidu)


class LedgerFile:
    """What the command has written."""

    def __init__(self, path: Path) -> None:
        ledger = json.loads(path.read_text())
        self.at = datetime.fromisoformat(ledger["at"])
        self.truth: dict[Sample, Value] = {
            (each["name"], frozenset(each["labels"].items())): each["value"] for each in ledger["metrics"]
        }


def engagement(gauges: Mapping[Sample, float]) -> dict[str, Any]:
    return {
        "metrics": [
            {"name": name, "labels": dict(labels), "value": value}
            for (name, labels), value in gauges.items()
            if name.startswith("engagement_")
        ]
    }


def test_every_gauge_equals_the_ledger(story: Story) -> None:
    """By the clock of events, so that /metrics shows the very moment of the ledger."""
    path = story.assidu.folder / "ledger.json"
    story.worker(clock="event")
    exporter = story.exporter(clock="event")
    arguments = ("--customers", "400", "--rate", "200", "--for", "2", "--ledger", str(path))
    done = story.assidu.run("simulate", *arguments, clock="event")
    assert done.returncode == 0, done.stderr
    story.settle()

    sent = int(done.stdout.split()[1].replace(",", ""))
    eventually(lambda: exporter.metric("assidu_events_total") == sent, 10, "the exporter to have seen everything")
    shown = {key: value for key, value in LedgerFile(path).truth.items() if value is not None}
    assert {name for name, _ in shown} == {metric.name for metric in METRICS}
    assert compare(engagement(exporter.metrics()), shown) == []
    assert exporter.metric("assidu_repeats_total") > 0
    assert exporter.metric("assidu_rejected_total") > 0
    assert exporter.metric("assidu_left_out_total") > 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--days", "0", "--rate", "300"), id="live"),
        pytest.param(("--rate", "0", "--customers", "8000"), id="past", marks=pytest.mark.slow),
    ],
)
def test_interrupted_it_lets_everything_arrive_and_its_ledger_is_true(
    story: Story, arguments: tuple[str, ...]
) -> None:
    path = story.assidu.folder / "ledger.json"
    story.worker()
    simulating = story.assidu.start("simulate", *arguments, "--ledger", str(path))
    eventually(lambda: story.folded() > 0 or not simulating.running, 60, "events")
    assert simulating.running, simulating.log_tail()
    os.kill(simulating.pid, signal.SIGINT)

    assert simulating.process.wait(60) == 0
    assert "messages of" in simulating.log_tail()
    story.settle()
    ledger = LedgerFile(path)
    assert compare(story.report(ledger.at), ledger.truth) == []


def test_only_the_past_is_sent_when_the_rate_is_0(story: Story) -> None:
    done = story.assidu.run("simulate", "--customers", "5", "--days", "40", "--rate", "0")

    assert done.returncode == 0, done.stderr
    assert "messages of 5 customers" in done.stdout


def test_a_past_beyond_the_horizon_is_refused(story: Story) -> None:
    done = story.assidu.run("simulate", "--days", "40", horizon_days=31)

    assert done.returncode == 2
    assert "--days 40" in done.stderr and "ASSIDU_HORIZON_DAYS=31" in done.stderr


def test_a_ledger_that_cannot_be_written_is_refused_before_anything_is_sent(story: Story) -> None:
    done = story.assidu.run("simulate", "--ledger", "nowhere/ledger.json")

    assert done.returncode == 2
    assert "nowhere/ledger.json" in done.stderr
    assert "sent" not in done.stdout

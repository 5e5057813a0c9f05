"""`assidu simulate`: what it sends through the real pipeline reads as a recount of its activity log."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from stream.indicators.catalogue import METRICS
from tests.recount import compare
from tests.stack.command import Assidu
from tests.stack.story import Story
from tests.stack.waiting import eventually


@pytest.fixture
def story(assidu: Assidu) -> Story:
    return Story(assidu)


@pytest.fixture
def log(story: Story) -> Path:
    """Where the activity log is to be."""
    return story.assidu.folder / "activity.jsonl"


def has_happened(story: Story, log: Path) -> None:
    """What the log says is what ought to count."""
    story.emitted = [json.loads(line) for line in log.read_text().splitlines()]


def test_every_gauge_equals_the_recount_of_the_activity_log(story: Story, log: Path) -> None:
    """By the clock of events, so that /metrics shows the very moment of the newest one."""
    story.worker(clock="event")
    exporter = story.exporter(clock="event")
    arguments = ("--customers", "400", "--rate", "200", "--for", "2", "--activity-log", str(log))
    done = story.assidu.run("simulate", *arguments, clock="event")
    assert done.returncode == 0, done.stderr
    story.settle()

    sent = int(done.stdout.split()[1].replace(",", ""))
    eventually(lambda: exporter.metric("assidu_events_total") == sent, 10, "the exporter to have seen everything")
    has_happened(story, log)
    expected = {key: value for key, value in story.recount(story.newest()).items() if value is not None}
    assert {name for name, _ in expected} == {metric.name for metric in METRICS}
    assert compare({"metrics": exporter.engagement()}, expected) == []
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
def test_interrupted_it_delivers_all_that_has_happened_and_no_more(
    story: Story, log: Path, arguments: tuple[str, ...]
) -> None:
    story.worker()
    simulating = story.assidu.start("simulate", *arguments, "--activity-log", str(log))
    eventually(lambda: story.folded() > 0 or not simulating.running, 60, "events")
    assert simulating.running, simulating.log_tail()
    os.kill(simulating.pid, signal.SIGINT)

    assert simulating.process.wait(60) == 0
    assert "messages of" in simulating.log_tail()
    story.settle()
    has_happened(story, log)
    story.assert_equals_the_recount(story.newest())


def test_only_the_past_is_sent_when_the_rate_is_0(story: Story) -> None:
    done = story.assidu.run("simulate", "--customers", "5", "--days", "40", "--rate", "0")

    assert done.returncode == 0, done.stderr
    assert "messages of 5 customers" in done.stdout


def test_a_past_beyond_the_horizon_is_refused(story: Story) -> None:
    done = story.assidu.run("simulate", "--days", "40", horizon_days=31)

    assert done.returncode == 2
    assert "--days 40" in done.stderr and "ASSIDU_HORIZON_DAYS=31" in done.stderr


def test_an_activity_log_that_cannot_be_opened_is_refused_before_anything_is_sent(story: Story) -> None:
    done = story.assidu.run("simulate", "--activity-log", "nowhere/activity.jsonl")

    assert done.returncode == 2
    assert done.stderr == "assidu: cannot write nowhere/activity.jsonl: No such file or directory\n"
    assert "sent" not in done.stdout


def test_an_activity_log_for_which_there_is_no_room_is_named(story: Story) -> None:
    done = story.assidu.run("simulate", "--rate", "0", "--activity-log", "/dev/full")

    assert done.returncode == 2
    assert done.stderr.endswith("assidu: cannot write /dev/full: No space left on device\n")

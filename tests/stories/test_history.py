"""A report through time: what it tells of a moment is what a report at that moment tells."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from tests.stack.command import Assidu
from tests.stack.story import NEWEST, Story

ZONE = "Europe/Paris"
Sample = tuple[str, frozenset[tuple[str, str]]]


def history(assidu: Assidu, *options: str) -> str:
    done = assidu.run("report", "--history", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sample(of: dict[str, Any]) -> Sample:
    return of["name"], frozenset(of["labels"].items())


def by_moment(told: dict[str, Any]) -> dict[str, dict[Sample, tuple[Any, str | None]]]:
    found: dict[str, dict[Sample, tuple[Any, str | None]]] = {}
    for line in told["metrics"]:
        for point in line["points"]:
            found.setdefault(point["at"], {})[sample(line)] = point["value"], point.get("untold")
    return found


def test_a_history_tells_of_each_moment_what_a_report_at_that_moment_tells(assidu: Assidu) -> None:
    story = Story(assidu, timezone=ZONE)
    story.worker()
    story.emit(story.history(4_000))
    story.settle()

    days = by_moment(json.loads(history(assidu, "day", "--format", "json")))
    hours = by_moment(json.loads(history(assidu, "hour", "--until", NEWEST.isoformat(), "--format", "json")))
    weeks = by_moment(json.loads(history(assidu, "week", "--format", "json")))
    assert len(days) == 30
    assert len(hours) == 24
    assert len(weeks) in (11, 12)  # of the 75 days of the history
    moments = [(of, at) for of in (days, hours, weeks) for at in list(of)[:: len(of) // 3]]
    for of, at in moments:
        report = story.report(datetime.fromisoformat(at))["metrics"]
        assert of[at] == {sample(line): (line["value"], line.get("untold")) for line in report}

    told = {untold for of in (days, hours, weeks) for samples in of.values() for _, untold in samples.values()}
    assert told == {None, "overwritten since", "no longer kept"}


def test_the_csv_of_a_history_says_the_same_as_its_json(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    story.emit(story.history(500))
    story.settle()

    asked = ("day", "--since", str((NEWEST - timedelta(days=3)).date()), "--indicator", "engagement_nps_score")
    told = by_moment(json.loads(history(assidu, *asked, "--format", "json")))
    read: dict[str, dict[Sample, tuple[Any, str | None]]] = {}
    for row in csv.DictReader(StringIO(history(assidu, *asked, "--format", "csv"))):
        at, name, value, untold = (row.pop(column) for column in ("at", "indicator", "value", "untold"))
        known = name, frozenset(row.items())
        read.setdefault(at, {})[known] = float(value) if value else None, untold or None
    assert read == told
    assert any(value and value < 0 for samples in told.values() for value, _ in samples.values())

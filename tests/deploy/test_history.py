"""A history in a real Prometheus: promtool makes blocks of it, and every query answers what the report says."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.stack.command import Assidu
from tests.stack.prometheus import Prometheus, program
from tests.stack.story import NEWEST, Story

pytestmark = pytest.mark.slow

NAMED = 'a "quoted" \\ name'
Sample = frozenset[tuple[str, str]]


def shown() -> dict[str, str]:
    fields = {"type": "impression", "event_id": "named", "user_id": "1", "product": "app", "campaign": NAMED}
    return {**fields, "timestamp": NEWEST.isoformat()}


@pytest.mark.parametrize("step", ["hour", "day", "week"])
def test_prometheus_answers_what_the_history_says(assidu: Assidu, tmp_path: Path, step: str) -> None:
    promtool, _ = program("promtool"), program("prometheus")
    story = Story(assidu, timezone="Europe/Paris")
    story.worker()
    story.emit([*story.history(2_000), shown()])
    story.settle()
    asked = ("report", "--history", step, "--until", NEWEST.isoformat())
    written, told = (assidu.run(*asked, *form) for form in (["--openmetrics"], ["--format", "json"]))
    assert written.stdout.endswith("\n# EOF\n"), written.stderr
    assert NAMED in told.stdout.replace('\\"', '"').replace("\\\\", "\\")
    (tmp_path / "history.txt").write_text(written.stdout)

    configuration = tmp_path / "prometheus.yml"
    configuration.write_text("global: {}\n")
    prometheus = Prometheus(configuration, "--storage.tsdb.retention.time=10y")
    files = [str(tmp_path / "history.txt"), str(prometheus.folder / "stored")]
    made = subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", *files], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with prometheus:
        for at, values in expected(json.loads(told.stdout)["metrics"]).items():
            assert answers(prometheus, at) == values


def expected(lines: list[dict[str, Any]]) -> dict[str, dict[Sample, float]]:
    """By moment, what is defined and can be told."""
    found: dict[str, dict[Sample, float]] = {}
    for line in lines:
        key = frozenset({"__name__": line["name"], **line["labels"]}.items())
        for point in line["points"]:
            values = found.setdefault(point["at"], {})
            if point["value"] is not None:
                values[key] = float(point["value"])
    return found


def answers(prometheus: Prometheus, at: str) -> dict[Sample, float]:
    """What Prometheus has of every indicator at that moment."""
    seconds = str(datetime.fromisoformat(at).timestamp())
    answer = prometheus.get("/api/v1/query", query='{__name__=~"engagement_.+"}', time=seconds)
    return {frozenset(each["metric"].items()): float(each["value"][1]) for each in answer["data"]["result"]}

"""The example of one's own indicator in docs/architecture.md does as it stands there what is said of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
DOCUMENT = CHECKOUT / "docs" / "architecture.md"
EVENTS = [
    {"type": "login", "user_id": "ann", "timestamp": "2026-05-01T09:00:00Z", "method": "sso"},
    {"type": "login", "user_id": "ann", "timestamp": "2026-05-01T09:30:00Z", "method": "password"},
    {"type": "login", "user_id": "bob", "timestamp": "2026-05-01T10:00:00Z", "method": "password"},
    {"type": "login", "user_id": "cyd", "timestamp": "2026-05-01T10:00:00Z"},
    {"type": "login", "user_id": "dan", "timestamp": "2026-04-29T10:00:00Z", "method": "sso"},
]
FOLD = """
import json, sys
from datetime import datetime
from zoneinfo import ZoneInfo
from stream.core.time import Calendar
from tests.histories import State, decoded, report

events = [decoded(event) for event in json.load(sys.stdin)]
zone = ZoneInfo("UTC")
table = State(Calendar(zone)).take([events]).table
names = {"engagement_sign_ins", "engagement_sso_ratio"}
print(json.dumps(report(table, datetime.fromisoformat("2026-05-01T12:00:00Z"), zone, names)["metrics"]))
"""


def block(language: str, after: str) -> str:
    """The first code of this language after these words."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(after)
    found = re.search(rf"^```{language}\n(.*?)^```", rest, re.MULTILINE | re.DOTALL)
    assert found, f"{after}: no {language}"
    return found[1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to which has been done what the document says."""
    copy = tmp_path_factory.mktemp("cookbook")
    for folder in ("stream", "schemas", "tests"):
        shutil.copytree(CHECKOUT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    heading = "### Your own indicator in one file"
    (copy / "stream/indicators/families/sign_in.py").write_text(block("python", heading), encoding="utf-8")
    catalogue = copy / "stream/indicators/catalogue.py"
    text = catalogue.read_text(encoding="utf-8")
    for beside, added in re.findall(r"^ (.*\n)\+(.*\n)", block("diff", heading), re.MULTILINE):
        assert text.count(beside) == 1, beside
        text = text.replace(beside, beside + added)
    catalogue.write_text(text, encoding="utf-8")
    return copy


def run(copy: Path, *arguments: str, given: str = "") -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ASSIDU_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        input=given,
        capture_output=True,
        text=True,
        env=environment | {"PYTHONPATH": str(copy)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_indicators_read_what_events_say(copy: Path) -> None:
    events = [{"event_id": str(number), **event} for number, event in enumerate(EVENTS)]
    read: list[dict[str, Any]] = json.loads(run(copy, "-c", FOLD, given=json.dumps(events)))
    values = {
        (each["name"], each["labels"].get("method"), each["labels"]["window"]): each["value"]
        for each in read
        if each["labels"]["window"] != "30d"
    }
    assert values == {
        ("engagement_sign_ins", "sso", "24h"): 1,
        ("engagement_sign_ins", "sso", "7d"): 2,
        ("engagement_sign_ins", "password", "24h"): 2,
        ("engagement_sign_ins", "password", "7d"): 2,
        ("engagement_sso_ratio", None, "24h"): 1 / 3,
        ("engagement_sso_ratio", None, "7d"): 2 / 4,
    }


def test_their_worked_examples_are_tests(copy: Path) -> None:
    wanted = "(sign_ins or sso_ratio) and (worked_example_is or formula_gives or explains_itself)"
    told = run(copy, "-m", "pytest", "-p", "no:cacheprovider", "tests/indicators/test_metrics.py", "-k", wanted)
    assert " 6 passed" in told


def test_they_get_a_dashboard_and_a_chapter(copy: Path) -> None:
    run(copy, "-c", "from stream.cli import main; main()", "render")
    assert (copy / "deploy/grafana/dashboards/sign-in.json").is_file()
    assert "### engagement_sso_ratio" in (copy / "docs/indicators.md").read_text(encoding="utf-8")

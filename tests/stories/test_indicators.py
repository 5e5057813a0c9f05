"""A deployment with definitions, alerts and targets of its own: every process goes by the indicators file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stream.indicators.config import parsed
from tests.stack.command import Assidu
from tests.stack.story import NEWEST, Story

CHOSEN = """
[definitions]
first_week_days = 2
csat_7_from = 6
retention_days = [2, 9, 40]
visit_gap_minutes = 90
segment = "plan"
"""
OF_EXPORTERS = """
[alerts]
EngagementHighRisk.threshold = 0.3
[targets]
engagement_stickiness_ratio = 0.25
"""


def test_everything_is_counted_and_shown_by_the_indicators_file(assidu: Assidu) -> None:
    file = assidu.folder / "indicators.toml"
    file.write_text(CHOSEN)
    story = Story(assidu, indicators=parsed(CHOSEN, "indicators.toml", str(file)))
    events = story.history(3_000, customers=60)
    named = {each["user_id"]: each for each in events if "user_id" in each}.values()
    events += [
        each
        | {"type": "identify", "event_id": f"identify-{number}", "timestamp": NEWEST.isoformat()}
        | {"bot": False, "test": False, "traits": {"plan": ("free", "pro")[number % 2], "segment": "none"}}
        for number, each in enumerate(named)
    ]
    story.worker()
    story.emit(events)
    story.settle()

    story.assert_equals_the_recount(NEWEST, NEWEST + timedelta(days=3))
    story.assert_page_equals_the_recount(story.exporter(), at=lambda: datetime.now(UTC))

    file.write_text(CHOSEN + OF_EXPORTERS)
    shown = story.exporter().metrics()
    assert shown["assidu_alert_threshold", frozenset({("alert", "EngagementHighRisk")})] == 0.3
    for product in ("app", "shop"):
        labels = {"product": product, "indicator": "engagement_stickiness_ratio"}
        assert shown["engagement_target", frozenset(labels.items())] == 0.25

    other = assidu.folder / "other.toml"
    other.write_text(CHOSEN.replace("90", "30"))
    refused = assidu.run("report", indicators=other)
    assert refused.returncode == 2
    told = "definitions.visit_gap_minutes (of the indicators file): Redis has '90', this process '30'"
    assert told in refused.stderr

"""Silence: gauges move while nobody works, and the age of the data says that nobody does."""

from __future__ import annotations

from datetime import timedelta

from tests.stack.command import Assidu
from tests.stack.story import NEWEST, Story
from tests.stack.waiting import eventually


def test_gauges_move_on_while_every_worker_is_dead(assidu: Assidu) -> None:
    story = Story(assidu, stale_seconds=3)
    worker = story.worker()
    exporter = story.exporter()
    story.emit(story.history(3_000))
    story.settle()
    eventually(exporter.is_ready, 30, "the exporter to be ready")
    assert exporter.metric("assidu_data_age_seconds") < 3
    worker.child.kill()

    for days in (1, 8, 31):
        story.assert_equals_the_recount(NEWEST + timedelta(days=days))
    eventually(lambda: exporter.metric("assidu_data_age_seconds") > 4, 30, "the data to grow old")
    status, why = exporter.get("/readyz")
    assert status == 503
    assert "ASSIDU_STALE_SECONDS=3" in why

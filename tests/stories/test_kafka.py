"""Kafka goes away and comes back: nothing is lost, nothing doubled, and the worker stays."""

from __future__ import annotations

import time

import pytest

from stream.demo.embedded import KafkaServer
from tests.stack.command import Assidu
from tests.stack.story import Story

AWAY_SECONDS = 20
READABLE_LINES = 300


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "paused"])
def test_kafka_is_away_for_a_while(assidu: Assidu, kafka: KafkaServer, how: str) -> None:
    if how == "stopped" and not kafka.durable:
        pytest.skip("the embedded broker forgets everything when it stops")
    story = Story(assidu)
    worker = story.worker()
    story.begin_to_emit(story.history(5_000, seed=1))
    story.wait_until_mid_stream(0)
    with getattr(kafka, how)():
        time.sleep(AWAY_SECONDS)
    story.emit(story.history(5_000, seed=2))
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running
    assert "Traceback" not in worker.log
    assert len(worker.log.splitlines()) < READABLE_LINES

"""The canary from end to end: it measures the whole way and moves no indicator, and needs no Kafka to live."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from stream.demo.embedded import EmbeddedRedis, KafkaServer, free_port
from stream.settings import Settings
from tests.stack.command import Assidu
from tests.stack.service import Service
from tests.stack.story import Story
from tests.stack.waiting import eventually

OFTEN = 0.1
READABLE_LINES = 10
COUNT = "assidu_event_to_gauge_seconds_count"


def test_canaries_arrive_from_every_shard_and_move_no_indicator(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    story.emit(story.history(300))
    story.settle()
    exporter = story.exporter(canary_seconds=OFTEN)
    left_out = exporter.metric("assidu_left_out_total", why="test")
    arrived = 3 * story.settings.partitions
    eventually(lambda: exporter.metric(COUNT) >= arrived, 30, "canaries from every shard")

    assert exporter.metric("assidu_left_out_total", why="test") >= left_out + arrived
    assert exporter.metric("assidu_event_to_gauge_seconds_bucket", le="10.0") >= arrived
    assert exporter.metric("assidu_misrouted_total") == exporter.metric("assidu_rejected_total") == 0
    story.assert_page_equals_the_recount(exporter, at=lambda: datetime.now(UTC))
    assert exporter.child.terminate() == 0


def test_canaries_set_out_once_the_topics_are_there(assidu: Assidu) -> None:
    exporter = Service(assidu.start("exporter", canary_seconds=OFTEN))
    exporter.wait_until_serving()
    eventually(lambda: "run `assidu topics`" in exporter.log, 30, "the exporter to miss the topics")
    story = Story(assidu)
    story.worker()
    eventually(lambda: exporter.metric(COUNT) > 0, 60, "a canary to arrive")
    assert exporter.log.count("canaries cannot be sent") == 1
    assert "canaries are sent" in exporter.log


@pytest.mark.slow
def test_canaries_set_out_again_when_kafka_answers_again(assidu: Assidu, kafka: KafkaServer) -> None:
    story = Story(assidu)
    story.worker()
    exporter = story.exporter(canary_seconds=OFTEN)
    eventually(lambda: exporter.metric(COUNT) > 0, 30, "a canary to arrive")
    with kafka.paused():
        eventually(lambda: "canaries cannot be sent" in exporter.log, 60, "the exporter to miss Kafka")
        assert exporter.metric("assidu_build_info") == 1
    arrived = exporter.metric(COUNT)
    eventually(lambda: exporter.metric(COUNT) > arrived + 10, 60, "more canaries to arrive")
    assert exporter.child.terminate() == 0
    assert len(exporter.log.splitlines()) < READABLE_LINES


def test_an_exporter_lives_without_kafka(redis_server: EmbeddedRedis, tmp_path: Path) -> None:
    port, own = free_port(), f"test-{uuid4().hex[:8]}"
    settings = Settings(_env_file=None, kafka=f"127.0.0.1:{port}", redis=redis_server.url, namespace=own)
    assidu = Assidu(settings, tmp_path)
    try:
        exporter = Service(assidu.start("exporter", exporter_port=0))
        exporter.wait_until_serving()
        eventually(lambda: "canaries cannot be sent" in exporter.log, 30, "the exporter to miss Kafka")
        assert exporter.metric("assidu_build_info") == 1
        assert exporter.metric(COUNT) == 0
        assert exporter.child.terminate() == 0
        assert len(exporter.log.splitlines()) < READABLE_LINES
    finally:
        assidu.close()

"""Redis goes away, goes back in time, loses everything: every number still equals the recount."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from stream.embedded import EmbeddedRedis
from tests.stack.command import Assidu
from tests.stack.story import Story

AWAY_SECONDS = 20
READABLE_LINES = 300


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def story(assidu: Assidu, own_redis: EmbeddedRedis) -> Story:
    return Story(assidu, redis=own_redis.url)


def test_redis_goes_back_in_time_under_an_idle_worker(story: Story, own_redis: EmbeddedRedis) -> None:
    worker = story.worker()
    story.emit(story.history(3_000, seed=1))
    story.settle()
    snapshot = own_redis.snapshot()
    story.emit(story.history(3_000, seed=2))
    story.settle()
    own_redis.go_back_to(snapshot)
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running


@pytest.mark.slow
def test_redis_goes_back_in_time_under_a_busy_worker(story: Story, own_redis: EmbeddedRedis) -> None:
    worker = story.worker()
    story.emit(story.history(5_000, seed=1))
    story.settle()
    snapshot = own_redis.snapshot()
    story.begin_to_emit(story.history(10_000, seed=2))
    story.wait_until_mid_stream(5_000)
    own_redis.go_back_to(snapshot)
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running


@pytest.mark.slow
def test_redis_loses_its_last_moments_again_and_again(story: Story, own_redis: EmbeddedRedis) -> None:
    worker = story.worker()
    for seed in range(3):
        before = story.folded()
        story.begin_to_emit(story.history(8_000, seed=seed))
        story.wait_until_mid_stream(before)
        snapshot = own_redis.snapshot()
        story.wait_until_folded(story.folded())
        own_redis.go_back_to(snapshot)
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running


@pytest.mark.slow
def test_redis_goes_back_in_time_while_no_worker_runs(story: Story, own_redis: EmbeddedRedis) -> None:
    worker = story.worker()
    story.emit(story.history(3_000, seed=1))
    story.settle()
    snapshot = own_redis.snapshot()
    story.emit(story.history(3_000, seed=2))
    story.settle()
    worker.child.terminate()
    own_redis.go_back_to(snapshot)
    story.worker()
    story.settle()

    story.assert_equals_the_recount()


@pytest.mark.slow
def test_an_exporter_follows_redis_back_in_time(assidu: Assidu, own_redis: EmbeddedRedis) -> None:
    story = Story(assidu, redis=own_redis.url, clock="event")
    story.worker()
    exporter = story.exporter()
    story.emit(story.history(3_000, seed=1))
    story.settle()
    story.assert_page_equals_the_recount(exporter, at=story.newest)
    snapshot = own_redis.snapshot()
    story.emit(story.history(3_000, seed=2))
    story.settle()
    story.assert_page_equals_the_recount(exporter, at=story.newest)
    own_redis.go_back_to(snapshot)
    story.settle()

    story.assert_page_equals_the_recount(exporter, at=story.newest)


@pytest.mark.slow
def test_an_emptied_redis_is_filled_anew_from_the_topics(story: Story, own_redis: EmbeddedRedis) -> None:
    worker = story.worker()
    story.emit(story.history(3_000, seed=1))
    story.settle()
    Redis.from_url(own_redis.url).flushall()
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running


@pytest.mark.slow
def test_a_worker_that_joins_after_redis_was_emptied_still_knows_the_repeats(
    story: Story, own_redis: EmbeddedRedis
) -> None:
    events = story.history(3_000)
    first = story.worker()
    story.emit(events)
    story.settle()
    Redis.from_url(own_redis.url).flushall()
    story.settle()
    story.worker()
    first.child.terminate()
    story.emit(events)
    story.settle()

    story.assert_equals_the_recount()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "paused"])
def test_redis_is_away_for_a_while(story: Story, own_redis: EmbeddedRedis, how: str) -> None:
    worker = story.worker()
    story.begin_to_emit(story.history(8_000, seed=1))
    story.wait_until_mid_stream(0)
    with getattr(own_redis, how)():
        story.begin_to_emit(story.history(3_000, seed=2))
        time.sleep(AWAY_SECONDS)
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running
    assert "Traceback" not in worker.log
    assert len(worker.log.splitlines()) < READABLE_LINES

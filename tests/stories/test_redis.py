"""Redis goes away, goes back in time, loses everything: every number still equals the recount."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from stream.demo.embedded import EmbeddedRedis
from tests.stack.command import Assidu
from tests.stack.service import Service
from tests.stack.story import Story
from tests.stack.waiting import eventually

AWAY_SECONDS = 20
READABLE_LINES = 300


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def story(assidu: Assidu, own_redis: EmbeddedRedis) -> Story:
    return Story(assidu, redis=own_redis.url)


@pytest.fixture
def worker(story: Story) -> Service:
    """Has counted a first history."""
    worker = story.worker()
    story.emit(story.history(3_000, seed=1))
    story.settle()
    return worker


@pytest.fixture
def snapshot(story: Story, own_redis: EmbeddedRedis, worker: Service) -> Path:
    """Of Redis before the worker counted a second history, too."""
    taken = own_redis.snapshot()
    story.emit(story.history(3_000, seed=2))
    story.settle()
    return taken


def test_redis_goes_back_in_time_under_an_idle_worker(
    story: Story, own_redis: EmbeddedRedis, worker: Service, snapshot: Path
) -> None:
    own_redis.go_back_to(snapshot)
    story.settle()

    story.assert_equals_the_recount()
    assert worker.child.running


@pytest.mark.slow
def test_redis_goes_back_in_time_under_a_busy_worker(story: Story, own_redis: EmbeddedRedis, worker: Service) -> None:
    snapshot = own_redis.snapshot()
    story.begin_to_emit(story.history(10_000, seed=2))
    story.wait_until_mid_stream(3_000)
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
def test_redis_goes_back_in_time_while_no_worker_runs(
    story: Story, own_redis: EmbeddedRedis, worker: Service, snapshot: Path
) -> None:
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
def test_an_emptied_redis_is_filled_anew_from_the_topics(
    story: Story, own_redis: EmbeddedRedis, worker: Service
) -> None:
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
@pytest.mark.parametrize(
    ("unwell", "well"),
    [
        pytest.param("CONFIG SET maxmemory 1mb", "CONFIG SET maxmemory 0", id="full"),
        pytest.param("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", id="a replica"),
        pytest.param("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", id="alone"),
    ],
)
def test_redis_refuses_to_write_for_a_while(story: Story, own_redis: EmbeddedRedis, unwell: str, well: str) -> None:
    """Strings may be no longer than Redis can be told to allow, too."""
    redis = Redis.from_url(own_redis.url)
    redis.config_set("proto-max-bulk-len", 1 << 20)
    first = story.worker()
    story.begin_to_emit(story.history(8_000, seed=1))
    story.wait_until_mid_stream(0)
    redis.execute_command(*unwell.split())
    second = Service(story.assidu.start("worker"))
    eventually(lambda: "waiting for Redis" in second.log, 20, "the second worker to wait")
    story.begin_to_emit(story.history(3_000, seed=2))
    eventually(lambda: "trying again" in first.log, 20, "the first worker to try again")
    redis.execute_command(*well.split())
    story.settle()

    story.assert_equals_the_recount()
    for worker in (first, second):
        assert worker.child.running
        assert "Traceback" not in worker.log
        assert len(worker.log.splitlines()) < READABLE_LINES


@pytest.mark.slow
def test_a_password_that_is_changed_ends_an_idle_worker_with_one_clear_message(
    story: Story, own_redis: EmbeddedRedis
) -> None:
    worker = story.worker()
    story.emit(story.history(100))
    story.settle()
    redis = Redis.from_url(own_redis.url)
    redis.config_set("requirepass", "new")
    redis.client_kill_filter(_type="normal", skipme=True)
    eventually(lambda: not worker.child.running, 20, "the worker to end")

    assert worker.child.process.returncode == 2
    assert "Traceback" not in worker.log
    [told] = [line for line in worker.log.splitlines() if line.startswith("assidu: ")]
    assert "it refuses the user or password: put ASSIDU_REDIS right" in told


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

"""Workers come, go, die and freeze in mid-stream: every number still equals the recount."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from stream.demo.embedded import EmbeddedRedis
from tests.stack.command import Assidu
from tests.stack.proxy import RedisProxy
from tests.stack.service import Service
from tests.stack.story import Story
from tests.stack.waiting import eventually


@pytest.fixture
def proxy(redis_server: EmbeddedRedis) -> Iterator[RedisProxy]:
    with RedisProxy(redis_server) as proxy:
        yield proxy


def shards_of(*workers: Service) -> list[int]:
    return [int(worker.metric("assidu_shards_owned")) for worker in workers]


def wait_until_shared(story: Story, *workers: Service) -> None:
    def shared() -> bool:
        shards = shards_of(*workers)
        return sum(shards) == story.settings.partitions and min(shards) > 0

    eventually(shared, 60, "every worker to own a part of the shards")


@pytest.mark.parametrize("deaths", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_worker_killed_in_mid_stream_loses_nothing_and_doubles_nothing(assidu: Assidu, deaths: int) -> None:
    story = Story(assidu)
    for death in range(deaths):
        before = story.folded()
        worker = story.worker()
        story.begin_to_emit(story.history(5_000, seed=death))
        story.wait_until_mid_stream(before)
        worker.child.kill()
    story.worker()
    story.settle()

    story.assert_equals_the_recount()


@pytest.mark.slow
def test_a_second_worker_joins_and_leaves_in_mid_stream(assidu: Assidu) -> None:
    story = Story(assidu)
    first = story.worker()
    story.begin_to_emit(story.history(10_000, seed=1))
    story.wait_until_mid_stream(0)
    second = story.worker()
    wait_until_shared(story, first, second)
    before = story.folded()
    story.begin_to_emit(story.history(10_000, seed=2))
    story.wait_until_mid_stream(before)
    assert second.child.terminate() == 0
    story.settle()

    story.assert_equals_the_recount()
    assert shards_of(first) == [story.settings.partitions]


@pytest.mark.slow
def test_each_shard_has_one_owner_among_three_workers(assidu: Assidu) -> None:
    # Faust only sees to it that no worker has more than its share: 4 shards may be shared as 2, 2 and 0.
    story = Story(assidu, partitions=6)
    workers = [story.worker() for _ in range(3)]
    story.emit(story.history(5_000))
    wait_until_shared(story, *workers)
    story.settle()

    story.assert_equals_the_recount()
    assert shards_of(*workers) == [2, 2, 2]
    assert len(set(story.owners().values())) == story.settings.partitions


@pytest.mark.slow
def test_a_commit_of_a_worker_that_overslept_is_refused(assidu: Assidu, proxy: RedisProxy) -> None:
    story = Story(assidu)
    sleeper = story.worker(redis=proxy.url)
    story.begin_to_emit(story.history(5_000, seed=1))
    story.wait_until_mid_stream(0)
    proxy.hold_commits()
    story.begin_to_emit(story.history(5_000, seed=2))
    assert proxy.holding.wait(30), "the sleeper should have a commit to make"
    sleeper.child.pause()
    successor = story.worker()
    story.settle()

    answers = len(proxy.answers)
    proxy.release_commits()
    sleeper.child.resume()

    eventually(lambda: b"owner" in b"".join(proxy.answers[answers:]), 30, "the refusal")
    wait_until_shared(story, sleeper, successor)
    story.emit(story.history(2_000, seed=3))
    story.settle()
    story.assert_equals_the_recount()


def test_a_commit_whose_answer_was_lost_is_not_applied_twice(assidu: Assidu, proxy: RedisProxy) -> None:
    story = Story(assidu)
    lost = story.settings.partitions  # there is at least one commit in each shard
    proxy.lose_answers(lost)
    story.worker(redis=proxy.url)
    story.emit(story.history(5_000, seed=1))
    story.emit(story.history(5_000, seed=2))
    story.settle()

    assert proxy.lost == lost
    # Commits to several shards may be answered together, and all of these are lost with one answer.
    assert sum(answer.count(b"already") for answer in proxy.answers) >= lost
    story.assert_equals_the_recount()


@pytest.mark.slow
def test_sigterm_finishes_the_commit_in_flight_and_ends_in_time(assidu: Assidu) -> None:
    story = Story(assidu)
    worker = story.worker()
    story.begin_to_emit(story.history(5_000))
    story.wait_until_mid_stream(0)
    asked = time.monotonic()
    assert worker.child.terminate() == 0
    assert time.monotonic() - asked < 10
    assert "Traceback" not in worker.log

    story.worker()
    story.settle()
    story.assert_equals_the_recount()


def test_a_worker_tells_that_it_is_alive_and_ready_and_what_it_did(assidu: Assidu) -> None:
    story = Story(assidu)
    worker = story.worker()
    assert worker.get("/healthz") == (200, "alive\n")
    eventually(worker.is_ready, 30, "the worker to be ready")
    story.emit(story.history(500))
    story.settle()

    assert shards_of(worker) == [story.settings.partitions]
    assert worker.metric("assidu_batch_events_sum") == 500
    assert worker.metric("assidu_commit_seconds_count") >= worker.metric("assidu_batch_events_count") > 0
    assert worker.metric("assidu_commits_refused_total") == 0

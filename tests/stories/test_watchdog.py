"""A worker that has a backlog and makes no progress begins anew, in its own process."""

from __future__ import annotations

import pytest

from stream.demo.embedded import EmbeddedRedis
from tests.stack.command import Assidu
from tests.stack.story import Story
from tests.stack.waiting import eventually


@pytest.mark.slow
def test_a_worker_without_progress_restarts_in_place_and_loses_nothing(assidu: Assidu) -> None:
    with EmbeddedRedis() as own_redis:
        story = Story(assidu, redis=own_redis.url)
        worker = story.worker(stall_seconds=4)
        pid = worker.child.pid
        story.begin_to_emit(story.history(40_000))
        story.wait_until_mid_stream(0)
        # A commit that hangs looks to the watchdog as a consumer that died quietly does: a backlog, no progress.
        with own_redis.paused():
            eventually(lambda: "restarting in place" in worker.log, 30, "a restart in place")
        story.settle()

        story.assert_equals_the_recount()
        assert worker.child.running and worker.child.pid == pid
        assert worker.log.count("worker started") >= 2
        assert "Traceback" not in worker.log

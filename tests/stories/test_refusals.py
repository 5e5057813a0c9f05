"""Refusals: a worker that would count wrong does not start, and says what is wrong, where and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from stream.demo.embedded import EmbeddedBroker, EmbeddedRedis, KafkaServer, free_port
from stream.store.keys import Keys
from tests.stack import administering
from tests.stack.command import Assidu
from tests.stack.story import Story

MISTAKE, UNREACHABLE = 2, 3


def assert_refused(assidu: Assidu, code: int, *words: str, **changed: Any) -> None:
    done = assidu.run("worker", **changed)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def counted(assidu: Assidu) -> Story:
    """A deployment that has counted something and whose worker has stopped."""
    story = Story(assidu)
    worker = story.worker()
    story.emit(story.history(200))
    story.settle()
    worker.child.terminate()
    return story


def test_missing_topics(assidu: Assidu) -> None:
    prefix = assidu.settings.topic_prefix
    assert_refused(assidu, MISTAKE, f"{prefix}clicks", f"{prefix}identity", "run `assidu topics`")


def test_topics_with_another_number_of_partitions(assidu: Assidu) -> None:
    Story(assidu)
    assert_refused(assidu, MISTAKE, "ASSIDU_PARTITIONS=5", "clicks has 4", partitions=5)


def test_settings_other_than_those_of_the_stored_state(assidu: Assidu) -> None:
    story = counted(assidu)
    other: dict[str, Any] = {"partitions": 2, "topic_prefix": f"{story.settings.topic_prefix}two."}
    assert assidu.run("topics", **other).returncode == 0
    zone, clock = "Europe/Paris", "event"

    assert_refused(assidu, MISTAKE, "ASSIDU_PARTITIONS: Redis has '4', this process '2'", "ASSIDU_NAMESPACE", **other)
    assert_refused(assidu, MISTAKE, f"ASSIDU_TIMEZONE: Redis has 'UTC', this process '{zone}'", timezone=zone)
    assert_refused(assidu, MISTAKE, f"ASSIDU_CLOCK: Redis has 'wall', this process '{clock}'", clock=clock)


@pytest.mark.slow
def test_a_position_outside_of_the_log(assidu: Assidu) -> None:
    story = counted(assidu)
    topic = f"{story.settings.topic_prefix}clicks"
    position = story.positions()[1]
    move_position(story, 1, position | {topic: position[topic] + 1})

    end = position[topic]
    assert_refused(assidu, MISTAKE, f"{topic}/1: position {end + 1}, Kafka has 0 to {end}", "ASSIDU_KAFKA")


@pytest.mark.slow
def test_no_position_while_a_topic_no_longer_has_its_beginning(assidu: Assidu, kafka: KafkaServer) -> None:
    if isinstance(kafka, EmbeddedBroker):
        pytest.skip("the embedded broker cannot forget the beginning of a topic")
    story = counted(assidu)
    topic = f"{story.settings.topic_prefix}clicks"
    administering.delete_records(story.settings, topic, partition=2, before=5)
    Redis.from_url(story.settings.redis.get_secret_value()).delete(Keys(story.settings.namespace).shard(2).state)

    assert_refused(assidu, MISTAKE, "no position for shard 2", f"{topic}/2 begins at 5", "assidu rebuild")


@pytest.mark.parametrize("server", ["kafka", "redis"])
def test_a_server_that_is_not_there(assidu: Assidu, server: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    Story(assidu)
    nowhere = address if server == "kafka" else f"redis://{address}/0"
    assert_refused(assidu, UNREACHABLE, address, f"ASSIDU_{server.upper()}", **{server: nowhere})


def test_a_group_that_is_at_work_for_another_namespace(assidu: Assidu, kafka: KafkaServer) -> None:
    if isinstance(kafka, EmbeddedBroker):
        pytest.skip("the embedded broker does not tell who its members are")
    story = Story(assidu)
    story.worker()
    story.emit(story.history(50))
    story.settle()
    namespace, group = story.settings.namespace, story.settings.group

    words = (f"the consumer group '{group}' (ASSIDU_GROUP)", f"assidu-{namespace}", "a group of its own")
    assert_refused(assidu, MISTAKE, *words, namespace=f"{namespace}-two")


@pytest.mark.parametrize("who", ["", "nobody:sesame@"])
def test_a_redis_that_refuses_the_password(assidu: Assidu, who: str) -> None:
    with EmbeddedRedis({"appendonly": "no"}) as server:
        Redis.from_url(server.url).config_set("requirepass", "open")
        url = server.url.replace("//", f"//{who}")
        assert_refused(assidu, MISTAKE, "it refuses the user or password", "ASSIDU_REDIS", redis=url)


def move_position(story: Story, shard: int, position: dict[str, int]) -> None:
    state = Keys(story.settings.namespace).shard(shard).state
    Redis.from_url(story.settings.redis.get_secret_value()).hset(
        state, "position", json.dumps(position, separators=(",", ":"))
    )

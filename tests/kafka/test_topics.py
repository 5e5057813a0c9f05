"""Topics: what is missing is created, what does not fit is refused."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.demo.embedded import KafkaServer
from stream.kafka.topics import BROKER_DEFAULT, check_topics, create_topics, kafka_admin, topic_names
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.stack import administering


def with_partitions(settings: Settings, partitions: int) -> Settings:
    return settings.model_copy(update={"partitions": partitions})


async def test_creates_every_topic_of_the_deployment_with_the_partitions_asked_for(settings: Settings) -> None:
    topics = await create_topics(settings, replication=1)

    assert [topic.name for topic in topics] == [*settings.topics, settings.dead_letters, settings.churn_risk]
    assert len(topics) == 11
    assert all(topic.change == "created" and topic.partitions == settings.partitions for topic in topics)
    await check_topics(settings)


async def test_creates_nothing_the_second_time(settings: Settings) -> None:
    await create_topics(settings, replication=1)

    assert not any(topic.change for topic in await create_topics(settings, replication=1))


async def test_leaves_the_number_of_copies_to_the_broker_when_asked(settings: Settings) -> None:
    topics = await create_topics(settings, BROKER_DEFAULT)

    assert all(topic.change for topic in topics)


async def test_refuses_topics_with_another_number_of_partitions_and_names_each(settings: Settings) -> None:
    await create_topics(settings, replication=1)

    with pytest.raises(UserError) as refusal:
        await create_topics(with_partitions(settings, 6), replication=1)

    for name in topic_names(settings):
        assert f"{name} has 4" in str(refusal.value)
    assert "ASSIDU_PARTITIONS=6" in str(refusal.value)
    with pytest.raises(UserError, match=f"{settings.topic_prefix}clicks has 4"):
        await check_topics(with_partitions(settings, 6))


async def test_names_every_missing_topic_and_the_command_that_creates_it(settings: Settings) -> None:
    with pytest.raises(UserError) as refusal:
        await check_topics(settings)

    for name in topic_names(settings):
        assert name in str(refusal.value)
    assert "assidu topics" in str(refusal.value)


async def test_one_clock_tells_when_records_came(settings: Settings, kafka: KafkaServer) -> None:
    if not kafka.durable:
        pytest.skip("the embedded broker leaves record times to the producers: run it with --broker apache")
    await create_topics(settings, replication=1)

    async with kafka_admin(settings) as admin:
        topics = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topic_names(settings)]
        [answer] = await admin.describe_configs(topics)
    for *_, entries in answer.resources:
        assert ("message.timestamp.type", "LogAppendTime") in {(name, value) for name, value, *_ in entries}


async def test_other_topics_are_raised_to_as_many_partitions_only_when_asked_to(
    settings: Settings, kafka: KafkaServer
) -> None:
    if not kafka.durable:
        pytest.skip("the embedded broker cannot raise partitions: run it with --broker apache")
    await create_topics(settings, replication=1)
    more, fewer = with_partitions(settings, 6), with_partitions(settings, 2)

    with pytest.raises(UserError, match="Set ASSIDU_PARTITIONS=4"):
        await create_topics(fewer, replication=1, raise_others=True)
    assert {topic.change for topic in await create_topics(more, replication=1, raise_others=True)} == {"raised"}
    assert {topic.change for topic in await create_topics(more, replication=1)} == {None}
    with pytest.raises(UserError, match="Set ASSIDU_PARTITIONS=6"):
        await check_topics(settings)


async def test_a_topic_created_anew_has_another_id(settings: Settings, kafka: KafkaServer) -> None:
    if not kafka.durable:
        pytest.skip("the embedded broker is not asked to delete topics: run it with --broker apache")
    await create_topics(settings, replication=1)
    [clicks, logins, *_] = settings.topics
    before = await check_topics(settings)
    await asyncio.to_thread(administering.create_anew, settings, clicks)

    after = await check_topics(settings)
    assert before.id == after.id
    assert before.topics[clicks].id != after.topics[clicks].id
    assert before.topics[logins] == after.topics[logins]

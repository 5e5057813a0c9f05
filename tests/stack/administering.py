"""What an administrator does to topics, on Apache Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import Request

from stream.kafka.metadata import see_topics
from stream.kafka.topics import kafka_admin
from stream.settings import Settings
from tests.stack.waiting import eventually_async

READ, WRITE = 3, 4
OPERATIONS = {"Read": READ, "Write": WRITE, "Create": 5, "Alter": 7, "Describe": 8}
TOPIC, GROUP = 2, 3
_LITERAL, _DENY, _ALLOW, _ANY = 3, 2, 3, 1


def configure(settings: Settings, topic: str, **configuration: object) -> None:
    asyncio.run(alter(settings, topic, **configuration))


async def alter(settings: Settings, topic: str, **configuration: object) -> None:
    """Set these, and everything else back to what the broker has, and wait until it does so; "_" stands for "."."""
    wanted = {name.replace("_", "."): str(value) for name, value in configuration.items()}
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, wanted)
    async with kafka_admin(settings) as admin:
        for answer in await admin.alter_configs([resource]):
            for code, words, *_ in answer.resources:
                assert for_code(code) is NoError, words

        async def is_so() -> bool:
            [answer] = await admin.describe_configs([resource])
            [(*_, entries)] = answer.resources
            return wanted.items() <= {(name, value) for name, value, *_ in entries}

        await eventually_async(is_so, 10, f"{topic} to be configured")


def raise_partitions(settings: Settings, topic: str, partitions: int) -> None:
    _do(settings, lambda admin: admin.create_partitions({topic: NewPartitions(partitions)}))


def create_anew(settings: Settings, topic: str) -> None:
    """Delete the topic and create it under the same name, as soon as Kafka lets it; and wait until it shows it."""

    async def again(admin: AIOKafkaAdminClient) -> None:
        before = (await see_topics(admin, [topic])).topics[topic].id
        await admin.delete_topics([topic])
        async with asyncio.timeout(30):
            problem: object = TopicAlreadyExistsError
            while problem is TopicAlreadyExistsError:
                answer = await admin.create_topics([NewTopic(topic, settings.partitions, 1)])
                problem = for_code(answer.to_object()["topic_errors"][0]["error_code"])
        assert problem is NoError, problem

        async def is_shown() -> bool:
            seen = (await see_topics(admin, [topic])).topics.get(topic)
            return seen is not None and seen.id != before

        await eventually_async(is_shown, 10, f"{topic} to be another")

    _do(settings, again)


def forbid(settings: Settings, name: str, operation: int, kind: int = TOPIC) -> None:
    """Nobody may READ from, or WRITE to, the TOPIC or GROUP any more."""

    async def deny(admin: AIOKafkaAdminClient) -> None:
        await admin._send_request(_CreateAcls([(kind, name, _LITERAL, "User:*", "*", operation, _DENY)]))

    _do(settings, deny)


def grant(settings: Settings, user: str, rights: Sequence[tuple[int, str, int]]) -> None:
    """The user may do these: (TOPIC or GROUP, name, operation); wait until the broker knows it."""
    principal = f"User:{user}"
    rules = [(kind, name, _LITERAL, principal, "*", operation, _ALLOW) for kind, name, operation in rights]

    async def allow(admin: AIOKafkaAdminClient) -> None:
        answer = await admin._send_request(_CreateAcls(rules))
        assert all(code == 0 for code, _ in answer.creation_responses), answer

        async def is_known() -> bool:
            known = await admin._send_request(_DescribeAcls(principal))
            granted = {(kind, name, rule[2]) for kind, name, _, rules in known.resources for rule in rules}
            return set(rights) <= granted

        await eventually_async(is_known, 10, f"the rights of {user}")

    _do(settings, allow)


class _CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    API_KEY = 30

    def __init__(self, rules: Sequence[tuple[object, ...]]) -> None:
        self._rules = rules

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(list(self._rules))


class _DescribeAcls(Request[DescribeAclsRequest_v1]):  # type: ignore[misc]
    API_KEY = 29

    def __init__(self, principal: str) -> None:
        self._principal = principal

    def build(self, request_struct_class: type[DescribeAclsRequest_v1]) -> DescribeAclsRequest_v1:
        return request_struct_class(_ANY, None, _ANY, self._principal, None, _ANY, _ANY)


def delete_records(settings: Settings, topic: str, partition: int, before: int) -> None:
    records = {TopicPartition(topic, partition): RecordsToDelete(before_offset=before)}
    _do(settings, lambda admin: admin.delete_records(records))


def _do(settings: Settings, what: Callable[[AIOKafkaAdminClient], Awaitable[object]]) -> None:
    async def now() -> None:
        async with kafka_admin(settings) as admin:
            await what(admin)

    asyncio.run(now())

"""The Kafka topics of a deployment: create what is missing, refuse what does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaConnectionError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from stream.errors import UserError
from stream.settings import Settings

BROKER_DEFAULT = -1
_ANSWER_WITHIN_SECONDS = 15.0
_VISIBLE_WITHIN_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class Topic:
    """A topic of this deployment as it stands after `create_topics`."""

    name: str
    partitions: int
    created: bool


def topic_names(settings: Settings) -> tuple[str, ...]:
    """Every topic that must exist: one for each family, then dead letters and churn risk."""
    return (*settings.topics, settings.dead_letters, settings.churn_risk)


async def create_topics(settings: Settings, replication: int) -> list[Topic]:
    """Create the topics that are missing, each with ASSIDU_PARTITIONS partitions.

    `replication` is the replication factor, or BROKER_DEFAULT. A topic with another number of
    partitions is a UserError, raised before anything is changed.
    """
    async with _admin(settings) as admin:
        found = await _partitions(admin)
        _refuse_other_partitions(settings, found)
        missing = [name for name in topic_names(settings) if name not in found]
        if missing:
            await _create(admin, missing, settings.partitions, replication)
            found = await _until_visible(admin, missing)
            # Somebody else may have created one in the meantime, in their own way.
            _refuse_other_partitions(settings, found)
    return [Topic(name, found[name], name in missing) for name in topic_names(settings)]


async def check_topics(settings: Settings) -> None:
    """Raise a UserError naming every topic that is missing or has another number of partitions."""
    async with _admin(settings) as admin:
        found = await _partitions(admin)
    _refuse_other_partitions(settings, found)
    missing = [name for name in topic_names(settings) if name not in found]
    if missing:
        raise UserError(
            f"Kafka at {settings.kafka} has no topic {', '.join(missing)}: "
            "run `assidu topics` with the same settings (ASSIDU_TOPIC_PREFIX, ASSIDU_PARTITIONS) to create it"
        )


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka, request_timeout_ms=int(_ANSWER_WITHIN_SECONDS * 1000)
    )
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    # Asking for topics by name would create them on a broker with auto.create.topics.enable.
    topics = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if topic["error_code"] == 0}


def _refuse_other_partitions(settings: Settings, found: Mapping[str, int]) -> None:
    different = [
        f"{name} has {found[name]}"
        for name in topic_names(settings)
        if found.get(name, settings.partitions) != settings.partitions
    ]
    if different:
        raise UserError(
            f"every topic must have ASSIDU_PARTITIONS={settings.partitions} partitions, but "
            f"{', '.join(different)}: set ASSIDU_PARTITIONS to what the topics have, "
            "or choose another ASSIDU_TOPIC_PREFIX; nothing was changed"
        )


async def _create(admin: AIOKafkaAdminClient, names: list[str], partitions: int, replication: int) -> None:
    # aiokafka takes the broker's default only together with an (empty) replica assignment.
    assignment: dict[int, list[int]] | None = {} if replication == BROKER_DEFAULT else None
    response = await admin.create_topics([NewTopic(name, partitions, replication, assignment) for name in names])
    for answer in response.to_object()["topic_errors"]:
        name, problem = answer["topic"], for_code(answer["error_code"])
        if problem in (NoError, TopicAlreadyExistsError):
            continue
        words = answer.get("error_message") or problem.description
        if problem is InvalidReplicationFactorError:
            raise UserError(
                f"{name} cannot have {replication} replicas ({words}): "
                "choose --replication no larger than the number of brokers"
            )
        raise UserError(f"Kafka refused to create {name}: {words}")


async def _until_visible(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """What exists, as soon as `names` are among it: brokers learn of new topics a little later."""
    try:
        async with asyncio.timeout(_VISIBLE_WITHIN_SECONDS):
            while True:
                found = await _partitions(admin)
                if found.keys() >= set(names):
                    return found
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise KafkaConnectionError(
            f"created {', '.join(names)}, but they did not appear within {_VISIBLE_WITHIN_SECONDS:.0f} s"
        ) from None

"""The Kafka topics of a deployment: create what is missing, refuse what does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaConnectionError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from stream.kafka.connection import connection, start
from stream.kafka.metadata import ClusterSeen, see_topics
from stream.runtime.errors import UserError
from stream.settings import Settings

BROKER_DEFAULT = -1
_CONFIGURATION = {"message.timestamp.type": "LogAppendTime"}
"""One clock tells when records came, whoever sent them: so a replay decides as it was decided at first."""
_ANSWER_WITHIN_SECONDS = 15.0
_VISIBLE_WITHIN_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class Topic:
    """A topic of this deployment as it stands after `create_topics`, and what that did to it."""

    name: str
    partitions: int
    change: Literal["created", "raised"] | None


def topic_names(settings: Settings) -> tuple[str, ...]:
    """Every topic that must exist: one for each family, then dead letters and churn risk."""
    return (*settings.topics, settings.dead_letters, settings.churn_risk)


async def create_topics(settings: Settings, replication: int, raise_others: bool = False) -> list[Topic]:
    """Create the topics that are missing, each with ASSIDU_PARTITIONS partitions.

    `replication` is the replication factor, or BROKER_DEFAULT. A topic with another number of partitions is a
    UserError, raised before anything is changed; with `raise_others` those that have fewer are given more.
    """
    names, wanted = topic_names(settings), settings.partitions
    async with kafka_admin(settings) as admin:
        found = await _partitions(admin, names)
        fewer = [name for name, partitions in found.items() if partitions < wanted] if raise_others else []
        _refuse_other_partitions(settings, {name: found[name] for name in found if name not in fewer}, found)
        missing = [name for name in names if name not in found]
        if missing:
            await _create(admin, missing, wanted, replication)
        if fewer:
            await admin.create_partitions({name: NewPartitions(wanted) for name in fewer})
        if missing or fewer:
            found = await _until_visible(admin, names, {*missing, *fewer}, wanted)
            # Somebody else may have created one in the meantime, in their own way.
            _refuse_other_partitions(settings, found, found)
    return [
        Topic(name, found[name], "created" if name in missing else "raised" if name in fewer else None)
        for name in names
    ]


async def check_topics(settings: Settings) -> ClusterSeen:
    """Raise a UserError naming every topic that is missing or has another number of partitions."""
    async with kafka_admin(settings) as admin:
        return await look_at_topics(settings, admin)


async def look_at_topics(settings: Settings, admin: AIOKafkaAdminClient) -> ClusterSeen:
    """`check_topics`, with a client that stays."""
    names = topic_names(settings)
    seen = await see_topics(admin, names)
    found = {name: topic.partitions for name, topic in seen.topics.items()}
    _refuse_other_partitions(settings, found, found)
    if missing := [name for name in names if name not in found]:
        raise UserError(
            f"Kafka at {settings.kafka} has no topic {', '.join(missing)}: "
            "run `assidu topics` with the same settings (ASSIDU_TOPIC_PREFIX, ASSIDU_PARTITIONS) to create it"
        )
    return seen


@asynccontextmanager
async def kafka_admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started client for the length of a `with` block. Raises as `start` does."""
    admin = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=int(_ANSWER_WITHIN_SECONDS * 1000))
    try:
        await start(admin, settings)
        yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    return {name: topic.partitions for name, topic in (await see_topics(admin, names)).topics.items()}


def _refuse_other_partitions(settings: Settings, checked: Mapping[str, int], found: Mapping[str, int]) -> None:
    different = [
        f"{name} has {partitions}" for name, partitions in checked.items() if partitions != settings.partitions
    ]
    if different:
        raise UserError(
            f"every topic must have ASSIDU_PARTITIONS={settings.partitions} partitions, but {', '.join(different)}; "
            f"nothing was changed. {_way_on(settings, set(found.values()), max(found.values()))}"
        )


def _way_on(settings: Settings, numbers: Set[int], most: int) -> str:
    """Kafka gives a topic more partitions, and never takes one back."""
    anew = (
        "a new ASSIDU_NAMESPACE (and ASSIDU_GROUP): it counts everything that Kafka has anew, as customers belong to "
        f"other partitions then, and the old numbers stay readable under {settings.namespace!r}. "
        "Or choose another ASSIDU_TOPIC_PREFIX and begin with new topics."
    )
    if len(numbers) == 1:
        return (
            f"Set ASSIDU_PARTITIONS={most}; where something was already counted with {settings.partitions}, "
            f"together with {anew}"
        )
    return (
        f"To go on, stop the workers, raise the other topics (ASSIDU_PARTITIONS={most} assidu topics --raise), and "
        f"start everything with ASSIDU_PARTITIONS={most} and {anew}"
    )


async def _create(admin: AIOKafkaAdminClient, names: list[str], partitions: int, replication: int) -> None:
    # aiokafka takes the broker's default only together with an (empty) replica assignment.
    assignment: dict[int, list[int]] | None = {} if replication == BROKER_DEFAULT else None
    response = await admin.create_topics(
        [NewTopic(name, partitions, replication, assignment, dict(_CONFIGURATION)) for name in names]
    )
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


async def _until_visible(
    admin: AIOKafkaAdminClient, names: Iterable[str], changed: Set[str], partitions: int
) -> dict[str, int]:
    """What exists, as soon as all that was `changed` is seen: brokers learn of it a little later."""
    try:
        async with asyncio.timeout(_VISIBLE_WITHIN_SECONDS):
            while True:
                found = await _partitions(admin, names)
                if all(found.get(name, 0) >= partitions for name in changed):
                    return found
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise KafkaConnectionError(
            f"changed {', '.join(sorted(changed))}, but did not see it within {_VISIBLE_WITHIN_SECONDS:.0f} s"
        ) from None

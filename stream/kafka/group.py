"""The consumer group: who else is in it? Shards are shared among its members, whatever they do with them."""

from __future__ import annotations

import asyncio
from time import monotonic

from aiokafka.errors import KafkaError

from stream.kafka.topics import kafka_admin
from stream.runtime.errors import UserError
from stream.settings import Settings

_ANSWER_WITHIN_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.2


def client_id(settings: Settings) -> str:
    """By what Kafka, and other workers, know this deployment's workers."""
    return f"assidu-{settings.namespace}"


async def check_group(settings: Settings) -> None:
    """Raises UserError when others than this namespace's workers are members of the group: each would get a part of
    the shards, and count it for itself.

    Two that start at the same moment do not see each other; the next that starts sees both. The embedded broker does
    not tell who its members are, so there nobody is refused.
    """
    others = sorted(await _clients(settings) - {client_id(settings), ""})
    if others:
        raise UserError(
            f"the consumer group {settings.group!r} (ASSIDU_GROUP) is at work for others"
            f" ({', '.join(others)}; this one is {client_id(settings)}), and they would take shards from each other:"
            " give each ASSIDU_NAMESPACE a group of its own (without ASSIDU_GROUP it is named like the namespace), or"
            " stop the others"
        )


async def _clients(settings: Settings) -> set[str]:
    """Client ids of the members of the group."""
    until = monotonic() + _ANSWER_WITHIN_SECONDS
    async with kafka_admin(settings) as admin:
        while True:
            try:
                [answer] = await admin.describe_consumer_groups([settings.group])
                break
            except KafkaError as error:  # the first group of a Kafka has to wait until it can keep groups
                if not error.retriable or monotonic() > until:
                    return set()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return {member["client_id"] for group in answer.to_object()["groups"] for member in group["members"]}

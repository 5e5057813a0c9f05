"""What Kafka says of topics: their ids and partitions, and which cluster it is.

aiokafka asks in version 5 of the Metadata request, in which topics have no ids yet; this asks in version 12 where the
broker knows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import LeaderNotAvailableError, NoError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

CLUSTER = ""
"""No topic has this name."""

_NO_ID = UUID(int=0)


class TopicSeen(NamedTuple):
    """`id` is None where the broker does not tell."""

    partitions: int
    id: str | None


class ClusterSeen(NamedTuple):
    """The topics that were asked for and exist."""

    id: str | None
    topics: dict[str, TopicSeen]

    def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Topic -> id, and CLUSTER -> the cluster's, of those that the broker tells of. Where topics have no ids, the
        cluster's own may mean nothing either."""
        ids = {topic: id_ for topic in topics if (id_ := self.topics[topic].id)}
        return {CLUSTER: self.id, **ids} if self.id and ids else ids


async def see_topics(admin: AIOKafkaAdminClient, names: Iterable[str]) -> ClusterSeen:
    """Ask Kafka now. Raises aiokafka's KafkaError, also where it may not tell of one of the topics."""
    answer = await admin._send_request(_SeeTopics(list(names)))
    seen = {}
    for topic in answer.to_object()["topics"]:
        problem = for_code(topic["error_code"])
        if problem in (UnknownTopicOrPartitionError, LeaderNotAvailableError):  # the latter while it is being made
            continue
        if problem is not NoError:
            raise problem(topic["topic"])
        id_ = topic.get("topic_id", _NO_ID)
        seen[topic["topic"]] = TopicSeen(len(topic["partitions"]), None if id_ == _NO_ID else str(id_))
    return ClusterSeen(answer.cluster_id or None, seen)


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class _MetadataResponse_v12(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequest_v12(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse_v12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _SeeTopics(Request[MetadataRequest_v5 | _MetadataRequest_v12]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, request: Any) -> Any:
        # Asking for topics by name must not create them on a broker with auto.create.topics.enable.
        if request is MetadataRequest_v5:
            return request(self._names, False)
        return request([(_NO_ID, name, {}) for name in self._names], False, False, {})

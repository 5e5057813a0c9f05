"""Whether the topics are still those that this deployment counts: the same ones, with as many partitions."""

from __future__ import annotations

from time import monotonic

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from stream.kafka.topics import look_at_topics
from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store import topic_ids
from stream.worker.retrying import raise_if_lasting

_LOOK_EVERY_SECONDS = 3.0
_AGREE_EVERY_SECONDS = 60.0
"""With Redis, on ids that have not changed: it may have lost them."""


class TopicWatch:
    def __init__(self, settings: Settings, redis: Redis, admin: AIOKafkaAdminClient) -> None:
        self._settings = settings
        self._redis = redis
        self._admin = admin
        self._looked_at = monotonic()
        self._agreed: dict[str, str] | None = None
        self._agreed_at = 0.0
        self._doubt: str | None = None

    async def check(self) -> None:
        """Raises UserError where they are not, and says how to go on."""
        try:
            ids = (await look_at_topics(self._settings, self._admin)).ids(self._settings.topics)
            if ids != self._agreed or monotonic() - self._agreed_at > _AGREE_EVERY_SECONDS:
                await topic_ids.agree(self._redis, self._settings, ids)
                self._agreed, self._agreed_at = ids, monotonic()
        except KafkaError as error:
            raise_if_lasting(error, "tell of its topics")
            raise

    async def look(self) -> None:
        """Check every few seconds; raises UserError when a second look sees the same as the first: a broker that has
        just started may not know all yet."""
        if monotonic() - self._looked_at < _LOOK_EVERY_SECONDS:
            return
        self._looked_at = monotonic()
        try:
            await self.check()
        except UserError as error:
            if self._doubt == str(error):
                raise
            self._doubt = str(error)
            self._looked_at -= _LOOK_EVERY_SECONDS
        else:
            self._doubt = None

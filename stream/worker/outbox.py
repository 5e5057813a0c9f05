"""The outbox: messages that were committed with what they tell, sent to Kafka until it has acknowledged them."""

from __future__ import annotations

import asyncio
from functools import partial

from stream.store.shard import ShardStore
from stream.worker.aside import Aside
from stream.worker.commits import Commits
from stream.worker.retrying import GivenUp

_MESSAGES_AT_ONCE = 500


class Outbox:
    """Of one shard. What a worker leaves behind, the next owner of the shard sends; so a message may come twice."""

    def __init__(self, commits: Commits, store: ShardStore, aside: Aside) -> None:
        self._commits = commits
        self._store = store
        self._aside = aside
        self._filled = asyncio.Event()
        self._filled.set()  # there may be something left from before

    def filled(self) -> None:
        """Something was put in."""
        self._filled.set()

    async def run(self) -> None:
        """Send whatever is in it, until the shard is let go."""
        number, owner, surely = self._commits.number, self._commits.owner, self._commits.surely
        store = self._store
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while messages := await surely("read the outbox", partial(store.outbox, number, _MESSAGES_AT_ONCE)):
                    await surely("send messages", self._aside.telling(number, messages).attempt)
                    await surely("empty the outbox", partial(store.sent, number, owner, len(messages)))
        except GivenUp:
            pass

"""The outbox: messages that were committed with what they say, sent to Kafka until it has acknowledged them."""

from __future__ import annotations

import asyncio
from functools import partial

from stream.store.shard import ShardStore
from stream.worker.commits import Commits, Fenced
from stream.worker.measures import RISK_MESSAGES_WAITING
from stream.worker.retrying import GivenUp
from stream.worker.side_outputs import SideOutputs

_MESSAGES_AT_ONCE = 500

_ENOUGH_WAITING = 10_000
"""While so many wait, nobody is evaluated: Redis's memory has an end, and whoever crosses a level is found later."""


class Outbox:
    """Of one shard. What a worker leaves behind, the next owner of the shard sends; so a message may come twice."""

    def __init__(self, commits: Commits, store: ShardStore, side_outputs: SideOutputs) -> None:
        self._commits = commits
        self._store = store
        self._side_outputs = side_outputs
        self._waiting = 0
        self._filled = asyncio.Event()
        self._filled.set()  # there may be something left from before

    def filled(self, messages: int) -> None:
        """So many were put in."""
        if messages:
            self._measure(self._waiting + messages)
            self._filled.set()

    @property
    def has_room(self) -> bool:
        """Whether more may be put in: Kafka takes what there is."""
        return self._waiting < _ENOUGH_WAITING

    def _measure(self, waiting: int) -> None:
        self._waiting = waiting
        if not self._commits.closed.is_set():  # else another worker shows it
            RISK_MESSAGES_WAITING.labels(str(self._commits.number)).set(waiting)

    async def run(self) -> None:
        """Send whatever is in it, until the shard is let go. Raises Fenced when that is another's by now."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while await self._send_some():
                    pass
        except GivenUp:
            pass

    async def _send_some(self) -> bool:
        """Returns whether there was anything."""
        number, owner, retry = self._commits.number, self._commits.owner, self._commits.retry
        some = await retry("read the outbox", partial(self._store.outbox, number, _MESSAGES_AT_ONCE))
        self._measure(some.waiting)
        if not some.messages:
            return False
        await retry("send messages", self._side_outputs.risk_messages(number, some.messages).attempt)
        answer = await retry("empty the outbox", partial(self._store.sent, number, owner, some))
        if answer in ("owner", "position"):
            raise Fenced(answer)
        return True

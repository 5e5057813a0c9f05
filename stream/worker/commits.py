"""The commits of one shard: where they stand, and the way to the next."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from stream.core.names import Names
from stream.store.shard import COMMIT_LENGTH, Claim, Commit, NotTheOwner, Position, ShardStore, Work
from stream.worker.measures import COMMIT_SECONDS, COMMITS_REFUSED
from stream.worker.retrying import retrying

Result = TypeVar("Result")


class Fenced(Exception):
    """Redis refused a commit. `args[0]`: "owner" (another worker has the shard) or "position" (Redis went back)."""


class Commits:
    """Everything here is what Redis has; one commit is in flight at most.

    closed       set once nothing more is to be committed
    position     topic -> offset of the next record
    last         name of the last commit
    names        numbers of series keys, those not stored yet included; `named` of them are stored
    progress_at  when something was committed last, or there was another sign of work (monotonic seconds)
    """

    def __init__(self, number: int, owner: str, claim: Claim, names: Names, store: ShardStore) -> None:
        self.number = number
        self.owner = owner
        self.position, self.last = claim
        self.names = names
        self.closed = asyncio.Event()
        self.progress_at = monotonic()
        self.named = len(names)
        self._store = store

    async def commit(self, work: Work, read: Position | None = None) -> None:
        """Write the work, and that these topics were read so far. Raises Fenced, and GivenUp once closed."""
        position = self.position | (read or {})
        names = self.names.pack(self.named)
        name = secrets.token_hex(COMMIT_LENGTH // 2)
        commit = Commit(name, self.last or "", self.position, position, self.named, names)
        with COMMIT_SECONDS.time():
            answer = await self.surely("commit", lambda: self._store.commit(self.number, self.owner, commit, work))
        if answer in ("owner", "position"):
            COMMITS_REFUSED.inc()
            raise Fenced(answer)
        self.position, self.last = position, commit.name
        self.named += len(names)
        self.progress_at = monotonic()

    async def field(self, name: str) -> str | None:
        """A field of the shard's state in Redis."""
        return await self.surely(f"read {name}", lambda: self._store.field(self.number, name))

    async def surely(self, what: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Raises Fenced when what was read is another owner's, and GivenUp once closed."""
        try:
            return await retrying(f"shard {self.number}: {what}", attempt, self.closed)
        except NotTheOwner:
            raise Fenced("owner") from None

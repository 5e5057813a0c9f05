"""The commits of a shard: where they stand, and the way to the next, together with those of other shards."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, TypeVar

from stream.core.names import Names
from stream.store.shard import COMMIT_LENGTH, Claim, Commit, NotTheOwner, Position, ShardCommit, ShardStore, Work
from stream.worker.measures import COMMIT_SECONDS, COMMITS_REFUSED
from stream.worker.retrying import AllSet, GivenUp, retrying

Result = TypeVar("Result")


class Fenced(Exception):
    """Redis refused a commit. `args[0]`: "owner" (another worker has the shard) or "position" (Redis went back)."""


class Planned(NamedTuple):
    """What is to be committed to a shard, and how far each topic was read for it."""

    commits: Commits
    work: Work
    read: Position


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
        [refused] = await commit_together(self._store, [Planned(self, work, read or {})])
        if refused:
            raise refused

    def next(self, work: Work, read: Position) -> ShardCommit:
        """The commit that writes this next."""
        name = secrets.token_hex(COMMIT_LENGTH // 2)
        position, names = self.position | read, self.names.pack(self.named)
        commit = Commit(name, self.last or "", self.position, position, self.named, names)
        return ShardCommit(self.number, self.owner, commit, work)

    def done(self, commit: Commit) -> None:
        """Redis has it."""
        self.position, self.last = commit.position, commit.name
        self.named += len(commit.names)
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


async def commit_together(store: ShardStore, planned: Sequence[Planned]) -> list[Fenced | GivenUp | None]:
    """Commit to several shards in one round trip; for each, why it was not committed, if it was not.

    Each shard's commit is atomic by itself, and tried until Redis answers or the shard is closed.
    """
    waiting = {each.commits.number: each.commits.next(each.work, each.read) for each in planned}
    results: dict[int, Fenced | GivenUp | None] = {}
    closed = AllSet([each.commits.closed for each in planned])
    commits = {each.commits.number: each.commits for each in planned}

    async def attempt() -> None:
        for number in [number for number in waiting if commits[number].closed.is_set()]:
            del waiting[number]
            results[number] = GivenUp(f"shard {number}: commit")
        if not waiting:
            return
        trouble: Exception | None = None
        for number, answer in (await store.commit_all(list(waiting.values()))).items():
            if isinstance(answer, Exception):
                trouble = answer
                continue
            written = waiting.pop(number)
            if answer in ("owner", "position"):
                COMMITS_REFUSED.inc()
                results[number] = Fenced(answer)
            else:
                commits[number].done(written.commit)
                results[number] = None
        if trouble:
            raise trouble

    began = monotonic()
    with suppress(GivenUp):
        await retrying(f"commit to shards {', '.join(map(str, waiting))}", attempt, closed)
    for _ in planned:  # each took as long as all
        COMMIT_SECONDS.observe(monotonic() - began)
    return [results.get(each.commits.number, GivenUp("commit")) for each in planned]


async def load_together(
    store: ShardStore, wanted: Mapping[Commits, Sequence[bytes]]
) -> dict[Commits, list[bytes | None] | Fenced | GivenUp]:
    """The records of customers of several shards, by their keys, in one round trip: None for who was never seen."""
    found: dict[Commits, list[bytes | None] | Fenced | GivenUp] = {}

    async def attempt() -> None:
        asked = {each.number: each for each in wanted if each not in found}
        trouble: Exception | None = None
        answers = await store.records_of({each.number: (wanted[each], each.named) for each in asked.values()})
        for number, answer in answers.items():
            if isinstance(answer, NotTheOwner):
                found[asked[number]] = Fenced("owner")
            elif isinstance(answer, Exception):
                trouble = answer
            else:
                found[asked[number]] = answer
        if trouble:
            raise trouble

    if wanted:
        with suppress(GivenUp):
            await retrying("load records", attempt, AllSet([each.closed for each in wanted]))
    return {each: found.get(each, GivenUp("load records")) for each in wanted}

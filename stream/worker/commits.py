"""The commits of a shard: where they stand, and the way to the next, together with those of other shards."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, TypeVar

from stream.core.key_ids import KeyIds
from stream.store.shard import COMMIT_LENGTH, Claim, Commit, NotTheOwner, Position, ShardCommit, ShardStore, WriteSet
from stream.worker.measures import COMMIT_SECONDS, COMMITS_REFUSED
from stream.worker.retrying import AllSet, GivenUp, retrying

Result = TypeVar("Result")


class Fenced(Exception):
    """Redis refused a commit. `args[0]`: "owner" (another worker has the shard) or "position" (Redis went back)."""


class Planned(NamedTuple):
    """What is to be committed to a shard, one after the other, and how far each topic was read once all of it is."""

    commits: Commits
    write_sets: Sequence[WriteSet]
    read: Position


class Commits:
    """Everything here is what Redis has; what is in flight follows from it, commit after commit.

    closed       set once nothing more is to be committed
    position     topic -> offset of the next Kafka record
    last         name of the last commit
    key_ids      numbers of series keys, those not stored yet included; `named` of them are stored
    progress_at  when something was committed last, or there was another sign of work (monotonic seconds)
    """

    def __init__(self, number: int, owner: str, claim: Claim, key_ids: KeyIds, store: ShardStore) -> None:
        self.number = number
        self.owner = owner
        self.position, self.last = claim
        self.key_ids = key_ids
        self.closed = asyncio.Event()
        self.progress_at = monotonic()
        self.named = len(key_ids)
        self._store = store

    async def commit(self, write_set: WriteSet, read: Position | None = None) -> None:
        """Write it, and that these topics were read so far. Raises Fenced, and GivenUp once closed."""
        [refused] = await commit_together(self._store, [Planned(self, [write_set], read or {})])
        if refused:
            raise refused

    def chain(self, write_sets: Sequence[WriteSet], read: Position) -> list[ShardCommit]:
        """The commits that write these next, one after the other."""
        names = [secrets.token_hex(COMMIT_LENGTH // 2) for _ in write_sets]
        position, last = self.position, self.last or ""
        named, keys = self.named, self.key_ids.pack(self.named)
        found = []
        for number, (name, write_set) in enumerate(zip(names, write_sets, strict=True), start=1):
            then = position | read if number == len(names) else position
            commit = Commit(name, last, position, then, named, keys, names[number:])
            found.append(ShardCommit(self.number, self.owner, commit, write_set))
            position, last, named, keys = then, name, named + len(keys), []
        return found

    def done(self, commit: Commit) -> None:
        """Redis has it."""
        self.position, self.last = commit.position, commit.name
        self.named += len(commit.names)
        self.progress_at = monotonic()

    async def field(self, name: str) -> str | None:
        """A field of the shard's state in Redis."""
        return await self.retry(f"read {name}", lambda: self._store.field(self.number, name))

    async def retry(self, what: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Raises Fenced when what was read is another owner's, and GivenUp once closed."""
        try:
            return await retrying(f"shard {self.number}: {what}", attempt, self.closed)
        except NotTheOwner:
            raise Fenced("owner") from None


async def commit_together(store: ShardStore, planned: Sequence[Planned]) -> list[Fenced | GivenUp | None]:
    """Commit to several shards in one round trip; for each, why it was not committed to the end, if it was not.

    Each write set is written atomically by itself, and tried until Redis answers or the shard is closed. Those of a
    shard are sent without waiting for the ones before: so Redis writes while another pass is folded. It refuses what
    does not follow what it has.
    """
    owners = {each.commits.number: each.commits for each in planned}
    chains = {each.commits.number: each.commits.chain(each.write_sets, each.read) for each in planned}
    waiting = {number: deque(chain) for number, chain in chains.items() if chain}
    failed: dict[int, Fenced | GivenUp] = {}

    async def attempt() -> None:
        asked = [
            commit for number, chain in waiting.items() if not owners[number].closed.is_set() for commit in chain
        ]
        trouble: Exception | None = None
        behind: set[int] = set()
        for commit, answer in zip(asked, await store.commit_all(asked), strict=True):
            number = commit.shard
            if number in behind:  # one that was not written
                continue
            if isinstance(answer, Exception):
                trouble = answer
                behind.add(number)
            elif answer in ("owner", "position"):
                COMMITS_REFUSED.inc()
                failed[number] = Fenced(answer)
                behind.add(number)
                del waiting[number]
            else:
                owners[number].done(commit.commit)
                waiting[number].popleft()
        if trouble:
            raise trouble

    began = monotonic()
    with suppress(GivenUp):
        await retrying(
            f"commit to shards {', '.join(map(str, waiting))}",
            attempt,
            AllSet([each.closed for each in owners.values()]),
        )
    for chain in chains.values():  # each took as long as all
        for _ in chain:
            COMMIT_SECONDS.observe((monotonic() - began) / len(chain))
    failed |= {number: GivenUp(f"shard {number}: commit") for number, chain in waiting.items() if chain}
    return [failed.get(number) for number in owners]


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

"""The commits of a shard: where they stand, and the way to the next, together with those of other shards."""

from __future__ import annotations

import asyncio
import secrets
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
    """Everything here is what Redis has; one commit is in flight at most.

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

    def next(self, write_set: WriteSet, read: Position) -> ShardCommit:
        """The commit that writes this next."""
        name = secrets.token_hex(COMMIT_LENGTH // 2)
        position, names = self.position | read, self.key_ids.pack(self.named)
        commit = Commit(name, self.last or "", self.position, position, self.named, names)
        return ShardCommit(self.number, self.owner, commit, write_set)

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
    """Commit to several shards in as few round trips as there are write sets for one of them; for each, why it was
    not committed to the end, if it was not.

    Each write set is written atomically by itself, and tried until Redis answers or the shard is closed.
    """
    failed: dict[int, Fenced | GivenUp] = {}
    for step in range(max((len(each.write_sets) for each in planned), default=0)):
        now = {
            each.commits: each.commits.next(
                each.write_sets[step], each.read if step == len(each.write_sets) - 1 else {}
            )
            for each in planned
            if step < len(each.write_sets) and each.commits.number not in failed
        }
        failed |= await _write(store, now)
    return [failed.get(each.commits.number) for each in planned]


async def _write(store: ShardStore, next_: Mapping[Commits, ShardCommit]) -> dict[int, Fenced | GivenUp]:
    """One commit of each of these shards; why it was not written, where it was not."""
    owners = {each.number: each for each in next_}
    waiting = {each.number: commit for each, commit in next_.items()}
    failed: dict[int, Fenced | GivenUp] = {}

    async def attempt() -> None:
        asked = [commit for number, commit in waiting.items() if not owners[number].closed.is_set()]
        trouble: Exception | None = None
        for number, answer in (await store.commit_all(asked) if asked else {}).items():
            if isinstance(answer, Exception):
                trouble = answer
                continue
            written = waiting.pop(number)
            if answer in ("owner", "position"):
                COMMITS_REFUSED.inc()
                failed[number] = Fenced(answer)
            else:
                owners[number].done(written.commit)
        if trouble:
            raise trouble

    began = monotonic()
    with suppress(GivenUp):
        await retrying(
            f"commit to shards {', '.join(map(str, waiting))}", attempt, AllSet([each.closed for each in next_])
        )
    for _ in next_:  # each took as long as all
        COMMIT_SECONDS.observe(monotonic() - began)
    return failed | {number: GivenUp(f"shard {number}: commit") for number in waiting}


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

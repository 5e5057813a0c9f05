"""A story: events are emitted, things happen to the stack, and every number equals the recount in the end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
from redis import Redis

from stream.embedded import Child
from stream.store.keys import Keys
from tests.events import Event, history
from tests.recount import Sample, Value, compare, recount
from tests.stack.command import Assidu
from tests.stack.service import Service
from tests.stack.waiting import eventually

# Wall clock, yet the same history in every run: it only moves by whole days.
NEWEST = datetime.combine(datetime.now(UTC).date(), time(12), UTC) - timedelta(days=1)
SOON = NEWEST + timedelta(minutes=1)
DAYS_LATER = NEWEST + timedelta(days=4, hours=7)


class Story:
    """One deployment from its empty topics on. `emitted` is what it ought to have counted."""

    def __init__(self, assidu: Assidu) -> None:
        self.assidu = assidu
        self.settings = assidu.settings
        self.emitted: list[Event] = []
        self._redis = Redis.from_url(self.settings.redis)
        self._keys = Keys(self.settings.namespace)
        self._files = 0
        done = assidu.run("topics")
        assert done.returncode == 0, done.stderr

    def history(self, count: int, seed: int = 1, **shape: Any) -> list[Event]:
        return history(seed, count, NEWEST, **shape)

    # What happens

    def emit(self, events: Iterable[Event]) -> None:
        """Emit them and wait until Kafka has all."""
        done = self.assidu.run("emit", self._write(events))
        assert done.returncode == 0, done.stderr

    def begin_to_emit(self, events: Sequence[Event]) -> Child:
        """Emit them in the background."""
        return self.assidu.start("emit", self._write(events))

    def worker(self, **changed: object) -> Service:
        return self._serve("worker", **changed)

    def exporter(self, **changed: object) -> Service:
        return self._serve("exporter", exporter_port=0, **changed)

    # What is to be seen

    def settle(self, within_seconds: float = 60) -> None:
        """Wait until everything that was emitted is folded."""
        done = self.assidu.run(
            "status", "--wait", str(within_seconds), "--format", "json", within_seconds=within_seconds + 30
        )
        assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"

    def folded(self) -> int:
        """Records committed so far, as Redis's positions say."""
        return sum(sum(position.values()) for position in self.positions().values())

    def positions(self) -> dict[int, dict[str, int]]:
        packed = {shard: self.state(shard).get("position", "{}") for shard in range(self.settings.partitions)}
        return {shard: msgspec.json.decode(text, type=dict[str, int]) for shard, text in packed.items()}

    def state(self, shard: int) -> dict[str, str]:
        """What Redis has of a shard."""
        fields: Any = self._redis.hgetall(self._keys.shard(shard).state)
        return {name.decode(): text.decode() for name, text in fields.items()}

    def owners(self) -> dict[int, str | None]:
        return {shard: self.state(shard).get("owner") for shard in range(self.settings.partitions)}

    def counter(self, name: str) -> int:
        """A plain counter, such as "repeats", over all shards."""
        return sum(int(self.state(shard).get(f"c:{name}", 0)) for shard in range(self.settings.partitions))

    def wait_until_mid_stream(self, before: int, within_seconds: float = 60) -> None:
        """Until something was committed after `before` records, and not everything that was emitted."""
        folded = eventually(
            lambda: now if (now := self.folded()) > before else None, within_seconds, f"a commit after {before} records"
        )
        assert folded < len(self.emitted), "it was too fast: emit more, to be in mid-stream"

    def report(self, at: datetime) -> dict[str, Any]:
        done = self.assidu.run("report", "--at", at.isoformat(), "--format", "json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def recount(self, at: datetime) -> dict[Sample, Value]:
        return recount(self.emitted, at, self.settings.zone)

    def assert_equals_the_recount(self, *moments: datetime) -> None:
        """`assidu report` reads what the recount reads, soon after the newest event and days later."""
        for at in moments or (SOON, DAYS_LATER):
            differences = compare(self.report(at), self.recount(at))
            assert not differences, f"at {at}, {len(differences)} differences:\n" + "\n".join(differences[:40])

    def _write(self, events: Iterable[Event]) -> str:
        events = list(events)
        self.emitted += events
        self._files += 1
        file = self.assidu.folder / f"events-{self._files}.jsonl"
        file.write_text("".join(f"{json.dumps(event)}\n" for event in events))
        return str(file)

    def _serve(self, command: str, **changed: object) -> Service:
        service = Service(self.assidu.start(command, **changed))
        service.wait_until_serving()
        return service

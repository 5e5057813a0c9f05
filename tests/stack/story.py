"""A story: events are emitted, things happen to the stack, and every number equals the recount in the end."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.structs import RecordMetadata
from redis import Redis

from stream.demo.embedded import Child
from stream.runtime.secret import SecretUrl
from stream.store.keys import Keys
from tests.events import Event, history
from tests.recount import Sample, Value, compare, recount
from tests.recount.churn_risk import DEFAULTS
from tests.stack.command import Assidu
from tests.stack.reading import records
from tests.stack.sending import KafkaRecord, send
from tests.stack.service import Service
from tests.stack.waiting import eventually

# Wall clock, yet the same history in every run: it only moves by whole days.
NEWEST = datetime.combine(datetime.now(UTC).date(), time(12), UTC) - timedelta(days=1)
SOON = NEWEST + timedelta(minutes=1)
DAYS_LATER = NEWEST + timedelta(days=4, hours=7)

QUIET_SECONDS = 2.5
"""Longer than it takes a worker to look at its customers twice, and to try to send once more."""

# Dead workers are noticed soon, and groups form soon.
IMPATIENT = {"kafka_session_timeout": 3, "kafka_rebalance_timeout": 2}


class Story:
    """One deployment from its empty topics on, with some settings changed. `emitted` is what ought to count."""

    def __init__(self, assidu: Assidu, **changed: object) -> None:
        self.assidu = assidu
        self.change(**{**IMPATIENT, **changed})
        self.emitted: list[Event] = []
        self.coefficients: Mapping[str, float] = DEFAULTS
        self._redis = Redis.from_url(self.settings.redis.get_secret_value())
        self._files = 0
        self._emitting: list[Child] = []
        self._go_on = threading.Event()
        done = assidu.run("topics")
        assert done.returncode == 0, done.stderr

    def change(self, **changed: object) -> None:
        """From now on, the deployment has other settings."""
        given = {name: SecretUrl(str(value)) if name == "redis" else value for name, value in changed.items()}
        self.settings = self.assidu.settings = self.assidu.settings.model_copy(update=given)
        self._keys = Keys(self.settings.namespace)

    def history(self, count: int, seed: int = 1, newest: datetime = NEWEST, **shape: Any) -> list[Event]:
        return history(seed, count, newest, **shape)

    # What happens

    def emit(self, events: Iterable[Event]) -> None:
        """Emit them and wait until Kafka has all."""
        done = self.assidu.run("emit", self._write(events))
        assert done.returncode == 0, done.stderr

    def begin_to_emit(self, events: Iterable[Event]) -> None:
        """Emit them in the background: half of them now, and the rest once the test is in mid-stream or settles."""
        self._go_on.set()
        self._go_on = threading.Event()
        lines, pipe = self._lines(events), self._next_file()
        os.mkfifo(pipe)
        self._emitting.append(self.assidu.start("emit", str(pipe)))
        threading.Thread(target=_feed, args=(pipe, lines, self._go_on), daemon=True).start()

    def send(
        self, records: Iterable[KafkaRecord], counting: Iterable[Event] = (), **options: Any
    ) -> list[RecordMetadata]:
        """Send records past the emitter; `counting` are the events in them that ought to count, `options` are the
        producer's."""
        self.emitted += counting
        return asyncio.run(send(self.settings, records, **options))

    def worker(self, **changed: object) -> Service:
        return self._serve("worker", **changed)

    def exporter(self, **changed: object) -> Service:
        return self._serve("exporter", exporter_port=0, **changed)

    def collector(self, **changed: object) -> Service:
        return self._serve("collector", collector_port=0, **changed)

    def let_time_pass(self, until: datetime) -> None:
        """By the event clock, while no worker is there to read an event: as the wall clock does."""
        newest_ms = int(until.timestamp() * 1000)
        self._redis.hset(self._keys.shard(0).state, "newest_ms", newest_ms)

    # What is to be seen

    def newest(self) -> datetime:
        """The newest event that was emitted."""
        return max(datetime.fromisoformat(event["timestamp"]) for event in self.emitted)

    def settle(self, within_seconds: float = 60) -> None:
        """Wait until everything that was emitted is folded."""
        self._go_on.set()
        while self._emitting:
            assert self._emitting.pop().process.wait(within_seconds) == 0
        done = self.assidu.run(
            "status", "--wait", str(within_seconds), "--format", "json", within_seconds=within_seconds + 30
        )
        assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"

    def folded(self) -> int:
        """Kafka records committed so far, as Redis's positions say."""
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

    def dead_letters(self, count: int) -> list[dict[str, Any]]:
        """All of them, once there are so many; the test fails on more. Settle first: they are written before the
        commit, so none comes later (and only a worker that died in between leaves any to be written again)."""
        found = asyncio.run(records(self.settings, self.settings.dead_letters, count))
        return [json.loads(record.value) for record in found]

    def churn_risk(self, count: int | None, *, is_all: bool = False) -> list[bytes]:
        """The messages in the topic as they came, once there are so many; the test fails on more (None: any number).

        `is_all`: nothing more may come, either, when everything is folded, told and sent.
        """
        if is_all:
            self.settle()
            eventually(lambda: not self._outboxes(), 30, "the outboxes to be empty")
        quiet = QUIET_SECONDS if is_all else 0
        found = asyncio.run(records(self.settings, self.settings.churn_risk, count, quiet_seconds=quiet))
        return [record.value for record in found]

    def _outboxes(self) -> int:
        """Messages that are waiting there."""
        shards = map(self._keys.shard, range(self.settings.partitions))
        lengths: list[Any] = [self._redis.llen(shard.outbox) for shard in shards]
        return sum(lengths)

    def counter(self, name: str) -> int:
        """A plain counter, such as "repeats", over all shards."""
        return sum(int(self.state(shard).get(f"c:{name}", 0)) for shard in range(self.settings.partitions))

    def wait_until_mid_stream(self, before: int, within_seconds: float = 60) -> None:
        """Until something was committed after `before` records, and not everything that was emitted."""
        self.wait_until_folded(before, within_seconds)
        assert self.folded() < len(self.emitted), "begin_to_emit, to be in mid-stream"
        self._go_on.set()

    def wait_until_folded(self, before: int, within_seconds: float = 60) -> None:
        """Until something was committed after `before` records."""
        eventually(lambda: self.folded() > before, within_seconds, f"a commit after {before} records")

    def report(self, at: datetime) -> dict[str, Any]:
        done = self.assidu.run("report", "--at", at.isoformat(), "--format", "json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def recount(self, at: datetime) -> dict[Sample, Value]:
        return recount(
            self.emitted,
            at,
            self.settings.zone,
            coefficients=self.coefficients,
            **asdict(self.settings.indicators.definitions),
        )

    def assert_equals_the_recount(self, *moments: datetime) -> None:
        """`assidu report` reads what the recount reads, soon after the newest event and days later."""
        for at in moments or (SOON, DAYS_LATER):
            differences = compare(self.report(at), self.recount(at))
            assert not differences, f"at {at}, {len(differences)} differences:\n" + "\n".join(differences[:40])

    def assert_page_equals_the_recount(self, exporter: Service, at: Callable[[], datetime]) -> None:
        """/metrics shows what the recount reads at `at()`, and nothing that is undefined."""
        seen: list[str] = []

        def equal() -> bool:
            page = exporter.engagement()
            defined = {key: value for key, value in self.recount(at()).items() if value is not None}
            seen[:] = compare({"metrics": page}, defined)
            return not seen

        # A page is up to a second old, and the minute may just have turned.
        try:
            eventually(equal, 10, "a page that equals the recount")
        except AssertionError as error:
            error.add_note("\n".join(seen[:40]))
            raise

    def _write(self, events: Iterable[Event]) -> str:
        lines, file = self._lines(events), self._next_file()
        file.write_text("".join(lines))
        return str(file)

    def _lines(self, events: Iterable[Event]) -> list[str]:
        """The events as they are emitted, which ought to count from now on."""
        events = list(events)
        self.emitted += events
        return [f"{json.dumps(event)}\n" for event in events]

    def _next_file(self) -> Path:
        self._files += 1
        return self.assidu.folder / f"events-{self._files}.jsonl"

    def _serve(self, command: str, **changed: object) -> Service:
        service = Service(self.assidu.start(command, **changed))
        service.wait_until_serving()
        return service


def _feed(pipe: Path, lines: list[str], go_on: threading.Event) -> None:
    """Write half of the lines, and the rest when told to."""
    half = len(lines) // 2
    with suppress(BrokenPipeError), pipe.open("w") as open_pipe:
        open_pipe.write("".join(lines[:half]))
        open_pipe.flush()
        go_on.wait()
        open_pipe.write("".join(lines[half:]))

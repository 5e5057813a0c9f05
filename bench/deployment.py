"""One deployment of Assidu on a stack: topics, load, workers that are measured, and what they left in Redis."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from bench.load import Ends, Load
from bench.measuring import Failed, Measured, cpu_seconds, measured
from bench.peers import DONE, Peer
from bench.preload import joined, preload
from bench.progress import Bar
from bench.results import Outcome
from bench.room import Room
from bench.scenarios import Scenario
from bench.stack import Stack, stack
from bench.state import State
from stream.demo.embedded import free_port
from stream.kafka.topics import create_topics
from stream.runtime.pipeline_metrics import BATCH_EVENTS, COMMIT_SECONDS
from stream.settings import Settings
from tests.stack.command import PROGRAM, Assidu

_BARE_SECONDS = 120.0


@asynccontextmanager
async def deployed(
    broker: str, cores: Sequence[int], bar: Bar, settings: Mapping[str, object]
) -> AsyncIterator[Deployment]:
    """A deployment for the length of a `with` block."""
    with stack(broker, cores) as own:
        redis = Redis.from_url(own.redis.url)
        try:
            yield Deployment(own, redis, bar, settings)
        finally:
            await redis.aclose()


class Deployment:
    """Begins with an empty broker and an empty Redis."""

    def __init__(self, stack: Stack, redis: Redis, bar: Bar, settings: Mapping[str, object]) -> None:
        given = {"kafka": stack.kafka.servers, "redis": stack.redis.url, "idempotence": "off", **settings}
        self.settings = Settings(_env_file=None, **given)  # type: ignore[arg-type]
        self.state = State(redis, self.settings)
        self._room = Room(redis, self.settings, self.state)
        self.folder = stack.redis.folder
        self.events = 0
        self._ends: Ends = {}
        self._stack = stack
        self._redis = redis
        self._bar = bar
        self._assidu = Assidu(self.settings, self.folder)

    async def redis_version(self) -> str:
        info = await self._redis.info("server")
        return str(info.get("valkey_version", info["redis_version"]))

    async def send(self, load: Load) -> None:
        if not self._ends:
            await create_topics(self.settings, replication=1)
        with self._stack.everywhere():
            ends = await preload(self.settings, load, self._bar("preloading", load.events), first_id=self.events)
        self._ends = joined(self._ends, ends)
        self.events += load.events

    async def work(
        self, workers: int = 1, after: float = 0.0, program: Sequence[str] = (str(PROGRAM), "worker")
    ) -> tuple[Measured, dict[str, float]]:
        """Workers fold and commit all that was sent and is not committed; their measures are added up.

        Measured is from when the share `after` of it was done. Raises Failed when the numbers are not right.
        """
        before = await self.state.committed()
        waiting = self.events - before
        with ExitStack() as running:
            ports = [free_port() for _ in range(workers)]
            children = [
                running.enter_context(
                    self._stack.running(
                        f"assidu worker {core + 1}",
                        program,
                        self._assidu.environment(worker_port=port),
                        core,
                    )
                )
                for core, port in enumerate(ports)
            ]
            figures = await measured(
                children,
                self.state.committed,
                self.events,
                self._bar("assidu", waiting),
                before=before,
                after=before + int(after * waiting),
            )
            samples = Counter[str]()
            for port in ports:
                samples.update(await self._samples(port))
        await self.state.check(self._ends)
        return figures, dict(samples)

    async def _samples(self, port: int) -> dict[str, float]:
        """Samples without labels of a worker's own metrics."""
        url = f"http://{self.settings.bind}:{port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            families = text_string_to_metric_families(await answer.text())
            return {
                sample.name: sample.value for family in families for sample in family.samples if not sample.labels
            }

    async def outcome(self, scenario: Scenario) -> Outcome:
        """The scenario from its first event to what it leaves in Redis."""
        if scenario.before:
            await self.send(scenario.before)
            await self.work()
        await self.send(scenario.load)
        before, kafka = await self.state.cpu_seconds(), [self._stack.kafka.process]
        kafka_before = cpu_seconds(kafka)
        figures, samples = await self.work(scenario.workers, scenario.after)
        redis_cpu_seconds = await self.state.cpu_seconds() - before
        kafka_cpu_seconds = cpu_seconds(kafka) - kafka_before
        return Outcome(
            title=scenario.title,
            measured=figures,
            events=self.events,
            commits=int(samples[COMMIT_SECONDS.count]),
            committed_events=int(samples[BATCH_EVENTS.sum]),
            commit_seconds=samples[COMMIT_SECONDS.sum],
            customers=await self.state.customers(),
            customer_bytes=await self.state.customer_bytes(),
            visit_bytes=await self._room.visit_bytes(),
            id_bytes=await self._room.id_bytes(),
            timer_bytes=await self._room.timer_bytes(),
            redis_cpu_seconds=redis_cpu_seconds,
            kafka_cpu_seconds=kafka_cpu_seconds,
        )

    async def bare(self, command: list[str], events: int) -> Measured:
        """What the bare consumer says of itself; it has no Redis to be watched in."""
        with self._stack.running("bare consumer", [*command, str(events)], self._assidu.environment()) as child:
            await asyncio.to_thread(child.process.wait, _BARE_SECONDS)
        if child.process.returncode != 0:
            raise Failed(f"the bare consumer ended:\n{child.log_tail()}")
        self._bar("bare consumer", events)(events)
        return msgspec.json.decode(child.log_tail(1), type=Measured)

    async def beside(self, name: str, peer: Peer, seconds: float) -> Measured:
        """A peer on the same topics, for so long at most; it finds an empty Redis."""

        async def done() -> int:
            return int(await self._redis.get(DONE) or 0)

        await self._redis.flushall()
        with self._stack.running(name, peer.command, self._assidu.environment()) as child:
            bar = self._bar(peer.title, self.events)
            return await measured([child], done, self.events, bar, most_seconds=seconds)

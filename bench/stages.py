"""Where each microsecond of an event goes: a worker whose stages are timed, run on a load of its own.

`python -m bench.stages` measures and prints; `python -m bench.stages --timed FILE` is the worker it measures, which
writes what each stage took when it is told to stop.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator
from importlib import import_module
from pathlib import Path
from runpy import run_path
from time import process_time, thread_time
from typing import Any, NamedTuple

import click
import msgspec

from bench.deployment import Deployment, deployed
from bench.load import Load
from bench.measuring import Failed
from bench.page import stages_table
from bench.progress import bars
from bench.stack import BROKERS, best_broker, leave_one_core
from stream.indicators.catalogue import RECORD
from stream.runtime.errors import UserError
from tests.stack.command import PROGRAM


class Stage(NamedTuple):
    """`callables` are timed, as "module:attribute" or "module:Class.method"."""

    name: str
    callables: tuple[str, ...]


MEMORIES_MERGED = tuple(f"{slot.memory.__module__}:{slot.memory.__qualname__}.merge" for slot in RECORD.slots)

STAGES = (
    Stage(
        "fetch: ask and parse",
        ("aiokafka.consumer.fetcher:Fetcher._proc_fetch_request", "aiokafka.conn:AIOKafkaConnection._handle_frame"),
    ),
    Stage("fetch: unpack", ("aiokafka.consumer.fetcher:FetchResult.getall",)),
    Stage("decode", ("stream.worker.steps:decode",)),
    Stage("admit", ("stream.worker.steps:admit",)),
    Stage(
        "dedupe",
        (
            "stream.worker.hot:HotState.load_windows",
            "stream.worker.steps:drop_repeats",
            "stream.worker.steps:counted",
        ),
    ),
    Stage("load: event columns", ("stream.worker.steps:columns_of",)),
    Stage(
        "load: places of products and labels",
        ("stream.store.labels:LabelBook.learn", "stream.store.labels:ProductBook.learn"),
    ),
    Stage("load: records", ("stream.worker.steps:Pass._records",)),
    Stage("fold: unpack records", ("stream.core.record:Layout.unpacked",)),
    Stage("fold: merge memories", MEMORIES_MERGED),
    Stage("fold: what changed", ("stream.worker.steps:fold",)),
    Stage("fold: pack records", ("stream.core.record:Layout.packed",)),
    Stage("commit: write sets", ("stream.worker.steps:Pass._commit", "stream.worker.steps:by_shard")),
    Stage("commit: ask Redis", ("stream.store.shard:ShardStore.commit_all",)),
    Stage("remember", ("stream.worker.shard:Shard.remember",)),
    Stage("remember: compact", ("stream.store.shard:ShardStore.compact",)),
    Stage("in between", ("stream.worker.pipeline:Pipeline._pass",)),
)
REST = "the rest: reading sockets, event loops, Faust, start"


class _Inner(threading.local):
    """What the stages took that ran within the present one: the consumer has a thread of its own."""

    seconds = 0.0


class Times:
    """CPU seconds of each stage, and of the whole process since the first of them began.

    A stage within another one counts for itself only.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = _Inner()
        self._began: float | None = None

    def begin(self) -> tuple[float, float]:
        """What `end` wants to be given back."""
        if self._began is None:
            self._began = process_time()
        before, self._inner.seconds = self._inner.seconds, 0.0
        return before, thread_time()

    def end(self, stage: str, begun: tuple[float, float]) -> None:
        before, start = begun
        took = thread_time() - start
        self.seconds[stage] += took - self._inner.seconds
        self._inner.seconds = before + took

    def all_together(self) -> dict[str, float]:
        """With what belongs to no stage as one more."""
        whole = 0.0 if self._began is None else process_time() - self._began
        return {**self.seconds, REST: whole - sum(self.seconds.values())}


class Steps:
    """A coroutine whose own steps are timed, and not what runs while it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], stage: str, times: Times) -> None:
        self._coroutine = coroutine
        self._stage = stage
        self._times = times

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = functools.partial(self._coroutine.send, None)
        while True:
            begun = self._times.begin()
            try:
                waited_for = step()
            except StopIteration as done:
                return done.value
            finally:
                self._times.end(self._stage, begun)
            try:
                step = functools.partial(self._coroutine.send, (yield waited_for))
            except BaseException as error:  # such as a cancellation: the coroutine's to deal with
                step = functools.partial(self._coroutine.throw, error)


def timed(function: Callable[..., Any], stage: str, times: Times) -> Callable[..., Any]:
    """The function, adding the time of each call to its stage."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wait(*arguments: Any, **named: Any) -> Any:
            return await Steps(function(*arguments, **named), stage, times)

        return wait

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        begun = times.begin()
        try:
            return function(*arguments, **named)
        finally:
            times.end(stage, begun)

    return call


def found(place: str) -> tuple[Any, str]:
    """The module or class that has the callable, and its name there."""
    module, _, attributes = place.partition(":")
    *owners, name = attributes.split(".")
    return functools.reduce(getattr, owners, import_module(module)), name


def time_all(stages: tuple[Stage, ...]) -> Times:
    """From now on the stages are timed in this process."""
    times = Times()
    for stage in stages:
        for owner, name in map(found, stage.callables):
            setattr(owner, name, timed(getattr(owner, name), stage.name, times))
    return times


def timed_worker(file: Path) -> None:
    """`assidu worker` until it is told to stop."""
    times = time_all(STAGES)
    sys.argv = [str(PROGRAM), "worker"]
    try:
        run_path(sys.argv[0], run_name="__main__")
    finally:
        file.write_bytes(msgspec.json.encode(times.all_together()))


async def profile(deployment: Deployment, load: Load) -> dict[str, float]:
    """Stage -> microseconds of CPU an event."""
    file = deployment.folder / "stages.json"
    await deployment.send(load)
    await deployment.work(program=[sys.executable, "-m", "bench.stages", "--timed", str(file)])
    seconds = msgspec.json.decode(file.read_bytes(), type=dict[str, float])
    return {name: seconds.get(name, 0.0) / load.events * 1e6 for name in (*(stage.name for stage in STAGES), REST)}


async def run(broker: str, load: Load) -> dict[str, float]:
    with bars() as bar:
        async with deployed(broker, leave_one_core(), bar, {}) as deployment:
            return await profile(deployment, load)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), help="[default: apache where it is, else embedded]")
@click.option("--events", type=click.IntRange(min=10_000), default=500_000, show_default=True)
@click.option("--customers", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--timed", "file", type=click.Path(path_type=Path), hidden=True)
def main(broker: str | None, events: int, customers: int, file: Path | None) -> None:
    """Print where the worker's time goes; keeps nothing."""
    if file:
        timed_worker(file)
        return
    try:
        click.echo(stages_table(asyncio.run(run(broker or best_broker(), Load(events, customers)))))
    except (Failed, UserError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

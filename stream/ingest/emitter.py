"""The emitter for products: sends events to Kafka from a thread of its own, and never lets the product wait."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import uuid4

import msgspec

from schemas import Event, Rejected
from schemas.event_methods import EventMethods
from stream.ingest.checking import Accepted, check
from stream.ingest.emitting.drops import CLOSED, QUEUE_FULL, Dropped, Drops, OnDrop
from stream.ingest.emitting.pump import Pump
from stream.ingest.emitting.spool import Spool
from stream.settings import Settings, read_settings

__all__ = ["AsyncEmitter", "Counts", "Dropped", "Emitter"]

MEBIBYTE = 1024 * 1024
_SETTLE_SECONDS, _END_SECONDS = 10.0, 1.0


class Counts(NamedTuple):
    """acknowledged  events that Kafka has taken, those left in the spool by another process among them
    waiting       events that were emitted and Kafka has not taken yet
    spool_bytes   on disk
    dropped       events that are lost, by reason
    """

    acknowledged: int
    waiting: int
    spool_bytes: int
    dropped: Mapping[str, int]


class _Running:
    """The thread of one process, and what it works on."""

    def __init__(
        self, settings: Settings, most_bytes: int, spool: Path | None, spool_bytes: int, drops: Drops
    ) -> None:
        self.pid = os.getpid()
        self.drops = drops
        self.spool = None if spool is None else Spool(spool, spool_bytes)
        self.pump = Pump(settings, most_bytes, self.spool, drops)
        self.thread = threading.Thread(target=self.pump.run, name="assidu-emitter", daemon=True)
        self.thread.start()


class _Emitting(EventMethods):
    """What both emitters are."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        product: str | None = None,
        channel: str | None = None,
        queue_bytes: int = 16 * MEBIBYTE,
        spool: str | Path | None = None,
        spool_bytes: int = 256 * MEBIBYTE,
        on_drop: OnDrop | None = None,
    ) -> None:
        self._settings = settings or read_settings()
        self._defaults = {"product": product, "channel": channel}
        self._queue_bytes = queue_bytes
        self._spool = None if spool is None else Path(spool)
        self._spool_bytes = spool_bytes
        self._on_drop = on_drop
        self._starting = threading.Lock()
        self._is_closed = False
        self._running = self._start()
        atexit.register(self._close, 5.0)

    def emit(self, event: Mapping[str, object] | Event) -> str | None:
        """Take an event on its way, and return its event_id; None where it was dropped.

        Returns at once. What is missing is added: event_id, timestamp (now), the emitter's product and channel. An
        event that breaks the contract, or finds no room, is counted as dropped, logged, and told to `on_drop`.
        """
        fields = dict(event) if isinstance(event, Mapping) else msgspec.to_builtins(event)
        fields = {name: value for name, value in (self._defaults | fields).items() if value is not None}
        fields.setdefault("event_id", uuid4().hex)
        fields.setdefault("timestamp", datetime.now(UTC))
        outcome = _checked(fields)
        running = self._in_this_process()
        if isinstance(outcome, Rejected):
            running.drops.add(Dropped(outcome.reason, outcome.detail))
        elif self._is_closed:
            running.drops.add(Dropped(CLOSED, "emitted after close"))
        elif not running.pump.queue.add(outcome):
            running.drops.add(Dropped(QUEUE_FULL, f"{self._queue_bytes} bytes wait for Kafka already"))
        else:
            return str(fields["event_id"])
        return None

    @property
    def counts(self) -> Counts:
        running = self._running
        return Counts(
            running.pump.acknowledged,
            running.pump.queue.waiting,
            running.spool.bytes if running.spool else 0,
            running.drops.counts(),
        )

    def _start(self) -> _Running:
        return _Running(self._settings, self._queue_bytes, self._spool, self._spool_bytes, Drops(self._on_drop))

    def _in_this_process(self) -> _Running:
        """After a fork the thread is the parent's, and so is what waits."""
        if self._running.pid != os.getpid() and not self._is_closed:
            with self._starting:
                if self._running.pid != os.getpid():
                    if self._running.spool:
                        self._running.spool.close()
                    self._running = self._start()
        return self._running

    def _safe(self) -> Future[None]:
        return self._in_this_process().pump.queue.when_safe()

    def _close(self, timeout: float) -> bool:
        atexit.unregister(self._close)
        if self._is_closed or self._running.pid != os.getpid():
            return True
        self._is_closed = True
        with suppress(NotInTime):
            self._safe().result(timeout)
        pump = self._running.pump
        pump.stop()
        pump.is_settled.wait(_SETTLE_SECONDS)
        self._running.thread.join(_END_SECONDS)
        if self._running.spool:
            self._running.spool.close()
        return not self._running.drops.counts().get(CLOSED)


class Emitter(_Emitting):
    """Sends events to Kafka in the background; for programs of any kind.

        with Emitter(product="shop", spool="/var/lib/shop/events") as emitter:
            emitter.click(user_id="42", element="buy")
            emitter.emit({"type": "login", "user_id": "42"})

    Every type of event has a method with its fields. Nothing waits, and nothing is raised but what `on_drop` raises:
    it is called with what is lost, sometimes by the emitter's thread.

    settings     from ASSIDU_* in the environment, if they are not given
    product      of events that name none; so does `channel`
    queue_bytes  what may wait in memory; when it is full, what is emitted is dropped
    spool        a folder where events wait on disk (fsync) while Kafka does not take them, and survive the process;
                 processes may share it
    spool_bytes  what may wait there

    Raises UserError for settings that are wrong and a spool that cannot be used. May be used by any thread, and in
    children of a fork. At the end of the process it is closed, if it was not before.
    """

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was emitted is safe, in Kafka or in the spool; False after `timeout` seconds."""
        try:
            self._safe().result(timeout)
        except NotInTime:
            return False
        return True

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, store in the spool what is left after `timeout` seconds, and end; False where something was lost."""
        return self._close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncEmitter(_Emitting):
    """The same for asyncio: `emit` and the methods of the types are plain calls, as nothing waits in them.

    async with AsyncEmitter(product="shop") as emitter:
        emitter.click(user_id="42", element="buy")
        await emitter.flush()
    """

    async def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was emitted is safe, in Kafka or in the spool; False after `timeout` seconds."""
        try:
            await asyncio.wait_for(asyncio.wrap_future(self._safe()), timeout)
        except TimeoutError:
            return False
        return True

    async def aclose(self, timeout: float = 5.0) -> bool:
        """Flush, store in the spool what is left after `timeout` seconds, and end; False where something was lost."""
        return await asyncio.to_thread(self._close, timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _checked(fields: Mapping[str, object]) -> Accepted | Rejected:
    try:
        return check(msgspec.json.encode(fields))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:  # also UnicodeEncodeError
        return Rejected("wrong_type", f"not to be written as JSON: {error}")

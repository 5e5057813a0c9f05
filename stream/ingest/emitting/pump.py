"""The pump: sends the queue to Kafka in order, and stores it in the spool while Kafka does not take it."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress

from aiokafka.errors import KafkaError

from stream.ingest.checking import Accepted
from stream.ingest.emitting.drops import CLOSED, REFUSED, Dropped, Drops
from stream.ingest.emitting.queue import Chunk, Queue
from stream.ingest.emitting.spool import Spool, size_of
from stream.ingest.event_producer import EventProducer
from stream.kafka.errors import Remedy, remedy
from stream.runtime.errors import UserError
from stream.settings import Settings

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10.0
"""Without an acknowledgement for so long, the connection is given up, and what waits for one is sent again."""
_STUCK_SECONDS = 1.0
"""Without one for so long, what waits is stored."""
_GATHER_SECONDS = 0.05
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class Pump:
    """`run` it in a thread of its own; `acknowledged` counts the events that Kafka has taken."""

    def __init__(self, settings: Settings, most_bytes: int, spool: Spool | None, drops: Drops) -> None:
        self.acknowledged = 0
        self.queue = Queue(most_bytes, self._wake)
        self.is_settled = threading.Event()
        """Once it was stopped: what is left is stored, or given up and counted."""
        self._settings = settings
        self._spool = spool
        self._drops = drops
        self._loop = asyncio.new_event_loop()
        self._stopped, self._added, self._unstored = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_away = False
        self._is_full = False
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        for file in spool.leftovers if spool else ():
            self.queue.add_leftover(file)

    def run(self) -> None:
        """Until `stop`."""
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self.is_settled.set()
            self._loop.close()

    def stop(self) -> None:
        """From any thread, once."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    def _wake(self) -> None:
        with suppress(RuntimeError):  # it has ended meanwhile
            self._loop.call_soon_threadsafe(self._note_added)

    def _note_added(self) -> None:
        self._added.set()
        self._unstored.set()

    async def _run(self) -> None:
        tasks = [asyncio.create_task(self._send_all())]
        if self._spool is not None:
            tasks.append(asyncio.create_task(self._store_what_is_stuck(self._spool)))
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._settle()
            for task in (stopped, *tasks):
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    log.error("the emitter has failed and sends nothing any more", exc_info=result)

    def _settle(self) -> None:
        if self._spool is not None:
            self._store(self._spool)
        if lost := self.queue.give_up():
            self._drops.add_quietly(Dropped(CLOSED, "not sent when the emitter was closed", lost))
        self.is_settled.set()

    # Sending

    async def _send_all(self) -> None:
        while True:
            try:
                async with EventProducer(self._settings, patience_seconds=_PATIENCE_SECONDS) as producer:
                    while True:
                        await self._send(producer, await self._next())
            except (KafkaError, UserError, OSError) as error:
                self._note_away(error)
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    async def _next(self) -> Chunk:
        while (chunk := self.queue.first()) is None:
            self._added.clear()
            await self._added.wait()
        return chunk

    async def _send(self, producer: EventProducer, chunk: Chunk) -> None:
        """Returns when all of it is answered. Raises KafkaError when what is left of it is to be sent again."""
        events = chunk.events or (self._spool.read(chunk.file) if chunk.file and self._spool else [])
        while group := events[chunk.answered :][: chunk.at_once]:
            try:
                await producer.send_many(group)
                await producer.flush()
            except KafkaError as error:
                if remedy(error) is Remedy.SHORTER:
                    self._narrow_down(chunk, group, error)
                raise
            self.acknowledged += len(group)
            chunk.answered += len(group)
            chunk.at_once = chunk.at_once and 2 * len(group)
        self.queue.remove_first()
        if chunk.file is not None and self._spool is not None:
            self._spool.delete(chunk.file)
        self._note_back()

    def _narrow_down(self, chunk: Chunk, group: list[Accepted], error: KafkaError) -> None:
        """One of the group is too large for its topic: find it, and give it up."""
        if len(group) > 1:
            chunk.at_once = len(group) // 2
            return
        self._drops.add_quietly(Dropped(REFUSED, f"Kafka does not take {size_of(group[0])} bytes: {error}"))
        chunk.answered += 1

    def _note_away(self, error: Exception) -> None:
        if isinstance(error, KafkaError) and remedy(error) is Remedy.SHORTER:
            self._pause_seconds = _FIRST_PAUSE_SECONDS
            return
        if not self._is_away:
            where = "in memory" if self._spool is None else f"in {self._spool.folder}"
            log.warning("events wait %s: %s", where, str(error) or type(error).__name__)
        self._is_away = True

    def _note_back(self) -> None:
        if self._is_away:
            log.warning("Kafka takes events again")
        self._is_away = self._is_full = False
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    # Storing

    async def _store_what_is_stuck(self, spool: Spool) -> None:
        while True:
            while not self.queue.has_unstored:
                self._unstored.clear()
                await self._unstored.wait()
            if not self._is_away:
                removed = self.queue.removed
                await asyncio.sleep(_STUCK_SECONDS)
                if self.queue.removed != removed and not self._is_away:
                    continue
            # Events that come one after the other share a write.
            await asyncio.sleep(_GATHER_SECONDS if self._store(spool) else _STUCK_SECONDS)

    def _store(self, spool: Spool) -> bool:
        """All that is in memory only; False where the spool does not take it."""
        for chunk, events in self.queue.unstored():
            if not spool.has_room(sum(map(size_of, events))):
                self._note_full(f"the spool {spool.folder} is full")
                return False
            if chunk.file is None:
                chunk.file = spool.new_file()
            try:
                spool.append(chunk.file, events)
            except OSError as error:
                self._note_full(f"the spool {spool.folder} cannot be written: {error.strerror}")
                return False
            self.queue.note_stored(chunk, len(events))
        return True

    def _note_full(self, why: str) -> None:
        if not self._is_full:
            log.error("%s: events wait in memory only", why)
        self._is_full = True

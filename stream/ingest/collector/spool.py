"""The spool: events on disk while Kafka is away, in a folder of the collector's own."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from stream.ingest.event_producer import Message
from stream.ingest.spool_file import SpoolFile, framed
from stream.runtime.errors import UserError

log = structlog.get_logger()

_SEGMENT_BYTES = 1024 * 1024

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


class SpoolFull(Exception):
    """Nothing of it was written: the spool is at its bound, or the disk takes no more."""


class Spool:
    """Events in the order they came, in segments: files of a mebibyte or so, drained and deleted one by one.

    `append` returns once the events are on disk (fsync); those that come meanwhile share the next one. What a crash
    cut short was never acknowledged. A segment is drained as a whole: after a crash in between it comes again, and
    its events are told to be repeats by their ids. `here` is set while there is something to drain.
    """

    def __init__(self, folder: str, most_bytes: int) -> None:
        self.here = asyncio.Event()
        self.bytes = 0
        self._folder = Path(folder)
        self._most_bytes = most_bytes
        self._segments: list[SpoolFile] = []
        self._filling: SpoolFile | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._writing = asyncio.Lock()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """With the folder and what is left in it. Raises UserError naming ASSIDU_COLLECTOR_SPOOL."""
        lock = self._locked()
        try:
            self._segments = SpoolFile.all_of(self._folder)
            self.bytes = sum(segment.size for segment in self._segments)
            self._look()
            yield
        finally:
            os.close(lock)

    def _locked(self) -> int:
        what = f"ASSIDU_COLLECTOR_SPOOL={str(self._folder)!r}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise UserError(f"{what}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise UserError(f"{what}: another collector has this folder; give each its own") from None
        return lock

    @property
    def is_full(self) -> bool:
        return self.bytes >= self._most_bytes

    def age_seconds(self) -> float:
        """How old the oldest events are, about; 0 when there are none."""
        return max(0.0, time.time() - self._segments[0].written_at) if self._segments else 0.0

    async def append(self, messages: Sequence[Message]) -> None:
        """Raises SpoolFull."""
        entry = framed(_encode(list(messages)))
        if self.bytes + len(entry) > self._most_bytes:
            raise SpoolFull
        self.bytes += len(entry)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        self._arrived.set()
        await written

    async def run(self) -> None:
        """Write what is appended, until cancelled."""
        while True:
            await self._arrived.wait()
            async with self._writing:
                await self._write()

    async def oldest(self) -> tuple[SpoolFile, list[list[Message]]]:
        """The oldest segment, to which nothing is added any more, and what was appended to it, one by one."""
        await self.here.wait()
        async with self._writing:
            segment = self._segments[0]
            if segment is self._filling:
                self._filling = None
            return segment, await asyncio.to_thread(_read, segment)

    def drained(self, segment: SpoolFile) -> None:
        """Kafka has it."""
        self._segments.remove(segment)
        self.bytes -= segment.size
        segment.delete()
        self._look()

    async def _write(self) -> None:
        self._arrived.clear()
        waiting, self._waiting = self._waiting, []
        entries = [entry for entry, _ in waiting]
        segment = self._segment()
        try:
            await asyncio.to_thread(segment.append, entries)
        except OSError as error:
            log.error("the spool takes no more", folder=str(self._folder), error=error.strerror)
            self.bytes -= sum(map(len, entries))
            self._filling = None  # its end may be half an entry
            for _, written in waiting:
                if not written.done():
                    written.set_exception(SpoolFull())
            return
        if segment not in self._segments:
            self._segments.append(segment)
        self._filling = segment
        for _, written in waiting:
            if not written.done():
                written.set_result(None)
        self._look()

    def _segment(self) -> SpoolFile:
        """To which is added next."""
        if self._filling is not None and self._filling.size < _SEGMENT_BYTES:
            return self._filling
        return SpoolFile.numbered(self._folder, self._segments[-1].number + 1 if self._segments else 0)

    def _look(self) -> None:
        if any(segment.size for segment in self._segments):
            self.here.set()
        else:
            self.here.clear()


def _read(segment: SpoolFile) -> list[list[Message]]:
    return [_decode(entry) for entry in segment.read()]

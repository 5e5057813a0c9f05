"""The queue: events that were emitted and are not acknowledged yet, in order, in memory or in the spool."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from stream.ingest.checking import Accepted
from stream.ingest.emitting.spool import size_of
from stream.ingest.spool_file import SpoolFile

CHUNK_BYTES = 512 * 1024


class Chunk:
    """Events that are sent together, and stand in one file of the spool, if they are there.

    events    those in memory; empty where they are in the file only
    emitted   how many of them were emitted by this process, and not left by one before
    stored    how many of those are in the file
    answered  how many of them Kafka has taken, or refused for good
    at_once   how many are sent together, where Kafka has refused one of them; None: all
    """

    def __init__(self, file: SpoolFile | None = None) -> None:
        self.events: list[Accepted] = []
        self.bytes = 0
        self.emitted = 0
        self.stored = 0
        self.answered = 0
        self.at_once: int | None = None
        self.file = file
        self.is_closed = file is not None


class Queue:
    """Any thread may `add`, and ask `when_safe` and `waiting`; the rest is for the one that sends, which `wake` tells
    that there is something new."""

    def __init__(self, most_bytes: int, wake: Callable[[], object]) -> None:
        self.removed = 0
        """Chunks so far."""
        self._most_bytes = most_bytes
        self._wake = wake
        self._lock = threading.Lock()
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._emitted = 0
        self._answered = 0
        self._stored = 0  # of those that are waiting
        self._asking: list[tuple[int, Future[None]]] = []

    def add(self, event: Accepted) -> bool:
        """False where there is no room for it."""
        size = size_of(event)
        with self._lock:
            if self._bytes + size > self._most_bytes:
                return False
            chunk = self._open_chunk()
            chunk.events.append(event)
            chunk.bytes += size
            chunk.emitted += 1
            self._bytes += size
            self._emitted += 1
            is_new = chunk.emitted - chunk.stored == 1
        if is_new:
            self._wake()
        return True

    def _open_chunk(self) -> Chunk:
        if not self._chunks or self._chunks[-1].is_closed:
            self._chunks.append(Chunk())
        elif self._chunks[-1].bytes >= CHUNK_BYTES:
            self._chunks[-1].is_closed = True
            self._chunks.append(Chunk())
        return self._chunks[-1]

    def add_leftover(self, file: SpoolFile) -> None:
        self._chunks.append(Chunk(file))

    def first(self) -> Chunk | None:
        """The chunk to be sent next; nothing is added to it any more."""
        with self._lock:
            if not self._chunks:
                return None
            self._chunks[0].is_closed = True
            return self._chunks[0]

    def remove_first(self) -> None:
        """All of it is answered."""
        with self._lock:
            chunk = self._chunks.popleft()
            self.removed += 1
            self._bytes -= chunk.bytes
            self._answered += chunk.emitted
            self._stored -= chunk.stored
        self._tell_who_asked()

    @property
    def has_unstored(self) -> bool:
        with self._lock:
            return self._emitted - self._answered > self._stored

    def unstored(self) -> list[tuple[Chunk, list[Accepted]]]:
        """Chunks with those of their events that are in memory only, in order."""
        with self._lock:
            return [(chunk, chunk.events[chunk.stored :]) for chunk in self._chunks if chunk.stored < chunk.emitted]

    def note_stored(self, chunk: Chunk, count: int) -> None:
        """So many more of its events are in its file. What is there and not sent next needs no memory."""
        with self._lock:
            chunk.stored += count
            self._stored += count
            for each in list(self._chunks)[1:]:
                if each.is_closed and each.events and each.stored == each.emitted:
                    self._bytes -= each.bytes
                    each.events, each.bytes = [], 0
        self._tell_who_asked()

    def give_up(self) -> int:
        """Forget what is in memory only; how many events that is."""
        with self._lock:
            lost = 0
            for chunk in self._chunks:
                lost += chunk.emitted - chunk.stored
                chunk.emitted = chunk.stored
            self._answered += lost
        return lost

    def when_safe(self) -> Future[None]:
        """Done once all that was emitted so far is answered or in the spool."""
        safe: Future[None] = Future()
        with self._lock:
            self._asking.append((self._emitted, safe))
        self._tell_who_asked()
        return safe

    @property
    def waiting(self) -> int:
        """Events that were emitted and are not answered yet, those in the spool among them."""
        with self._lock:
            return self._emitted - self._answered

    def _tell_who_asked(self) -> None:
        with self._lock:
            safe = self._answered
            for chunk in self._chunks:
                safe += chunk.stored
                if chunk.stored < chunk.emitted:
                    break
            told = [future for target, future in self._asking if target <= safe]
            self._asking = [(target, future) for target, future in self._asking if target > safe]
        for future in told:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

"""The spool: events on disk that Kafka has not acknowledged yet, in files, oldest first.

Events are appended, each with its length and checksum: whoever is killed in the middle of one leaves a torn end, and
what stands before it is read. What `append` has returned from is on the disk.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from struct import Struct
from zlib import crc32

import msgspec

from stream.ingest.checking import Accepted
from stream.runtime.errors import UserError

log = logging.getLogger(__name__)

_FRAME = Struct(">II")
"""Before each event: how many bytes it has, and their CRC-32."""
_SUFFIX = ".events"
_LOCK = "lock"
_DECODER = msgspec.msgpack.Decoder(Accepted)


class SpoolFile:
    """One file. `size` in bytes; 0: there is none yet."""

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        self.size = size

    def append(self, events: Sequence[Accepted]) -> None:
        """Raises OSError, and then the same is to be appended again."""
        frames = b"".join(map(_framed, events))
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.ftruncate(file, self.size)  # what an attempt that failed has left
            _write(file, frames)
            os.fsync(file)
        finally:
            os.close(file)
        if not self.size:
            _sync_folder(self.path.parent)
        self.size += len(frames)

    def read(self) -> list[Accepted]:
        """Its events up to a torn end."""
        content, at = self.path.read_bytes(), 0
        events = []
        while at + _FRAME.size <= len(content):
            length, checksum = _FRAME.unpack_from(content, at)
            event = content[at + _FRAME.size : at + _FRAME.size + length]
            if len(event) < length or crc32(event) != checksum:
                break
            events.append(_DECODER.decode(event))
            at += _FRAME.size + length
        if at < len(content):
            log.warning(
                "%s: its last %d bytes were not written to the end, and are left out", self.path, len(content) - at
            )
        return events

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


class Spool:
    """A folder within `folder` that no other process has, and what processes that ended have left in theirs.

    Several processes may be given the same `folder`: each takes a part of it. `leftovers` are oldest first. Raises
    UserError where the folder cannot be used.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self._most_bytes = most_bytes
        self._locks: list[int] = []
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            left = [part for part in sorted(folder.iterdir()) if part.is_dir() and self._lock(part)]
            self._own = left[0] if left else self._new_part()
            self.leftovers = [_file_at(path) for part in left for path in sorted(part.glob(f"[0-9]*{_SUFFIX}"))]
        except OSError as error:
            self.close()
            raise UserError(f"the spool {folder} cannot be used: {error.strerror}") from None
        self.bytes = sum(file.size for file in self.leftovers)
        self._numbers = count(1 + max((int(file.path.stem) for file in self.leftovers), default=0))

    def new_file(self) -> SpoolFile:
        """A new one, after all others."""
        return SpoolFile(self._own / f"{next(self._numbers):012d}{_SUFFIX}")

    def has_room(self, more_bytes: int) -> bool:
        return self.bytes + more_bytes <= self._most_bytes

    def append(self, file: SpoolFile, events: Sequence[Accepted]) -> None:
        """Raises OSError, and then the same is to be appended again."""
        before = file.size
        file.append(events)
        self.bytes += file.size - before

    def delete(self, file: SpoolFile) -> None:
        file.delete()
        self.bytes -= file.size

    def close(self) -> None:
        """What is left in it is for the next process."""
        for lock in self._locks:
            os.close(lock)
        self._locks = []

    def _new_part(self) -> Path:
        for number in count():
            part = self.folder / str(number)
            part.mkdir(mode=0o700, exist_ok=True)
            if self._lock(part):
                break
        return part

    def _lock(self, part: Path) -> bool:
        """Unless another process, or another emitter of this one, has it."""
        lock = os.open(part / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._locks.append(lock)
        return True


def size_of(event: Accepted) -> int:
    """Bytes that it takes in a file, about."""
    return len(event.value) + len(event.key or "") + 40


def _file_at(path: Path) -> SpoolFile:
    return SpoolFile(path, path.stat().st_size)


def _framed(event: Accepted) -> bytes:
    packed = msgspec.msgpack.encode(event)
    return _FRAME.pack(len(packed), crc32(packed)) + packed


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    """So that a new file is found after a crash of the machine, too."""
    with suppress(OSError):  # some file systems have no such thing
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""The spool: events on disk that Kafka has not acknowledged yet, in files, oldest first.

Each event is an entry of a file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import msgspec

from stream.ingest.checking import Accepted
from stream.ingest.spool_file import SpoolFile, framed
from stream.runtime.errors import UserError

_LOCK = "lock"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Accepted).decode


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
            self.leftovers = [file for part in left for file in SpoolFile.all_of(part)]
        except OSError as error:
            self.close()
            raise UserError(f"the spool {folder} cannot be used: {error.strerror}") from None
        self.bytes = sum(file.size for file in self.leftovers)
        self._numbers = count(1 + max((file.number for file in self.leftovers), default=0))

    def new_file(self) -> SpoolFile:
        """A new one, after all others."""
        return SpoolFile.numbered(self._own, next(self._numbers))

    def has_room(self, more_bytes: int) -> bool:
        return self.bytes + more_bytes <= self._most_bytes

    def append(self, file: SpoolFile, events: Sequence[Accepted]) -> None:
        """Raises OSError, and then the same is to be appended again."""
        before = file.size
        file.append([framed(_encode(event)) for event in events])
        self.bytes += file.size - before

    def read(self, file: SpoolFile) -> list[Accepted]:
        """Its events, as far as it is not damaged. Raises OSError."""
        return [_decode(entry) for entry in file.read()]

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

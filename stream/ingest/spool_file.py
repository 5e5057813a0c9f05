"""A file of a spool: entries in the order they came, each with its length and a checksum.

What `append` has returned from is on the disk. Whoever is killed in the middle of it leaves a torn end, and what
stands before that is read. Processes that only emit have this, too: no more than the standard library.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Self
from zlib import crc32

log = logging.getLogger(__name__)

_FRAME = Struct(">II")
"""Before each entry: how many bytes it has, and their CRC-32."""
_SUFFIX = ".events"


def framed(entry: bytes) -> bytes:
    """As it stands in a file."""
    return _FRAME.pack(len(entry), crc32(entry)) + entry


class SpoolFile:
    """`size` in bytes, of what was appended; 0: there may be no file yet."""

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        self.size = size

    @classmethod
    def numbered(cls, folder: Path, number: int) -> Self:
        """A new one; its number gives its place among the others."""
        return cls(folder / f"{number:012d}{_SUFFIX}")

    @classmethod
    def all_of(cls, folder: Path) -> list[Self]:
        """Oldest first."""
        return [cls(path, path.stat().st_size) for path in sorted(folder.glob(f"[0-9]*{_SUFFIX}"))]

    @property
    def number(self) -> int:
        return int(self.path.stem)

    @property
    def written_at(self) -> float:
        """When something was appended last, seconds since the epoch."""
        return self.path.stat().st_mtime

    def append(self, entries: Sequence[bytes]) -> None:
        """Of framed ones. Raises OSError, and then none of them counts: the same may be appended again."""
        frames = b"".join(entries)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.ftruncate(file, self.size)  # what an attempt that failed has left
            try:
                _write(file, frames)
                os.fsync(file)
            except OSError:
                with suppress(OSError):  # the disk may take nothing at all any more
                    os.ftruncate(file, self.size)
                raise
        finally:
            os.close(file)
        if not self.size:
            _sync_folder(self.path.parent)
        self.size += len(frames)

    def read(self) -> list[bytes]:
        """Its entries up to where it is damaged, if it is; of the rest a copy stays beside it, and is named."""
        content, at = self.path.read_bytes(), 0
        entries = []
        while at + _FRAME.size <= len(content):
            length, checksum = _FRAME.unpack_from(content, at)
            entry = content[at + _FRAME.size : at + _FRAME.size + length]
            if len(entry) < length or crc32(entry) != checksum:
                break
            entries.append(entry)
            at += _FRAME.size + length
        if at < len(content):
            self._keep_damaged(content[at:])
        return entries

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    def _keep_damaged(self, rest: bytes) -> None:
        # Named by what is in it: read twice it is the same, and the next file of this number does not replace it.
        copy = self.path.with_name(f"{self.path.stem}-{crc32(rest):08x}.damaged")
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write(descriptor, rest)
        finally:
            os.close(descriptor)
        log.error("%s is damaged: its last %d bytes cannot be read, and are kept in %s", self.path, len(rest), copy)


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

"""A segment of the spool: one file of entries, each with its length and a checksum."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from zlib import crc32

import msgspec
import structlog

from stream.ingest.event_producer import Message

log = structlog.get_logger()

_HEAD = struct.Struct(">II")  # length and CRC-32 of what follows
_SUFFIX, _DAMAGED = ".events", ".damaged"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Message]).decode


def encoded(messages: Sequence[Message]) -> bytes:
    """An entry."""
    content = _encode(list(messages))
    return _HEAD.pack(len(content), crc32(content)) + content


class Segment:
    """`number` gives its place among the others, `bytes` is what was written to it, fsync included."""

    def __init__(self, path: Path, number: int, size: int) -> None:
        self.number = number
        self.bytes = size
        self._path = path

    @classmethod
    def create(cls, folder: Path, number: int) -> Self:
        path = folder / f"{number:020d}{_SUFFIX}"
        path.open("xb").close()
        _sync(folder)  # or a crash could forget the file, whatever was synced into it
        return cls(path, number, 0)

    @classmethod
    def all_of(cls, folder: Path) -> list[Self]:
        """Oldest first."""
        return [cls(path, int(path.stem), path.stat().st_size) for path in sorted(folder.glob(f"*{_SUFFIX}"))]

    @property
    def written_at(self) -> float:
        """When something was added last, seconds since the epoch."""
        return self._path.stat().st_mtime

    def append(self, entries: bytes) -> None:
        """Returns when they are on disk. Raises OSError, and what is there of them then is taken back."""
        with self._path.open("r+b", buffering=0) as file:
            file.seek(self.bytes)
            try:
                written = 0
                while written < len(entries):
                    written += file.write(entries[written:])
                os.fsync(file.fileno())
            except OSError:
                file.truncate(self.bytes)
                raise
        self.bytes += len(entries)

    def read(self) -> list[list[Message]]:
        """What was appended, up to where the file is damaged, if it is; then a copy of it stays, and is named."""
        content = self._path.read_bytes()
        found: list[list[Message]] = []
        start = 0
        while start < len(content):
            end = start + _HEAD.size
            if end > len(content):
                break
            length, checksum = _HEAD.unpack(content[start:end])
            entry = content[end : end + length]
            if len(entry) < length or crc32(entry) != checksum:
                break
            found.append(_decode(entry))
            start = end + length
        if start < len(content):
            self._keep_damaged(content, start)
        return found

    def delete(self) -> None:
        self._path.unlink()

    def _keep_damaged(self, content: bytes, start: int) -> None:
        copy = self._path.with_suffix(_DAMAGED)
        copy.write_bytes(content[start:])
        log.error("the spool is damaged: what could not be read is kept", file=str(copy), bytes=len(content) - start)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

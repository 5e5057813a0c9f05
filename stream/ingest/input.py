"""What `assidu emit` reads: a file or standard input, opened once, unpacked and read as UTF-8 as it arrives."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterable
from typing import IO

from stream.ingest.encoding import Utf8
from stream.ingest.unpack import DAMAGED, ZIP, Unpacker, may_be_packed, only_member, unpacker
from stream.runtime.errors import UserError

_CHUNK_BYTES = 256 * 1024


class Input:
    """An open input. Raises UserError where it cannot be read, or its `encoding` is unknown."""

    def __init__(self, path: str, encoding: str | None = None) -> None:
        self.path = "standard input" if path == "-" else path
        self._utf8 = Utf8(self.path, encoding)
        self._unpacker: Unpacker | None = None
        self._member: IO[bytes] | None = None
        try:
            # Standard input by number: sys.stdin may be replaced by something that is not a file.
            self._file = open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-")  # noqa: SIM115
            os.set_blocking(self._file.fileno(), True)  # or an empty pipe would look like its end
            self._start = self._first_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from None
        if self._start.startswith(ZIP):
            self._start, self._member = b"", only_member(self.path, self._file)
        else:
            self._unpacker = unpacker(self.path, self._start)

    def size_bytes(self) -> int | None:
        """The size on disk; None for a pipe or a terminal."""
        status = os.fstat(self._file.fileno())
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read_bytes(self) -> int:
        """How much of `size_bytes` has been read."""
        return self._file.tell()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The text in UTF-8 as it arrives, in pieces of bounded size. Raises UserError where it breaks off."""
        try:
            while chunk := self._read():
                for piece in self._unpacked(chunk):
                    yield self._utf8.feed(piece)
                await self._readable()
            if self._unpacker is not None:
                self._unpacker.end()
        except DAMAGED as error:
            raise UserError(f"{self.path} cannot be read to its end: {error}") from error
        yield self._utf8.end()

    def _first_bytes(self) -> bytes:
        start = self._file.read(_CHUNK_BYTES)
        while may_be_packed(start) and (more := self._file.read(_CHUNK_BYTES)):
            start += more
        return start

    def _read(self) -> bytes:
        if self._member is not None:
            return self._member.read(_CHUNK_BYTES)
        start, self._start = self._start, b""
        return start or self._file.read(_CHUNK_BYTES)

    def _unpacked(self, chunk: bytes) -> Iterable[bytes]:
        return [chunk] if self._unpacker is None else self._unpacker.feed(chunk)

    async def _readable(self) -> None:
        """Let acknowledgements in while a pipe or a terminal has nothing to read."""
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        try:
            loop.add_reader(self._file.fileno(), arrived.set)
        except PermissionError:  # how epoll says "a regular file, always readable"
            return
        try:
            await arrived.wait()
        finally:
            loop.remove_reader(self._file.fileno())

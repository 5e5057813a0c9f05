"""What `assidu emit` reads: a file, a gzip file or standard input, opened once and read as it arrives."""

from __future__ import annotations

import asyncio
import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import PurePath

from stream.errors import UserError

_CHUNK_BYTES = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


class Input:
    """An open input; `name` is the file's own name without folder and `.gz`, or `-`."""

    def __init__(self, path: str) -> None:
        self.path = "standard input" if path == "-" else path
        self.name = PurePath(path).name.removesuffix(".gz")
        try:
            # Standard input by number: sys.stdin may be replaced by something that is not a file.
            self._file = open(0 if path == "-" else path, "rb", closefd=path != "-")  # noqa: SIM115
            start = self._file.peek(2)[:2]
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from None
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise UserError(f"{self.path} is UTF-16: save it as UTF-8")
        self._stream = gzip.GzipFile(fileobj=self._file) if start == _GZIP_MAGIC else self._file

    def size_bytes(self) -> int | None:
        """The size on disk; None for a pipe or a terminal."""
        status = os.fstat(self._file.fileno())
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read_bytes(self) -> int:
        """How much of `size_bytes` has been read."""
        return self._file.tell()

    async def chunks(self) -> AsyncIterator[list[bytes]]:
        """The lines as they arrive, without their line feeds, however many have arrived together."""
        rest = b""
        while chunk := self._read():
            *lines, rest = (rest + chunk).split(b"\n")
            yield lines
            await self._readable()
        if rest:
            yield [rest]

    def text_lines(self) -> Iterator[str]:
        """The lines as text with their ends; a byte that is not UTF-8 becomes a lone surrogate."""
        # Kept, because a wrapper that is let go closes the file, whose position is still asked for.
        self._text = io.TextIOWrapper(self._stream, "utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield from self._text
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def _read(self) -> bytes:
        try:
            return self._stream.read1(_CHUNK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> UserError:
        return UserError(f"{self.path} cannot be read to its end: {error}")

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

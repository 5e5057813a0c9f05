"""Unpacking: what gzip, bzip2, xz, zstd and zip hold, piece by piece, however much that is."""

from __future__ import annotations

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from stream.runtime.errors import UserError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError, BadZipFile)
"""What reading a damaged archive raises."""

_PIECE_BYTES = 256 * 1024
# The largest dictionary of xz's presets takes 64 MiB; a file may ask for 4 GiB. The other formats are bounded by
# themselves: zstd by 128 MiB where one does not ask for more.
_XZ_MEMORY_BYTES = 128 * 1024 * 1024
_ENCRYPTED = 0x1
_ASIDE = "__MACOSX/"  # what macOS adds to the files that one packs


class _Stream(Protocol):
    """One member of an archive, as bz2, lzma and zstd have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = len(piece) < max_length and not self._zlib.unconsumed_tail
        return piece


def _xz() -> _Stream:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


_FORMATS: dict[bytes, Callable[[], _Stream]] = {
    b"\x1f\x8b": _Gzip,
    b"\xfd7zXZ\x00": _xz,
    b"\x28\xb5\x2f\xfd": zstd.ZstdDecompressor,
    **{
        b"BZh%d%b" % (level, block): bz2.BZ2Decompressor
        for level in range(1, 10)
        for block in (b"1AY&SY", b"\x17rE8P\x90")  # the second where nothing is packed
    },
}
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHERS = {
    b"\x04\x22\x4d\x18": "packed with lz4: unpack it first",
    b"\x1f\x9d": "packed with compress: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it first",
    b"Rar!\x1a\x07": "a RAR archive: unpack it first",
    b"PAR1": "a Parquet file: export it as CSV or lines of JSON",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls): save it as CSV",
}
_MAGICS = (*_FORMATS, *ZIP, *_OTHERS)


class Unpacker:
    """Unpacks what is fed; an archive may have several members one after the other, with zeros in between."""

    def __init__(self, start: Callable[[], _Stream]) -> None:
        self._start = start
        self._stream: _Stream | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What it holds, in pieces of bounded size. Raises one of DAMAGED."""
        while packed or (self._stream is not None and not self._stream.needs_input):
            if self._stream is None:
                packed = packed.lstrip(b"\x00")
                if not packed:
                    return
                self._stream = self._start()
            if piece := self._stream.decompress(packed, _PIECE_BYTES):
                yield piece
            packed = b""
            if self._stream.eof:
                packed, self._stream = self._stream.unused_data, None

    def end(self) -> None:
        """Raises EOFError where the archive was cut off."""
        if self._stream is not None:
            raise EOFError("it was cut off")


def may_be_packed(start: bytes) -> bool:
    """Whether more bytes are needed to tell if a file that starts so is packed."""
    return any(magic.startswith(start) and magic != start for magic in _MAGICS)


def unpacker(path: str, start: bytes) -> Unpacker | None:
    """What unpacks a file that starts so; None where it is not packed. Raises UserError where nothing here can."""
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise UserError(f"{path} is {what}")
    for magic, stream in _FORMATS.items():
        if start.startswith(magic):
            return Unpacker(stream)
    return None


def only_member(path: str, file: io.FileIO) -> IO[bytes]:
    """The one file that a zip archive holds. Raises UserError where it cannot be had."""
    if not file.seekable():
        raise UserError(f"{path} is a zip archive, which is read from its end: give the name of the file")
    try:
        archive = ZipFile(io.BufferedReader(file))
        return archive.open(_only_one(path, archive))
    except (BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise UserError(f"{path} is a zip archive that is not whole: {error}") from None


def _only_one(path: str, archive: ZipFile) -> ZipInfo:
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        raise UserError(f"{path} is an Excel workbook (.xlsx) or another office file: save it as CSV")
    members = [
        member for member in archive.infolist() if not member.is_dir() and not member.filename.startswith(_ASIDE)
    ]
    if len(members) != 1:
        raise UserError(f"{path} is a zip archive of {len(members)} files, expected one: unpack it first")
    if members[0].flag_bits & _ENCRYPTED:
        raise UserError(f"{path} is a zip archive with a password: unpack it first")
    if members[0].compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UserError(f"{path} is a zip archive packed in an unusual way: unpack it first")
    return members[0]

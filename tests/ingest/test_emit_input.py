"""What files come in: packed, in another encoding, cut off, or nothing that can be read; never more memory for it."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from stream.ingest.input import Input
from stream.runtime.errors import UserError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "".join(f"line {number} für Zoë\n" for number in range(13_000))
CONTENT = TEXT.encode()


def zipped(content: bytes, *others: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.mkdir("export")
        archive.writestr("export/events.jsonl", content)
        for name in others:
            archive.writestr(name, "x")
    return packed.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": partial(bz2.compress, compresslevel=1),
    "xz": partial(lzma.compress, preset=0),
    "zstd": partial(zstd.compress, options={zstd.CompressionParameter.checksum_flag: 1}),
    "zip": zipped,
}
STREAMED = [name for name in PACKERS if name not in ("plain", "zip")]


def write_in_parts(pipe: Path, packed: bytes) -> None:
    with pipe.open("wb", buffering=0) as file:
        for part in (packed[:1], packed[1:3], packed[3:]):
            file.write(part)


def written(folder: Path, content: bytes, encoding: str | None = None) -> Input:
    path = folder / "file"
    path.write_bytes(content)
    return Input(str(path), encoding)


async def text_of(source: Input) -> bytes:
    return b"".join([piece async for piece in source.pieces()])


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("content", [CONTENT, b"", b"x"], ids=["long", "empty", "one byte"])
async def test_unpacks_by_what_the_file_is_and_not_by_its_name(tmp_path: Path, kind: str, content: bytes) -> None:
    assert await text_of(written(tmp_path, PACKERS[kind](content))) == content


@pytest.mark.parametrize("kind", STREAMED)
async def test_unpacks_members_one_after_the_other_also_from_a_pipe(tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind](CONTENT[:20_001]) + bytes(1024) + PACKERS[kind](CONTENT[20_001:])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=write_in_parts, args=(pipe, packed))
    writer.start()

    assert await text_of(Input(str(pipe))) == CONTENT
    writer.join()


@pytest.mark.parametrize("kind", STREAMED)
async def test_hands_on_what_an_archive_holds_before_it_was_cut_off(tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind](os.urandom(900_000))
    source = written(tmp_path, packed[: len(packed) * 2 // 3])
    pieces = []
    with pytest.raises(UserError, match=r"file cannot be read to its end: it was cut off"):
        async for piece in source.pieces():
            pieces.append(piece)  # noqa: PERF401

    assert sum(map(len, pieces)) > 250_000


@pytest.mark.parametrize("kind", [*STREAMED, "zip"])
async def test_names_an_archive_that_is_damaged(tmp_path: Path, kind: str) -> None:
    packed = bytearray(PACKERS[kind](os.urandom(1_000_000)))
    packed[500_000:500_100] = bytes(100)

    with pytest.raises(UserError, match=r"file cannot be read to its end: "):
        await text_of(written(tmp_path, bytes(packed)))


@pytest.mark.parametrize("kind", [*STREAMED, "zip"])
async def test_a_bomb_does_not_fill_memory(tmp_path: Path, kind: str) -> None:
    source = written(tmp_path, PACKERS[kind](bytes(30_000_000)))
    tracemalloc.start()
    try:
        size = 0
        async for piece in source.pieces():
            size += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == 30_000_000
    assert peak < 8_000_000


async def test_refuses_an_archive_that_asks_for_too_much_memory(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 * 1024 * 1024}]

    with pytest.raises(UserError, match="cannot be read to its end: Memory usage limit"):
        await text_of(written(tmp_path, lzma.compress(b"x", filters=filters)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(b"x", "second.csv"), r"file is a zip archive of 2 files, expected one: unpack it first"),
        (zipped(b"x", "[Content_Types].xml"), r"file is an Excel workbook \(\.xlsx\) or another office file"),
        (zipped(b"x" * 1000)[:-30], r"file is a zip archive that is not whole"),
        (zipped(b"x", method=zipfile.ZIP_LZMA), r"file is a zip archive packed in an unusual way: unpack it first"),
        (zipped(b"x").replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"), "with a password"),
        (b"PK\x05\x06" + bytes(18), r"file is a zip archive of 0 files"),
        (b"7z\xbc\xaf\x27\x1c\0\4", r"file is a 7z archive: unpack it first"),
        (b"\x04\x22\x4d\x18rest", r"file is packed with lz4: unpack it first"),
        (b"PAR1rest", r"file is a Parquet file: export it as CSV or lines of JSON"),
        (b"\xd0\xcf\x11\xe0rest", r"file is an Excel workbook \(\.xls\): save it as CSV"),
    ],
)
def test_says_what_to_do_with_what_it_cannot_unpack(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        written(tmp_path, content)


def test_what_macos_adds_to_a_zip_archive_is_not_a_file(tmp_path: Path) -> None:
    written(tmp_path, zipped(b"x", "__MACOSX/export/._events.jsonl"))


def test_a_zip_archive_from_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, zipped(b"x"))

    with pytest.raises(UserError, match="is read from its end: give the name of the file"):
        Input(str(pipe))
    os.close(writer)


async def test_a_tar_archive_is_refused_also_within_gzip(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("events.jsonl"))

    with pytest.raises(UserError, match="file is a tar archive: unpack it first"):
        await text_of(written(tmp_path, packed.getvalue()))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
async def test_reads_text_in_the_encoding_it_is_in(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    marked = encoding in ("utf-8-sig", "utf-16", "utf-32", "utf-8")
    packed = pack(TEXT.encode(encoding))

    assert await text_of(written(tmp_path, packed, encoding)) == CONTENT
    if marked:
        assert await text_of(written(tmp_path, packed)) == CONTENT


@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8")])
async def test_a_byte_order_mark_is_no_content_whatever_the_command_says(
    tmp_path: Path, mark: bytes, encoding: str
) -> None:
    content = mark + TEXT.encode(encoding)

    assert await text_of(written(tmp_path, content)) == CONTENT
    assert await text_of(written(tmp_path, content, encoding)) == CONTENT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
async def test_names_utf16_that_does_not_say_so(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(
        UserError, match=f"file looks like UTF-16 without a byte order mark: add --encoding {encoding}"
    ):
        await text_of(written(tmp_path, '{"type":'.encode(encoding)))


async def test_says_how_to_name_utf16_without_a_mark(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not start with BOM: add --encoding utf-16-le, or -be"):
        await text_of(written(tmp_path, TEXT.encode("utf-16-le"), "UTF16"))


@pytest.mark.parametrize("encoding", ["latin1000", "base64", "rot13", "undefined", "idna", "", "a\0b", "ä"])
def test_refuses_an_encoding_that_is_none(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(UserError, match="not a text encoding; for example latin-1, cp1252, utf-16"):
        written(tmp_path, b"x", encoding)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"a\nb\x81\nc", "cp1252"),
        (b"a\0\n\0b\0\0\xd8\n\0c\0", "utf-16-le"),
        (b"a\nb\x81\nc", "shift_jis"),
        (b"a\nb\xff\nc", "ascii"),
        (b"a\nb+2AA-\nc", "utf-7"),
    ],
)
async def test_only_the_line_that_is_not_in_the_encoding_is_no_utf8(
    tmp_path: Path, content: bytes, encoding: str
) -> None:
    first, second, third = (await text_of(written(tmp_path, content, encoding))).split(b"\n")

    assert (first, third) == (b"a", b"c")
    with pytest.raises(UnicodeDecodeError):
        second.decode()


async def test_text_that_ends_within_a_character_is_no_utf8(tmp_path: Path) -> None:
    text = await text_of(written(tmp_path, "ab".encode("utf-16")[:-1]))

    with pytest.raises(UnicodeDecodeError):
        text.decode()


def test_says_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*missing: No such file or directory"):
        Input(str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"cannot read .*: Is a directory"):
        Input(str(tmp_path))

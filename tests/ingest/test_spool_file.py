"""A file of a spool has what was appended to it, up to where it is damaged, and nothing is thrown away."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from stream.ingest.spool_file import SpoolFile, framed

WRITES = st.lists(st.lists(st.binary(max_size=40), max_size=3), max_size=4)


@trying(max_examples=50, deadline=None)
@given(writes=WRITES, torn=st.integers(0, 200), data=st.data())
def test_what_stands_before_the_damage_is_read_and_the_rest_is_kept(
    writes: list[list[bytes]], torn: int, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        file = SpoolFile.numbered(Path(folder), 7)
        for entries in writes:
            file.append([framed(entry) for entry in entries])
        whole = [entry for entries in writes for entry in entries]
        content = file.path.read_bytes() if file.path.exists() else b""
        assert file.size == len(content)
        damaged = content[: max(0, len(content) - torn)]
        if damaged and data.draw(st.booleans(), "one byte is another"):
            at = data.draw(st.integers(0, len(damaged) - 1))
            damaged = damaged[:at] + bytes([damaged[at] ^ 1]) + damaged[at + 1 :]
        file.path.write_bytes(damaged)
        [found] = SpoolFile.all_of(Path(folder))
        entries = found.read()
        readable = b"".join(map(framed, entries))
        assert entries == whole[: len(entries)]
        assert damaged.startswith(readable)
        assert content == readable or not _next_is_whole(damaged[len(readable) :], whole[len(entries) :])
        kept = b"".join(copy.read_bytes() for copy in Path(folder).glob("*.damaged"))
        assert readable + kept == damaged
        found.delete()
        assert SpoolFile.all_of(Path(folder)) == []


def _next_is_whole(rest: bytes, entries: list[bytes]) -> bool:
    return bool(entries) and rest.startswith(framed(entries[0]))


def test_the_copy_is_named_once_for_each_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = SpoolFile.numbered(tmp_path, 1)
    for rest in (b"torn", b"torn", b"another"):
        file.path.write_bytes(framed(b"whole") + rest)
        with caplog.at_level(logging.ERROR):
            assert file.read() == [b"whole"]
    copies = sorted(tmp_path.glob("*.damaged"))
    assert sorted(copy.read_bytes() for copy in copies) == [b"another", b"torn"]
    assert all(str(copy) in caplog.text for copy in copies)
    assert {path.stat().st_mode & 0o077 for path in copies} == {0}


def test_what_could_not_be_written_is_taken_back(tmp_path: Path) -> None:
    file = SpoolFile.numbered(tmp_path, 1)
    file.append([framed(b"before")])
    with _no_more_than(file.size + 20), pytest.raises(OSError, match="File too large"):
        file.append([framed(b"x" * 100)])
    assert file.path.stat().st_size == file.size
    file.append([framed(b"after")])
    assert file.read() == [b"before", b"after"]
    assert not list(tmp_path.glob("*.damaged"))


@contextmanager
def _no_more_than(size: int) -> Iterator[None]:
    """For a while no file of this process may be longer (Python ignores SIGXFSZ)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

"""The spool: what it has taken is there after a crash, in its order, once; and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stream.ingest.collector.spool import Spool, SpoolFull
from stream.ingest.event_producer import Message
from stream.runtime.errors import UserError

MOST_BYTES = 8 * 1024 * 1024


@asynccontextmanager
async def spooling(folder: Path, most_bytes: int = MOST_BYTES) -> AsyncIterator[Spool]:
    spool = Spool(str(folder), most_bytes)
    with spool.opened():
        running = asyncio.create_task(spool.run())
        try:
            yield spool
        finally:
            running.cancel()
            await asyncio.wait([running])


def message(number: int, size: int = 10) -> Message:
    return "logins", None if number % 3 == 0 else f"Zoë-{number}", b"%d " % number + b"x" * size


async def drained(spool: Spool) -> list[Message]:
    """All that is in it, which it then forgets."""
    found: list[Message] = []
    while spool.here.is_set():
        segment, entries = await spool.oldest()
        found += [message for entry in entries for message in entry]
        spool.drained(segment)
    return found


async def test_events_come_out_in_the_order_they_went_in_also_over_many_segments(tmp_path: Path) -> None:
    async with spooling(tmp_path) as spool:
        messages = [message(number, 50_000) for number in range(100)]
        await asyncio.gather(*(spool.append([each]) for each in messages))
        await spool.append(messages[:2])
        assert spool.bytes > 5_000_000
        assert len(list(tmp_path.glob("*.events"))) > 1
        assert await drained(spool) == messages + messages[:2]
        assert (spool.bytes, spool.age_seconds()) == (0, 0.0)
        assert list(tmp_path.glob("*.events")) == []


async def test_what_is_appended_while_a_segment_is_drained_comes_after_it(tmp_path: Path) -> None:
    async with spooling(tmp_path) as spool:
        await spool.append([message(1)])
        segment, entries = await spool.oldest()
        await spool.append([message(2)])
        assert entries == [[message(1)]]
        spool.drained(segment)
        assert await drained(spool) == [message(2)]


async def test_whoever_comes_after_a_crash_finds_all_of_it(tmp_path: Path) -> None:
    async with spooling(tmp_path) as spool:
        await spool.append([message(1), message(2)])
    async with spooling(tmp_path) as spool:
        await spool.append([message(3)])
        assert await drained(spool) == [message(1), message(2), message(3)]


@pytest.mark.parametrize("lost", [1, 5, 30])
async def test_what_a_crash_cut_short_is_kept_aside_and_the_rest_is_drained(tmp_path: Path, lost: int) -> None:
    async with spooling(tmp_path) as spool:
        await spool.append([message(1)])
        await spool.append([message(2)])
    [file] = tmp_path.glob("*.events")
    file.write_bytes(file.read_bytes()[:-lost])

    async with spooling(tmp_path) as spool:
        assert await drained(spool) == [message(1)]
    assert len(list(tmp_path.glob("*.damaged"))) == (1 if file_rest(tmp_path) else 0)


def file_rest(folder: Path) -> bool:
    return any(path.stat().st_size for path in folder.glob("*.damaged"))


async def test_beyond_its_bound_it_takes_nothing_and_later_again(tmp_path: Path) -> None:
    async with spooling(tmp_path, 1024 * 1024) as spool:
        await spool.append([message(1, 1_000_000)])
        with pytest.raises(SpoolFull):
            await spool.append([message(2, 60_000)])
        await drained(spool)
        await spool.append([message(2, 60_000)])
        assert await drained(spool) == [message(2, 60_000)]


async def test_two_collectors_do_not_share_a_folder(tmp_path: Path) -> None:
    async with spooling(tmp_path):
        with pytest.raises(UserError, match=r"ASSIDU_COLLECTOR_SPOOL.*another collector has this folder"):
            async with spooling(tmp_path):
                pass


async def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"ASSIDU_COLLECTOR_SPOOL=.*file/spool"):
        async with spooling(tmp_path / "file" / "spool"):
            pass


async def test_a_disk_that_takes_no_more_is_said_and_taken_again_when_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    async with spooling(folder) as spool:
        hidden = tmp_path / "hidden"
        folder.rename(hidden)
        with pytest.raises(SpoolFull):
            await spool.append([message(1)])
        hidden.rename(folder)
        await spool.append([message(2)])
        assert await drained(spool) == [message(2)]
        assert spool.bytes == 0

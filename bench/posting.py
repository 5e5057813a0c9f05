"""Clients of a collector: connections that post prepared requests, once they are answered or at a given pace."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

_DONE_WITHIN_SECONDS = 30.0


@dataclass
class Posted:
    """What became of the requests: how many of each status, and seconds from when each was due to its answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.seconds, percent))


def request(path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: collector\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def post_on(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Posted:
    """Each connection posts the next one as soon as it is answered."""
    posted = Posted()
    end = monotonic() + seconds

    async def client(number: int) -> None:
        async with _Connection(port) as connection:
            while (now := monotonic()) < end:
                number = (number + 1) % len(requests)
                posted.statuses[await connection.ask(requests[number])] += 1
                posted.seconds.append(monotonic() - now)

    await asyncio.gather(*(client(number) for number in range(connections)))
    return posted


async def post_at(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, per_second: float
) -> Posted:
    """So many a second, whether or not earlier ones are answered, as long as a connection is free; one that has to
    wait for a connection is timed from when it was due."""
    posted = Posted()
    began = monotonic()
    due: asyncio.Queue[float] = asyncio.Queue(4 * connections)
    dropped = 0

    async def client(number: int) -> None:
        async with _Connection(port) as connection:
            while (moment := await due.get()) >= 0:
                number = (number + 1) % len(requests)
                posted.statuses[await connection.ask(requests[number])] += 1
                posted.seconds.append(monotonic() - moment)

    clients = [asyncio.create_task(client(number)) for number in range(connections)]
    for number in range(int(seconds * per_second)):
        moment = began + number / per_second
        if (wait := moment - monotonic()) > 0:
            await asyncio.sleep(wait)
        if due.full():
            dropped += 1  # nobody is left who could ask
            await asyncio.sleep(0)
        else:
            due.put_nowait(moment)
    for _ in clients:
        await due.put(-1.0)
    async with asyncio.timeout(_DONE_WITHIN_SECONDS):
        await asyncio.gather(*clients)
    posted.statuses[0] = dropped
    return posted


class _Connection:
    """Reads no more of an answer than its status and its length, so that little of a core is the client's."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> _Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> int:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return int(head[9:12])

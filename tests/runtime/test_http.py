"""The servers' manners: nobody's half a request, and nobody's slow reading, keeps others from being answered."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

import aiohttp
import pytest
from aiohttp import web

from stream.runtime.errors import UserError
from stream.runtime.http import Limits, serving

HALF = b"GET /metrics HTTP/1.1\r\nHost: assidu\r\nX-Slow: "
WHOLE = b"GET /metrics HTTP/1.1\r\nHost: assidu\r\n\r\n"
PAGE = b"engagement_active_customers 1\n"
LARGE = b"x" * 20_000_000
SECRET = "a-planted-secret-of-40-characters-in-all"


@asynccontextmanager
async def server(limits: Limits | None = None) -> AsyncIterator[int]:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=PAGE)

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=LARGE)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/large", large)])
    async with serving(app, "127.0.0.1", 0, "ASSIDU_EXPORTER_PORT", limits) as port:
        yield port


class Client:
    """A client that does what it is told, and no more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, sent: bytes = b"") -> Client:
        # Little room: so that an answer that is not read waits in the server.
        client = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1024))
        client.writer.write(sent)
        await client.writer.drain()
        return client

    async def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        received = b""
        async with asyncio.timeout(10):
            try:
                while data := await self.reader.read(65536):
                    received += data
            except ConnectionError:
                pass
        return received

    async def answer(self) -> bytes:
        """The body of an answer whose connection stays open."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return await self.reader.readexactly(length)


async def scrape(port: int) -> float:
    """How long an answer took, in seconds."""
    began = monotonic()
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert await answer.read() == PAGE
    return monotonic() - began


@pytest.fixture
def many_files() -> Iterator[None]:
    """The clients of this process, too, need descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_flood_of_half_sent_requests_leaves_room_for_a_scrape(many_files: None) -> None:
    limits = Limits(connections=50, header_seconds=60)
    async with server(limits) as port, AsyncExitStack() as clients:
        flood = []
        for number in range(1100):
            client = await Client.connect(port, HALF)
            clients.callback(client.writer.close)
            flood.append(client)
            if number % 100 == 99:
                assert await scrape(port) < 5
        for client in flood[:-50]:
            assert await client.rest() == b""


async def test_who_is_being_answered_goes_last() -> None:
    async with server(Limits(connections=3, header_seconds=60)) as port:
        reading = await Client.connect(port, b"GET /large HTTP/1.1\r\nHost: assidu\r\n\r\n")
        await reading.reader.readuntil(b"\r\n\r\n")
        halves = [await Client.connect(port, HALF) for _ in range(10)]
        assert [await half.rest() for half in halves[:8]] == [b""] * 8
        reading.writer.write(b"")
        assert len(await reading.reader.readexactly(len(LARGE))) == len(LARGE)
        for half in halves:
            half.writer.close()


@pytest.mark.parametrize("sent", [b"", b"G", HALF, b"\r\n"])
async def test_headers_that_do_not_come_end_the_connection(sent: bytes) -> None:
    async with server(Limits(header_seconds=0.1)) as port:
        client = await Client.connect(port, sent)
        assert await client.rest() == b""
        client.writer.close()


async def test_headers_that_drip_end_the_connection() -> None:
    async with server(Limits(header_seconds=0.3)) as port:
        client = await Client.connect(port, HALF)

        async def drip() -> None:
            while not client.reader.at_eof():
                client.writer.write(b"x")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert await client.rest() == b""
        dripping.cancel()
        client.writer.close()


async def test_who_does_not_take_the_answer_is_left() -> None:
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(LARGE)
        except ConnectionError:
            left.set()
            raise

    app = web.Application()
    app.add_routes([web.get("/metrics", endless)])
    async with serving(app, "127.0.0.1", 0, "ASSIDU_EXPORTER_PORT", Limits(answer_seconds=0.2)) as port:
        client = await Client.connect(port, WHOLE)
        async with asyncio.timeout(10):
            await left.wait()
        client.writer.close()


async def test_a_connection_is_used_again_and_ended_when_it_idles() -> None:
    async with server(Limits(header_seconds=60, idle_seconds=0.2)) as port:
        client = await Client.connect(port)
        for _ in range(3):
            client.writer.write(WHOLE)
            assert await client.answer() == PAGE
        assert await client.rest() == b""
        client.writer.close()


async def test_the_second_request_has_a_time_of_its_own() -> None:
    async with server(Limits(header_seconds=0.2, idle_seconds=60)) as port:
        client = await Client.connect(port, WHOLE)
        assert await client.answer() == PAGE
        client.writer.write(HALF)
        assert await client.rest() == b""
        client.writer.close()


@pytest.mark.parametrize(
    "body", [b"Content-Length: 1000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n" + b"186a0\r\n"]
)
async def test_a_large_body_is_not_taken(body: bytes) -> None:
    async with server() as port:
        client = await Client.connect(port, b"POST /metrics HTTP/1.1\r\nHost: assidu\r\n" + body)
        try:
            client.writer.write(b"x" * 100_000)
            await client.writer.drain()
        except ConnectionError:
            pass
        answered = await client.rest()
        assert answered[:12] in (b"", b"HTTP/1.1 405")
        client.writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET * 400}\r\n\r\n",
        f"GET /{SECRET * 400} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization Bearer {SECRET}\r\n\r\n",
        f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\x00\r\n\r\n",
        f"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: {SECRET}\r\n\r\n",
        f"{SECRET}\r\n\r\n",
        f"GET /metrics {SECRET}\r\n\r\n",
    ],
    ids=["long header", "long line", "no colon", "control character", "length", "no request", "no version"],
)
async def test_what_is_no_request_is_refused_without_a_word_of_it(
    request_: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with server() as port:
        client = await Client.connect(port, request_.encode())
        refused = await client.rest()
        client.writer.close()
    assert refused.startswith(b"HTTP/1.0 400") or refused.startswith(b"HTTP/1.1 400") or refused == b""
    for start in range(0, len(SECRET), 8):
        assert SECRET[start : start + 8] not in refused.decode() + caplog.text
    assert "Traceback" not in caplog.text


async def test_a_port_that_is_taken_is_named() -> None:
    async with server() as port:
        with pytest.raises(UserError, match=f"127.0.0.1:{port}.*ASSIDU_WORKER_PORT"):
            async with serving(web.Application(), "127.0.0.1", port, "ASSIDU_WORKER_PORT"):
                pass

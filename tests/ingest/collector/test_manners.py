"""Manners: requests that are slow, huge or no HTTP keep nobody else from being answered."""

from __future__ import annotations

import asyncio

import pytest

from tests.ingest.collector.collecting import Client, logins

HEAD = b"POST /v1/events HTTP/1.1\r\nHost: collector\r\n"


async def talked(client: Client, sent: bytes) -> bytes:
    """What is answered, until the collector ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(sent)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD + b"X-Huge: " + b"x" * 20_000 + b"\r\n\r\n", id="a huge header"),
        pytest.param(HEAD + b"".join(b"X-%d: x\r\n" % n for n in range(1000)) + b"\r\n", id="many headers"),
        pytest.param(b"POST /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", id="a huge path"),
        pytest.param(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="two lengths"),
        pytest.param(HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n[1,2]", id="lengths that differ"),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", id="a length below zero"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n", id="no chunk"),
        pytest.param(HEAD + b"X-Null: \0\r\n\r\n", id="a null byte"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
    ],
)
async def test_what_is_no_proper_request_is_refused(client: Client, sent: bytes) -> None:
    answer = await talked(client, sent)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 431")), answer[:200]
    assert (await client.post(logins(1))).status == 200


async def test_many_who_send_half_a_request_keep_nobody_waiting(client: Client) -> None:
    halves = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(200)]
    for number, (_, writer) in enumerate(halves):
        writer.write(HEAD + (b"X-Slow: " if number % 2 else b"Content-Length: 100\r\n\r\n["))
    async with asyncio.timeout(5):
        assert (await client.post(logins(1))).status == 200
    for _, writer in halves:
        writer.transport.abort()

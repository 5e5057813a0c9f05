"""Bodies: whatever is sent is taken, or refused by the right status; never by 500."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from stream.ingest.collector.bodies import MOST_BYTES, inflate
from stream.ingest.collector.refused import Refused
from stream.settings import Settings
from tests.ingest.collector.collecting import Client, arrived, logins

TEXT = json.dumps([{"event_id": str(number)} for number in range(5000)]).encode()


def raw(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush()


def nothing(_: int) -> None:
    """Any number of bytes has room."""


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw, lambda text: gzip.compress(text) + bytes(512)])
def test_unpacks_what_gzip_and_deflate_packed(pack: Callable[[bytes], bytes]) -> None:
    assert inflate(pack(TEXT), nothing) == TEXT


def test_unpacks_several_parts() -> None:
    assert inflate(gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]), nothing) == TEXT


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        pytest.param(b"not packed at all", 400, id="garbage"),
        pytest.param(gzip.compress(TEXT)[:-300], 400, id="cut short"),
        pytest.param(gzip.compress(TEXT)[:-4] + b"0000", 400, id="a wrong length at its end"),
        pytest.param(gzip.compress(bytes(MOST_BYTES + 1)), 413, id="a bomb"),
        pytest.param(gzip.compress(bytes(5_000_000)), 413, id="a ratio that no events have"),
        pytest.param(b"".join(gzip.compress(TEXT) for _ in range(200)), 413, id="many parts"),
        pytest.param(b"\x1f\x8b", 400, id="a header cut short"),
    ],
)
def test_refuses_what_is_not_packed_or_too_much(packed: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        inflate(packed, nothing)
    assert refused.value.status == status


async def test_takes_packed_bodies(client: Client, deployed: Settings) -> None:
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)):
        events = logins(2)
        answer = await client.post(pack(json.dumps(events).encode()), Content_Encoding=encoding)
        assert (answer.status, answer.json["accepted"]) == (200, 2)
        assert len(await arrived(deployed, events)) == 2


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(b"garbage", "gzip", 400, id="garbage that is called gzip"),
        pytest.param(gzip.compress(bytes(50_000_000)), "gzip", 413, id="a bomb"),
        pytest.param(b"{}", "br", 415, id="an encoding that is not known"),
        pytest.param(b" " * (MOST_BYTES + 1), "", 413, id="too much"),
        pytest.param(b"\xff\xfe{}", "", 400, id="no UTF-8"),
        pytest.param(b"[1, 2", "", 400, id="no JSON"),
        pytest.param(b"[" * 100_000, "", 400, id="deep"),
        pytest.param(b"", "", 400, id="nothing"),
    ],
)
async def test_refuses_a_body_with_the_right_status(client: Client, body: bytes, encoding: str, status: int) -> None:
    answer = await client.post(body, Content_Encoding=encoding)
    assert answer.status == status, answer.body
    assert answer.json["code"] == status


async def test_gzip_that_no_header_tells_of_is_unpacked_within_the_same_bounds(client: Client) -> None:
    event = {"event": "$pageview", "properties": {"distinct_id": "ann", "token": client.key}, "uuid": "1"}
    statuses = [
        (await client.post(body, "/e/", key=None, Content_Type="text/plain")).status
        for body in (
            gzip.compress(json.dumps([event]).encode()),
            gzip.compress(bytes(50_000_000)),
            gzip.compress(TEXT)[:-300],
        )
    ]
    assert statuses == [200, 413, 400]


async def test_takes_ten_mebibytes_of_events_at_once(client: Client) -> None:
    events = [event | {"fill": "x" * 60_000} for event in logins(170)]
    body = json.dumps(events).encode()
    assert len(body) > MOST_BYTES * 0.95
    answer = await client.post(body)
    assert (answer.status, answer.json["accepted"]) == (200, 170)


async def test_events_in_a_body_of_unknown_length_are_taken(client: Client) -> None:
    async def pieces() -> Any:
        for each in json.dumps(logins(3)).encode():
            yield bytes([each])

    url = f"http://127.0.0.1:{client.port}/v1/events"
    async with client.http.post(url, data=pieces(), headers={"Authorization": f"Bearer {client.key}"}) as answer:
        assert answer.status == 200

"""The JSON of a body, however it is wrapped or spoilt."""

from __future__ import annotations

from typing import Any

import pytest

from stream.ingest.protocols.captured import unzipped
from stream.ingest.protocols.documents import document, from_base64, parsed
from stream.ingest.protocols.protocol import Refusal
from tests.ingest.protocols.calls import post


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": 1.5, "b": "\xc3\xa9"}', {"a": 1.5, "b": "é"}),
        (b"[NaN, Infinity, -Infinity, 1e999]", [None] * 4),
        (b'"cut off \\ud83d"', "cut off ?"),
        (b'["\\ud83d\\ude00", NaN]', ["😀", None]),
        (b"\xef\xbb\xbf[]", []),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_reads_what_programs_write_for_json(text: bytes, value: Any) -> None:
    assert parsed(text) == value


@pytest.mark.parametrize(
    "text",
    [b"", b"{'a': 1}", b'"\xff"', b"nan", b"[1,]", b'"\x01"', b"[" * 5000, b"9" * 5000, "[1]".encode("utf-16")],
)
def test_refuses_what_is_none(text: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        parsed(text)
    assert str(refused.value)


@pytest.mark.parametrize("body", [b"data=%%%", b"data=e30=x", b"eyJ", b"\x1f\x8b\x00", b"data=" + b"&a" * 200])
def test_a_garbled_body_is_refused_with_400(body: bytes) -> None:
    call = post("/e", body, {"content-type": "application/x-www-form-urlencoded"})

    with pytest.raises(Refusal) as refused:
        document(call, unzipped)
    assert refused.value.status == 400


def test_json_that_is_labelled_as_a_form_is_json() -> None:
    call = post("/v1/batch", b'{"batch": []}', {"content-type": "application/x-www-form-urlencoded"})

    assert document(call, unzipped) == {"batch": []}


@pytest.mark.parametrize("text", ["_-8", "/+8=", "/+8", " _-8= ", "_-8="])
def test_base64_of_either_alphabet(text: str) -> None:
    assert from_base64(text.replace("+", "+")) == b"\xff\xef"


def test_the_servers_own_refusal_of_a_bomb_goes_through() -> None:
    def too_large(_: bytes) -> bytes:
        raise Refusal("too large", 413)

    with pytest.raises(Refusal) as refused:
        document(post("/e", b"\x1f\x8b\x08"), too_large)
    assert refused.value.status == 413

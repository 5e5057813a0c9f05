"""Bodies: read and unpacked within bounds, or refused with a status that says why."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from stream.ingest.collector.in_flight import Share
from stream.ingest.collector.refused import Refused

MOST_BYTES = 10 * 1024 * 1024
"""Of a body, unpacked."""
_MOST_RATIO = 200
"""Unpacked to packed, beyond `_ANY_RATIO_BYTES`: events in JSON reach some tens, a bomb a thousand."""
_ANY_RATIO_BYTES = 1024 * 1024
_BODY_SECONDS = 30.0
_ANY_HEADER = 32  # zlib's: gzip or zlib, as the content says
_RAW = -zlib.MAX_WBITS
_STEP_BYTES = 256 * 1024

_PACKED = ("gzip", "x-gzip", "deflate")


async def read_body(request: web.Request, share: Share) -> bytes:
    """All of it, unpacked as Content-Encoding says. Raises Refused."""
    if (request.content_length or 0) > MOST_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.content.iter_any():
                share.take(len(piece))
                body += piece
                if len(body) > MOST_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise Refused(408, "request timeout", f"the body did not come within {_BODY_SECONDS:g} s") from None
    except (ConnectionError, HttpProcessingError, web.RequestPayloadError):
        raise Refused(400, "bad request", "the body is cut short, or no HTTP") from None
    return _unpacked(bytes(body), request.headers.get("Content-Encoding", ""), inflating(share))


def inflating(share: Share) -> Callable[[bytes], bytes]:
    """`inflate`, which also takes its bytes of the share."""

    def bounded(packed: bytes) -> bytes:
        return inflate(packed, share.take)

    return bounded


def inflate(packed: bytes, take: Callable[[int], None]) -> bytes:
    """What gzip or deflate packed. Raises Refused: not packed so, cut short, or too much; `take` is told of each
    step before the next, and may raise too."""
    unpacked = bytearray()
    most = min(MOST_BYTES, max(_ANY_RATIO_BYTES, len(packed) * _MOST_RATIO))
    rest = packed
    while rest:  # gzip may have several parts
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | _ANY_HEADER if _has_header(rest) else _RAW)
        while not unpacker.eof:
            try:
                step = unpacker.decompress(rest, _STEP_BYTES)
            except zlib.error:
                raise _not_packed() from None
            if not step and not unpacker.eof:
                raise _not_packed()
            take(len(step))
            unpacked += step
            if len(unpacked) > most:
                raise _too_large()
            rest = unpacker.unconsumed_tail
        rest = unpacker.unused_data.lstrip(b"\0")  # which some pad it with
    return bytes(unpacked)


def _unpacked(body: bytes, encoding: str, inflate: Callable[[bytes], bytes]) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in _PACKED:
        return inflate(body)
    if encoding not in ("", "identity"):
        raise Refused(415, "unsupported media type", "Content-Encoding: expected gzip, deflate or none")
    return body


def _has_header(packed: bytes) -> bool:
    """gzip's, or zlib's, which some clients leave out of "deflate"."""
    return packed[:2] == b"\x1f\x8b" or (packed[0] & 15 == 8 and int.from_bytes(packed[:2]) % 31 == 0)


def _not_packed() -> Refused:
    return Refused(400, "bad request", "the body is not what its Content-Encoding says, or cut short")


def _too_large() -> Refused:
    return Refused(
        413, "payload too large", f"a body has at most {MOST_BYTES} bytes when unpacked: send less at once"
    )

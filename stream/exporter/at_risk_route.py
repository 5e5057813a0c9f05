"""/at-risk: the customers who are about to leave, for whoever has the token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hmac import compare_digest

import msgspec
from aiohttp import web
from redis.asyncio import Redis

from stream.query.at_risk import Query, find_at_risk
from stream.settings import Settings
from stream.store.connect import REDIS_ERRORS


def at_risk_route(redis: Redis, settings: Settings) -> Callable[[web.Request], Awaitable[web.Response]]:
    """GET /at-risk?product=&level=&segment=&reason=&top= with `Authorization: Bearer <ASSIDU_TOKEN>`.

    JSON as `assidu at-risk --format json`; errors as text: 400 wrong question, 401 no or another token, 403 no token
    was set, 503 Redis does not answer, or another question is being answered.
    """

    one_at_a_time = asyncio.Lock()  # scoring them takes this process, which has gauges to show

    async def answer(request: web.Request) -> web.Response:
        if settings.token is None:
            return web.Response(text="there is no ASSIDU_TOKEN: set one, at least 16 characters\n", status=403)
        expected = f"Bearer {settings.token.get_secret_value()}".encode()
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not compare_digest(given, expected):
            headers = {"WWW-Authenticate": "Bearer"}
            return web.Response(text="expected Authorization: Bearer <ASSIDU_TOKEN>\n", status=401, headers=headers)
        try:
            asked = msgspec.convert(dict(request.query), Query, strict=False)
        except msgspec.ValidationError as error:
            return web.Response(text=f"{error}\n", status=400)
        if one_at_a_time.locked():
            return web.Response(text="somebody else is being answered: ask again\n", status=503)
        try:
            async with one_at_a_time:
                found = await find_at_risk(redis, settings, asked)
        except REDIS_ERRORS as error:
            return web.Response(text=f"Redis does not answer: {error}\n", status=503)
        return web.Response(
            text=found.to_json(), content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    return answer

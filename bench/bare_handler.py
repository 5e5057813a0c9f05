"""What the collector is measured beside: an aiohttp handler that only decodes what it gets."""

from __future__ import annotations

import sys

import msgspec
import uvloop
from aiohttp import web


class _Event(msgspec.Struct):
    event_id: str
    type: str
    user_id: str
    timestamp: str
    channel: str


_decode = msgspec.json.Decoder(list[_Event]).decode


async def _events(request: web.Request) -> web.Response:
    return web.Response(text=f'{{"accepted":{len(_decode(await request.read()))}}}', content_type="application/json")


def main() -> None:
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.add_routes([web.post("/v1/events", _events)])
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()

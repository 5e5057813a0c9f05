"""A page of another origin than the collector's, and a real browser that opens it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web

from tests.clients.calls import Call
from tests.clients.door import Door, Key
from tests.clients.running import NODE
from tests.stack.chromium import Tab, chromium

PATH = "/pricing"
PAGES = Path(__file__).parent / "browser"
# Of headless browsers clients send nothing, and the collector marks what they send as a bot's.
_PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
_UNATTENDED = ("--disable-blink-features=AutomationControlled", f"--user-agent={_PERSON}")


@asynccontextmanager
async def visited(
    door: Door,
    page: str,
    profile: Path,
    key: Key,
    said: Sequence[Call] = (),
    options: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncIterator[Tab]:
    """The page (HTML), open at PATH; as globals it has HOST, KEY, CALLS, and OPTIONS of its client."""
    given = {
        "HOST": f"http://127.0.0.1:{door.spooling.port}",
        "KEY": key.key,
        "CALLS": list(said),
        "OPTIONS": dict(options),
    }
    script = "".join(f"globalThis.{name} = {json.dumps(value)};\n" for name, value in given.items())

    async def the_page(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    async def the_script(_: web.Request) -> web.Response:
        return web.Response(text=script, content_type="text/javascript")

    app = web.Application()
    app.router.add_get(PATH, the_page)
    app.router.add_get("/given.js", the_script)
    if (NODE / "node_modules").is_dir():
        app.router.add_static("/node_modules", NODE / "node_modules")
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", door.page_port).start()
        async with chromium(profile, *_UNATTENDED) as tab:
            await tab.call("Emulation.setUserAgentOverride", userAgent=_PERSON)
            await tab.open(f"{door.origin}{PATH}")
            yield tab
    finally:
        await runner.cleanup()

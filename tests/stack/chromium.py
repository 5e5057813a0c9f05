"""A real Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, cast

import aiohttp

from tests.stack.waiting import eventually_async

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --disable-dev-shm-usage --lang=en-US "
    "--remote-debugging-port=0"
).split()
_NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


class Tab:
    """One page. `complaints` are the console's errors and warnings, uncaught exceptions and policy violations."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def open(self, url: str) -> None:
        answer = await self.call("Page.navigate", url=url)
        assert "errorText" not in answer, f"{url}: {answer['errorText']}"
        await self.eventually("document.readyState === 'complete'", f"{url} to load")

    async def look(self, width: int, height: int, dark: bool = False) -> None:
        """Take the size of a screen, in CSS pixels, and the reader's choice of colours."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON has it."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def eventually(self, expression: str, what: str, within_seconds: float = 20) -> Any:
        """The expression's first truthy value."""
        return await eventually_async(lambda: self.evaluate(expression), within_seconds, what)

    async def screenshot(self, file: Path) -> None:
        """All of the page, however long."""
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(30):
            return await answer

    async def listen(self) -> None:
        """Take what the browser says until it closes."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" not in said:
                self.complaints += _complaints(said["method"], said["params"])
            elif "error" in said:
                self._answers.pop(said["id"]).set_exception(AssertionError(said["error"]["message"]))
            else:
                self._answers.pop(said["id"]).set_result(said["result"])


def _complaints(event: str, said: Mapping[str, Any]) -> list[str]:
    if event == "Runtime.exceptionThrown":
        details = said["exceptionDetails"]
        return [details.get("exception", {}).get("description", details["text"])]
    if event == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
        return [" ".join(str(argument.get("value")) for argument in said["args"])]
    if event == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
        return [f"{said['entry']['text']} ({said['entry'].get('url', '')})"]
    return []


@asynccontextmanager
async def chromium(profile: Path, *flags: str) -> AsyncIterator[Tab]:
    """One tab of a browser of its own, ended with the context; `profile` is an empty folder for it."""
    assert PROGRAM, "Chromium is not installed"
    process = subprocess.Popen(
        [PROGRAM, *_FLAGS, _NOWHERE_ELSE, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as http, http.ws_connect(await _address(http, profile)) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            for domain in ("Page", "Runtime", "Log"):
                await tab.call(f"{domain}.enable")
            yield tab
            listening.cancel()
    finally:
        process.terminate()
        process.wait(10)


async def _address(http: aiohttp.ClientSession, profile: Path) -> str:
    """Where the DevTools of the first page listen; the browser leaves its port in its profile."""
    file = profile / "DevToolsActivePort"

    async def found() -> str | None:
        if not file.exists() or not (lines := file.read_text().splitlines()):
            return None
        async with http.get(f"http://127.0.0.1:{lines[0]}/json/list") as answer:
            pages = [page for page in await answer.json() if page["type"] == "page"]
        return cast(str, pages[0]["webSocketDebuggerUrl"]) if pages else None

    return cast(str, await eventually_async(found, 30, "Chromium's DevTools"))

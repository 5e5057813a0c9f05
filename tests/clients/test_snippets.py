"""The snippets of docs/emit.md run as they stand there, and what they send arrives."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clients.browsing import visited
from tests.clients.door import Door, Key
from tests.clients.running import NODE, ROOT, assert_counted, run_program
from tests.events import Event
from tests.stack.chromium import PROGRAM

SNIPPETS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs/emit.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
IN_PYTHON = {
    re.search(r"^(?:from|import) (\w+).*\n\n(?!from|import)", text, re.MULTILINE)[1]: text  # type: ignore[index]
    for language, text in SNIPPETS
    if language == "python" and "stream.ingest" not in text
}
IN_NODE = {
    found[1] if (found := re.search(r'from "(.*)"', text)) else "fetch": text
    for language, text in SNIPPETS
    if language == "js"
}
[IN_A_PAGE] = [text for language, text in SNIPPETS if language == "html"]
LOGIN: Event = {"type": "login", "user_id": "ann"}


def test_there_is_one_for_each() -> None:
    assert list(IN_PYTHON) == ["confluent_kafka", "rudderstack", "posthog", "snowplow_tracker", "amplitude"]
    assert list(IN_NODE) == ["fetch", "@segment/analytics-node"]


@pytest.mark.parametrize("package", IN_PYTHON)
@pytest.mark.usefixtures("python_clients")
async def test_python(door: Door, package: str) -> None:
    since, key = datetime.now(UTC), door.server_key()
    text = here(IN_PYTHON[package], door, key)
    text = text.replace("127.0.0.1:9092", door.settings.kafka).replace("engagement.", door.settings.topic_prefix)
    await run_program([sys.executable, "-c", text.replace('"shop"', f'"{key.product}"')], {})
    await assert_counted(door, key.product, [LOGIN], since)


@pytest.mark.parametrize("package", IN_NODE)
async def test_node(door: Door, node: str, package: str) -> None:
    since, key = datetime.now(UTC), door.server_key()
    await run_program([node, "--input-type=module", "-e", here(IN_NODE[package], door, key)], {}, NODE)
    await assert_counted(door, key.product, [LOGIN], since)


@pytest.mark.skipif(PROGRAM is None, reason="CHROMIUM WAS NOT FOUND (Debian: apt-get install chromium)")
async def test_page(door: Door, tmp_path: Path) -> None:
    since, key = datetime.now(UTC), door.browser_key()
    async with visited(door, f"<!doctype html>{here(IN_A_PAGE, door, key)}", tmp_path, key):
        await assert_counted(door, key.product, [{"type": "page_view", "page": "/pricing"}], since)


def here(snippet: str, door: Door, key: Key) -> str:
    """With the address and the key that the reader has to put in."""
    return snippet.replace("127.0.0.1:8080", f"127.0.0.1:{door.spooling.port}").replace("KEY", key.key)

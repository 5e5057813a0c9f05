"""The snippets of docs/emit.md run as they stand there, and what they send arrives."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream.demo.embedded import KafkaServer
from tests.clients.browsing import browsing, served
from tests.clients.door import Door, Key
from tests.clients.running import NODE, ROOT, run_program

SNIPPETS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs/emit.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
IN_PYTHON = {
    re.search(r"^(?:from|import) (\w+).*\n\n(?!from|import)", text, re.MULTILINE)[1]: text  # type: ignore[index]
    for language, text in SNIPPETS
    if language == "python" and "stream.ingest" not in text
}
IN_NODE = {found[1] if (found := re.search(r'from "(.*)"', text)) else "fetch": text for language, text in SNIPPETS if language == "js"}
[IN_A_PAGE] = [text for language, text in SNIPPETS if language == "html"]


def test_there_is_one_for_each() -> None:
    assert list(IN_PYTHON) == ["confluent_kafka", "rudderstack", "posthog", "snowplow_tracker", "amplitude"]
    assert list(IN_NODE) == ["fetch", "@segment/analytics-node"]


@pytest.mark.parametrize("package", IN_PYTHON)
async def test_python(door: Door, kafka: KafkaServer, package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} IS NOT INSTALLED (`make test-clients` does it)")
    key = door.server_key()
    text = here(IN_PYTHON[package], door, key).replace('"product": "shop"', f'"product": "{key.product}"')
    await run_program([sys.executable, "-c", text], {})
    await assert_a_login_of_ann_counts(door, key)


@pytest.mark.parametrize("package", IN_NODE)
async def test_node(door: Door, node: str, package: str) -> None:
    key = door.server_key()
    await run_program([node, "--input-type=module", "-e", here(IN_NODE[package], door, key)], {}, NODE)
    await assert_a_login_of_ann_counts(door, key)

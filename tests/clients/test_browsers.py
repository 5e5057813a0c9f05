"""Clients in pages: a visitor looks, says who it is and buys, in a real browser and from another origin."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clients.browsing import PAGES, visited
from tests.clients.calls import Call, calls, expected
from tests.clients.door import Door
from tests.clients.running import ROOT, assert_counted
from tests.events import Event
from tests.stack.chromium import PROGRAM

VIEWED: Event = {"type": "page_view", "page": "/pricing"}


@dataclass(frozen=True)
class InPage:
    """page        the file in browser/
    options     of the client, besides host and key
    feature, identifies   see `expected`
    anonymous   whether who only looks is a customer, too
    first       what else it tells of a visitor
    left        at once, so that what still waits goes as beacons
    """

    page: str
    options: Mapping[str, Any] = field(default_factory=dict)
    feature: str = "Lesson Finished"
    identifies: bool = True
    anonymous: bool = True
    first: tuple[Event, ...] = ()
    left: bool = False

    def wanted(self, said: list[Call]) -> list[Event]:
        events = expected(said, self.feature, self.identifies)
        if self.anonymous:
            del events[0]["user_id"]
        return [*self.first, *events]


CLIENTS = {
    "segment": InPage("segment"),
    "segment in batches": InPage(
        "segment",
        {"integrations": {"Segment.io": {"deliveryStrategy": {"strategy": "batching", "config": {"timeout": 300}}}}},
    ),
    "rudderstack": InPage("rudder"),
    "rudderstack by beacon": InPage("rudder", {"useBeacon": True, "beaconQueueOptions": {"flushQueueInterval": 300}}),
    "posthog": InPage("posthog", anonymous=False),
    "posthog in a page that is left": InPage("posthog", anonymous=False, left=True),
    "posthog without compression": InPage("posthog", {"disable_compression": True}, anonymous=False),
    "posthog with profiles of everybody": InPage(
        "posthog", {"person_profiles": "always"}, anonymous=False, first=(VIEWED,)
    ),
    "snowplow": InPage("snowplow", feature="lesson_finished", identifies=False),
    "amplitude": InPage("amplitude", first=({"type": "identify", "traits": {}},)),
}


@pytest.mark.parametrize("name", CLIENTS)
async def test_in_a_page(door: Door, node: str, tmp_path: Path, name: str) -> None:
    if PROGRAM is None:
        warnings.warn("Chromium was not found: no client was tried in a browser", stacklevel=1)
        pytest.skip("CHROMIUM WAS NOT FOUND (Debian: apt-get install chromium): no client was tried in a browser")
    client, key, said, since = CLIENTS[name], door.browser_key(), calls("ann"), datetime.now(UTC)
    wanted = client.wanted(said)
    page = (PAGES / f"{client.page}.html").read_text("utf-8")
    async with visited(door, page, tmp_path, key, said, client.options) as tab:
        if client.left:
            await tab.eventually("globalThis.isTold", "all to be told")
            await tab.open("about:blank")
        try:
            await door.arrived(key.product, len(wanted))
        finally:
            refused = door.refused()
            print(refused, *tab.complaints, sep="\n")
        assert not refused
    await assert_counted(door, key.product, wanted, since)


def test_the_pages_are_told_as_documented() -> None:
    text = (ROOT / "docs/emit.md").read_text("utf-8")
    told = re.findall(r"^\| [@\w/-]+ \| `(.*HOST.*)` \|$", text, re.MULTILINE)
    pages = (
        "".join(file.read_text("utf-8") for file in PAGES.glob("*.html"))
        .replace(", ...OPTIONS", "")
        .replace(", OPTIONS", "")
    )
    assert len(told) == 5
    assert not [each for each in told if each not in pages]

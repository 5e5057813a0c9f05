"""A first event of one's own, for a demo: a key of its collector, and the command that sends one."""

from __future__ import annotations

from stream.settings import Settings
from stream.store.api_keys import ApiKeys
from stream.store.connect import connect

_PRODUCT = "app"
"""One of those that are simulated: it is on the screen."""


async def create_key(settings: Settings) -> str:
    async with connect(settings) as redis:
        return await ApiKeys(redis, settings.namespace).create(_PRODUCT, "server", None, ())


def command(collector_url: str, key: str) -> str:
    """For a shell."""
    return (
        f"curl {collector_url}/v1/events -H 'Authorization: Bearer {key}' -d "
        '"{\\"type\\": \\"login\\", \\"event_id\\": \\"$(date +%s)\\", \\"user_id\\": \\"ann\\", '
        '\\"timestamp\\": \\"$(date -u +%FT%TZ)\\"}"'
    )

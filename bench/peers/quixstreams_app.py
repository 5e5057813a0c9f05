"""Quix Streams: each customer's last minute in a state store, and a count of customers by that minute.

Run as `python -m bench.peers.quixstreams_app` with Assidu's settings.
"""

from __future__ import annotations

import functools
from typing import Any

from quixstreams import Application, State

from bench.load import FAMILIES
from bench.peers.last_seen import LastSeen, minute_of
from stream.settings import Settings, read_settings


def seen(event: dict[str, Any], state: State[str, int]) -> tuple[int | None, int]:
    """The minute in which the customer was last seen before this event, and with it."""
    before = state.get("last_seen")
    now = max(minute_of(event), before or 0)
    state.set("last_seen", now)
    return before, now


def application(settings: Settings) -> Application:
    app = Application(
        broker_address=settings.kafka,
        consumer_group="quixstreams-peer",
        auto_offset_reset="earliest",
        state_dir="quixstreams-state",
        loglevel="WARNING",
    )
    last_seen = LastSeen(settings.redis.get_secret_value())
    topics = [
        app.dataframe(app.topic(settings.topic_prefix + family, value_deserializer="json")) for family in FAMILIES
    ]
    events = functools.reduce(lambda one, other: one.concat(other), topics)
    events.apply(seen, stateful=True).update(lambda move: last_seen.count(*move))
    return app


if __name__ == "__main__":
    application(read_settings()).run()

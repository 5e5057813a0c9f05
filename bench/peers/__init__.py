"""What a user would pick instead of Assidu, each as its own documentation shows it, on the same preloaded topics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

DONE = "peer:done"
"""Key in Redis: how many events a peer has dealt with, for whoever measures it."""


class Peer(NamedTuple):
    """`needs`: a package beyond Assidu's own; `not_embedded`: why it cannot do with the embedded broker."""

    title: str
    does: str
    module: str
    arguments: tuple[str, ...] = ()
    needs: str | None = None
    not_embedded: str | None = None

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self.module, *self.arguments]

    def missing(self, broker: str) -> str | None:
        """Why it cannot run here, or None."""
        if self.needs and find_spec(self.needs) is None:
            return (
                f"{self.needs} is not installed (no wheel for this Python, or `pip install 'assidu[bench]'` is due)"
            )
        return self.not_embedded if broker == "embedded" else None


BARE = [sys.executable, "-m", "bench.peers.bare_consumer"]
ORDINARY = "ordinary"
PEERS: Mapping[str, Peer] = {
    ORDINARY: Peer(
        "Faust agent, event by event",
        "a stock Faust agent; one Redis pipeline an event: last activity in all and by channel, events by type and "
        "minute; neither exactly once nor without repeats",
        "bench.peers.ordinary_agent",
        ("worker",),
    ),
    "taking": Peer(
        "Faust agent, take(1000)",
        "the same with `stream.take(1000)` and one Redis pipeline a thousand events",
        "bench.peers.taking_agent",
        ("worker",),
    ),
    "quixstreams": Peer(
        "Quix Streams",
        "only a rolling distinct count (who was last seen in which minute) and a counter of events, in its own state",
        "bench.peers.quixstreams_app",
        needs="quixstreams",
        not_embedded="it wants to know each topic's retention.ms, and the embedded broker does not tell",
    ),
    "bytewax": Peer(
        "Bytewax",
        "the same two numbers in its own state, without recovery",
        "bench.peers.bytewax_flow",
        needs="bytewax",
    ),
}

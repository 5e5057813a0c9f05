"""Mending a dead letter of a bridge by a mended mapping: as if the bridge had had it from the first."""

from __future__ import annotations

from schemas import Rejected
from stream.ingest.bridge.formats import Record
from stream.ingest.bridge.run import Bridge, event_of
from stream.ingest.checking import Accepted
from stream.ingest.dead_letters.fix import not_whole
from stream.ingest.dead_letters.letter import Letter


class Remapping:
    """By what `bridge` says of formats and mapping; its topic and group do not matter."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def mended(self, letter: Letter) -> Accepted | Rejected:
        """The event to send, or what is still wrong. Its event_id is the one that the bridge would have given it.

        Of CloudEvents in binary mode a letter has no headers, so they cannot be read again.
        """
        said = letter.said
        if flaw := not_whole(letter):
            return flaw
        record = Record(
            said.topic, said.partition, said.offset, said.timestamp_ms or letter.refused_ms, said.value, {}
        )
        outcome = event_of(record, self._bridge)
        if isinstance(outcome, tuple):
            return Accepted(*outcome)
        if isinstance(outcome, str):
            return Rejected(said.reason, "the mapping leaves it out")
        return Rejected(outcome.reason, outcome.detail)

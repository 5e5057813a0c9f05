"""Which dead letters are meant: by reason, topic, product, time or place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from schemas import REASONS
from stream.ingest.dead_letters.letter import Letter, Place
from stream.runtime.errors import UserError


@dataclass(frozen=True)
class Selection:
    """What is empty or None says nothing; all that is said must hold.

    topics   of the records that were refused: families, or whole names of topics
    since    milliseconds since the epoch of when a letter was written, included; `until` is not
    """

    reasons: Collection[str] = ()
    topics: Collection[str] = ()
    products: Collection[str] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    places: Collection[Place] = ()

    def check(self) -> None:
        """Raises UserError for a reason that there is not. (Topics may be those of a bridge.)"""
        if unknown := [reason for reason in self.reasons if reason not in REASONS]:
            raise UserError(f"--reason {unknown[0]}: choose one of {', '.join(REASONS)}")

    def has(self, letter: Letter, topic_prefix: str) -> bool:
        said = letter.said
        return (
            (not self.places or letter.place in self.places)
            and (not self.reasons or said.reason in self.reasons)
            and (not self.topics or said.topic in self.topics or said.topic.removeprefix(topic_prefix) in self.topics)
            and (self.since_ms is None or letter.refused_ms >= self.since_ms)
            and (self.until_ms is None or letter.refused_ms < self.until_ms)
            and (not self.products or letter.product in self.products)
        )

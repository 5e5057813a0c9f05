"""The event contract: what a message on each family's topic must look like; it knows nothing of stream/."""

from __future__ import annotations

from schemas.decoding import MAX_BYTES, decode, decode_all
from schemas.envelope import DEFAULT_PRODUCT, Event
from schemas.families import FAMILIES, FAMILY_OF_TYPE, TYPES
from schemas.rejected import REASONS, Reason, Rejected

__all__ = [
    "DEFAULT_PRODUCT",
    "FAMILIES",
    "FAMILY_OF_TYPE",
    "MAX_BYTES",
    "REASONS",
    "TYPES",
    "Event",
    "Reason",
    "Rejected",
    "decode",
    "decode_all",
]

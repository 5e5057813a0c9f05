"""The families: which event types travel on which topic."""

from __future__ import annotations

from schemas import clicks, commerce, identity, logins, messages, sessions, support, surveys, usage
from schemas.envelope import Event

TYPES_OF_FAMILY: dict[str, tuple[type[Event], ...]] = {
    "clicks": clicks.TYPES,
    "logins": logins.TYPES,
    "sessions": sessions.TYPES,
    "surveys": surveys.TYPES,
    "usage": usage.TYPES,
    "commerce": commerce.TYPES,
    "support": support.TYPES,
    "messages": messages.TYPES,
    "identity": identity.TYPES,
}
FAMILIES: tuple[str, ...] = tuple(TYPES_OF_FAMILY)
TYPES: dict[str, type[Event]] = {
    str(struct.__struct_config__.tag): struct for types in TYPES_OF_FAMILY.values() for struct in types
}
FAMILY_OF_TYPE: dict[str, str] = {
    str(struct.__struct_config__.tag): family for family, types in TYPES_OF_FAMILY.items() for struct in types
}

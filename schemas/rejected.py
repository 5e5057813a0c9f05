"""Why a message is not an event: a closed set of reasons, as a value."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

Reason = Literal[
    "not_utf8",
    "not_json",
    "too_large",
    "unknown_type",
    "wrong_topic",
    "missing_field",
    "wrong_type",
    "no_customer",
    "bad_timestamp",
    "in_future",
    "too_old",
    "score_out_of_scale",
    "scale_unsupported",
    "misrouted",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Rejected(Struct, frozen=True, gc=False):
    """A message refused: one of REASONS, and which field or byte was wrong and what was expected."""

    reason: Reason
    detail: str

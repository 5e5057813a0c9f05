"""JSON as commands print it: indented, for people and for programs."""

from __future__ import annotations

import msgspec


def json_text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()

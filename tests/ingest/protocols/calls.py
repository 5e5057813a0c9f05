"""What a call becomes, in short."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from stream.ingest.protocols.captured import unzipped
from stream.ingest.protocols.mapping import default_mapping
from stream.ingest.protocols.protocol import Call, Outcome, Routed
from stream.ingest.protocols.routing import route
from stream.ingest.protocols.translate import translate

RECEIVED_MS = 1_774_958_400_000  # 2026-03-31T12:00:00Z
TIME = "2026-03-31T11:59:00.123Z"
MAPPING = default_mapping()


def post(path: str, body: Any, headers: Mapping[str, str] | None = None, **query: str) -> Call:
    """`body` as JSON, unless it is bytes."""
    return Call("POST", path, query, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def routed(call: Call) -> Routed:
    found = route(call, unzipped)
    assert found is not None, call.path
    return found


def outcome(call: Call, **of_key: Any) -> Outcome:
    return translate(routed(call), MAPPING, RECEIVED_MS, **of_key)


def events(call: Call) -> list[dict[str, Any]]:
    """All that came of a call of which nothing is refused."""
    found = outcome(call)
    assert not found.problems
    return [json.loads(value) for _, _, value in found.events]


def event(call: Call) -> dict[str, Any]:
    """What came of a call with one event."""
    [only] = events(call)
    return only


def without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def told(call: Call) -> list[tuple[int, str, str | None]]:
    """The index, reason and field of what is refused."""
    return [(problem.index, problem.reason, problem.field) for problem in outcome(call).problems]


def answer(call: Call) -> tuple[int, dict[str, Any]]:
    reply = routed(call).protocol.answer(outcome(call))
    return reply.status, json.loads(reply.body)


def basic(name: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{name}:'.encode()).decode()}"}

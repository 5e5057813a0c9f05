"""The contract over HTTP as an OpenAPI document: what a collector takes at its own path, and at those of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.describe import example, name, words
from schemas.families import TYPES_OF_FAMILY
from schemas.json_schemas import json_schemas
from schemas.rejected import REASONS

OPENAPI = "3.1.0"
DOCUMENT = Path(__file__).parent / "openapi.json"
SERVER = "http://127.0.0.1:8080"
MOST_EVENTS = 150_000
_JSON = "application/json"

OTHERS: dict[str, dict[str, str]] = {
    "CloudEvents 1.0, structured or batch": {"/cloudevents": "post"},
    "Segment, RudderStack and Jitsu": {
        **{f"/v1/{call}": "post" for call in ("track", "page", "screen", "identify", "group", "alias")},
        **{f"/v1/{several}": "post" for several in ("batch", "import")},
        "/beacon/v1/batch": "post",
    },
    "PostHog": {"/capture": "post", "/e": "post", "/i/v0/e": "post", "/i/v1/analytics/events": "post"},
    "Amplitude": {"/2/httpapi": "post"},
    "PostHog or Amplitude, as the body tells": {"/batch": "post"},
    "Snowplow": {"/com.snowplowanalytics.snowplow/tp2": "post", "/i": "get"},
    "OpenPanel or PostHog, as the body tells": {"/track": "post"},
    "Umami": {"/api/send": "post"},
}
"""Whose clients send events there: path -> method."""

_REFUSALS = {
    "400": "Nothing of it can be used: no JSON, not packed as it says, or no event of the contract.",
    "401": "No key was sent, or there is none like it.",
    "403": "A browser's key, on a page that is not its own.",
    "408": "The body did not come in time.",
    "413": "More than 10 MiB when unpacked, or too many events: send less at once.",
    "415": "A Content-Encoding other than gzip and deflate.",
    "429": "Too much by the key's rate or for the collector, or too many unknown keys from this address: again after "
    "Retry-After seconds.",
    "503": "Kafka is away, and there is no room to wait: again after Retry-After seconds.",
}
_AGAIN = {"429", "503"}


def document(version: str) -> str:
    """The OpenAPI document of a release, as JSON."""
    content = {
        "x-generated": "by python -m schemas.generate from the types and examples in schemas/: do not edit.",
        "openapi": OPENAPI,
        "info": {
            "title": "Assidu's collector",
            "version": version,
            "description": "Takes events of customers, and answers 200 once they are safe: in Kafka with acks=all, "
            "or on the collector's disk until Kafka is back. Every path may end in a slash.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": SERVER}],
        "security": [{each: []} for each in _KEYS],
        "paths": {"/v1/events": {"post": _own()}, **dict(_others())},
        "components": {
            "schemas": {**dict(_events()), **_ANSWERS},
            "responses": dict(_refusals()),
            "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}},
            "securitySchemes": _KEYS,
        },
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


_KEYS: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `assidu keys create`."},
    "basic": {"type": "http", "scheme": "basic", "description": "The key is the name, with any password or none."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT, _OPTIONAL_TEXT = {"type": "string"}, {"type": ["string", "null"]}
_COUNTS: dict[str, Any] = {
    "accepted": {**_COUNT, "description": "Events that are safe."},
    "refused": {**_COUNT, "description": "Events that are not, and never will be like this."},
    "problems": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Problem"},
        "description": "Of the refused ones the first thousand.",
    },
    "left_out": {
        "type": "object",
        "additionalProperties": _COUNT,
        "description": "Events of no customer, how many by why; only other systems send such.",
    },
}
_ANSWERS: dict[str, Any] = {
    "Accepted": {"type": "object", "required": list(_COUNTS), "properties": _COUNTS},
    "Problem": {
        "type": "object",
        "required": ["index", "reason", "field", "detail", "event_id"],
        "properties": {
            "index": {**_COUNT, "description": "Its place in the request, from 0."},
            "reason": {"enum": list(REASONS)},
            "field": {**_OPTIONAL_TEXT, "description": "Which it is about, if it is about one."},
            "detail": _TEXT,
            "event_id": {**_OPTIONAL_TEXT, "description": "As it was sent."},
        },
    },
    "Error": {
        "type": "object",
        "description": "Nothing of the request was taken.",
        "required": ["code", "status", "error", "message", "detail"],
        "properties": {
            "code": {"type": "integer", "description": "The HTTP status."},
            "status": {"type": "integer"},
            "error": _TEXT,
            "message": _TEXT,
            "detail": {**_TEXT, "description": "What is wrong, and what to do."},
            **_COUNTS,
        },
    },
}


def _own() -> dict[str, Any]:
    return {
        "operationId": "sendEvents",
        "summary": "Send events: one, an array of them, or one a line.",
        "description": "Of a request the good events are taken, and the others named. The product is the key's. Send "
        "again with the same event_id whatever was answered by 429 or 5xx, or not at all: it counts once.",
        "parameters": [
            {
                "name": "Content-Encoding",
                "in": "header",
                "description": "How the body is packed.",
                "schema": {"enum": ["gzip", "deflate", "identity"]},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {
                    "schema": {
                        "anyOf": [
                            _ref("schemas/Event"),
                            {"type": "array", "maxItems": MOST_EVENTS, "items": _ref("schemas/Event")},
                        ]
                    },
                    "examples": {story: {"value": message} for story, message in _examples()},
                },
                "application/x-ndjson": {"schema": {**_TEXT, "description": "An event on each line."}},
            },
        },
        "responses": {
            "200": {
                "description": "All but the refused events are safe.",
                "content": {_JSON: {"schema": _ref("schemas/Accepted")}},
            },
            **{status: _ref(f"responses/{status}") for status in _REFUSALS},
        },
    }


def _others() -> Iterator[tuple[str, dict[str, Any]]]:
    for whose, paths in OTHERS.items():
        for path, method in paths.items():
            yield path, {method: _other(whose, path, method)}


def _other(whose: str, path: str, method: str) -> dict[str, Any]:
    content = {_JSON: {"schema": {"type": ["object", "array"]}}}
    body = {"requestBody": {"content": content}} if method == "post" else {}
    return {
        "operationId": method + "".join(part.title() for part in path.replace(".", "/").split("/")),
        "summary": f"Events as clients of {whose} send them.",
        "description": "The mapping file says what becomes of them (docs/emit.md). The key may also be where these "
        "clients put it.",
        "security": [],
        **body,
        "responses": {
            "200": {"description": "In the form that these clients take for done."},
            **{status: _ref(f"responses/{status}") for status in _REFUSALS},
        },
    }


def _refusals() -> Iterator[tuple[str, dict[str, Any]]]:
    for status, means in _REFUSALS.items():
        again = {"headers": {"Retry-After": _ref("headers/Retry-After")}} if status in _AGAIN else {}
        yield status, {"description": means, **again, "content": {_JSON: {"schema": _ref("schemas/Error")}}}


def _events() -> Iterator[tuple[str, dict[str, Any]]]:
    """Of every type the definition of the JSON Schemas."""
    types = [(family, struct) for family, types in TYPES_OF_FAMILY.items() for struct in types]
    refs = {name(struct): _ref(f"schemas/{struct.__name__}") for _, struct in types}
    mapping = {type_: ref["$ref"] for type_, ref in refs.items()}
    yield (
        "Event",
        {
            "oneOf": list(refs.values()),
            "discriminator": {"propertyName": "type", "mapping": mapping},
            "description": "An event; unknown fields are ignored.",
        },
    )
    texts = json_schemas()
    for family in TYPES_OF_FAMILY:
        yield from json.loads(texts[family].replace("#/$defs/", "#/components/schemas/"))["$defs"].items()


def _examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for family, types in TYPES_OF_FAMILY.items():
        struct: type[Struct] = types[0]
        yield words(struct).rstrip("."), example(family, struct).message


def _ref(path: str) -> dict[str, str]:
    return {"$ref": f"#/components/{path}"}

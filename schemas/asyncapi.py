"""The contract as an AsyncAPI document, as a product sees it: what it sends, and what Assidu itself says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from schemas.describe import example, name, topic_words, words
from schemas.families import TYPES_OF_FAMILY
from schemas.json_schemas import SAID, json_schemas

ASYNCAPI = "3.0.0"
BROKER = "127.0.0.1:9092"
PREFIX = "engagement."

_KEY = {
    "type": "string",
    "description": "The bare id of the customer, by which events are partitioned (murmur2); the product, where an "
    "event is of no customer.",
}


def document(version: str) -> str:
    """The AsyncAPI document of a release, as JSON."""
    topics: dict[str, Sequence[type[Struct]]] = {
        **TYPES_OF_FAMILY,
        **{topic: (struct,) for topic, struct in SAID.items()},
    }
    content = {
        "x-generated": "by python -m schemas.generate from the types and examples in schemas/: do not edit.",
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Assidu",
            "version": version,
            "description": "Events of customers, one a message, and what Assidu says of them. Unknown fields are "
            "ignored, wrong types are refused; an optional field that is null or empty counts as absent.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{broker}",
                "protocol": "kafka",
                "variables": {"broker": {"default": BROKER, "description": "As ASSIDU_KAFKA names it."}},
            }
        },
        "channels": {topic: _channel(topic, types) for topic, types in topics.items()},
        "operations": dict(_operation(topic, types) for topic, types in topics.items()),
        "components": {
            "messages": {
                name(struct): _message(topic, struct) for topic, types in topics.items() for struct in types
            },
            "messageTraits": {"keyed": {"bindings": {"kafka": {"key": _KEY}}}},
            "parameters": {"prefix": {"default": PREFIX, "description": "As ASSIDU_TOPIC_PREFIX says."}},
            "schemas": dict(_schemas()),
        },
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _channel(topic: str, types: Sequence[type[Struct]]) -> dict[str, Any]:
    return {
        "address": f"{{prefix}}{topic}",
        "description": topic_words(types),
        "parameters": {"prefix": _ref("components/parameters/prefix")},
        "messages": {name(struct): _ref(f"components/messages/{name(struct)}") for struct in types},
    }


def _operation(topic: str, types: Sequence[type[Struct]]) -> tuple[str, dict[str, Any]]:
    action = "receive" if topic in SAID else "send"
    operation = {
        "action": action,
        "channel": _ref(f"channels/{topic}"),
        "messages": [_ref(f"channels/{topic}/messages/{name(struct)}") for struct in types],
    }
    return action + topic.title().replace("-", ""), operation


def _message(topic: str, struct: type[Struct]) -> dict[str, Any]:
    story, message = example(topic, struct)
    keyed = {} if topic == "dead-letters" else {"traits": [_ref("components/messageTraits/keyed")]}
    return {
        "name": name(struct),
        "title": struct.__name__,
        "summary": words(struct),
        "payload": _ref(f"components/schemas/{struct.__name__}"),
        **keyed,
        "examples": [{"name": story, "payload": message}],
    }


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """The definitions of the JSON Schemas, where AsyncAPI has them."""
    for text in json_schemas().values():
        yield from json.loads(text.replace("#/$defs/", "#/components/schemas/"))["$defs"].items()


def _ref(path: str) -> dict[str, str]:
    return {"$ref": f"#/{path}"}

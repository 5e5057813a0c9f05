"""Write what follows from the types and the examples, into this checkout: `python -m schemas.generate`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from schemas import asyncapi, openapi
from schemas.json_schemas import json_schemas
from schemas.methods import event_methods
from schemas.reference import with_reference

CHECKOUT = Path(__file__).parent.parent
JSON_SCHEMAS = Path("schemas/json")
ASYNCAPI = Path("schemas/asyncapi.json")
OPENAPI = Path("schemas/openapi.json")
EVENTS = Path("docs/events.md")
EVENT_METHODS = Path("schemas/event_methods.py")


def generated() -> dict[Path, str]:
    """Path within the checkout -> the text that belongs there; of docs/events.md only parts are generated."""
    version = tomllib.loads(_read(Path("pyproject.toml")))["project"]["version"]
    return {
        **{JSON_SCHEMAS / f"{topic}.json": text for topic, text in json_schemas().items()},
        ASYNCAPI: asyncapi.document(version),
        OPENAPI: openapi.document(version),
        EVENT_METHODS: event_methods(),
        EVENTS: with_reference(_read(EVENTS)),
    }


def _read(path: Path) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


if __name__ == "__main__":
    for path, text in generated().items():
        (CHECKOUT / path).write_text(text, encoding="utf-8")

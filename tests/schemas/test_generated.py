"""The JSON Schemas in the repository are those of the types, and say what the decoder says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import fields

import schemas
from schemas import FAMILIES, FAMILY_OF_TYPE, TYPES, Event, decode
from schemas.generate import FOLDER
from schemas.generate import schemas as generated

EXAMPLES = Path(schemas.__file__).parent / "examples"
ACCEPTED = sorted((EXAMPLES / "accepted").rglob("*.json"))
BEYOND_A_SCHEMA = {"bad_timestamp", "too_large", "not_json"}
"""Reasons that lie in the text of the message, or in what a string means."""
REJECTED = sorted(
    path for path in (EXAMPLES / "rejected").rglob("*.json") if path.name.split(".")[-2] not in BEYOND_A_SCHEMA
)
NOT_AN_INTEGER = "nps-score-of-seven-point-zero.wrong_type.json"
"""To JSON Schema 7.0 is an integer."""
NEEDED_BESIDE_OTHERS = {("product_return", "currency")}
"""Fields that a full event needs because of another one, though by themselves they may be left out."""

VALIDATORS = {
    family: Draft202012Validator(json.loads(text))
    for family in FAMILIES
    if (text := generated().get(f"{family}.json"))
}


def story(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def test_the_json_schemas_are_up_to_date() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert written == generated(), "run: python -m schemas.generate"


@pytest.mark.parametrize("path", [*ACCEPTED, *REJECTED], ids=story)
def test_the_examples_are_to_the_schemas_what_they_are_to_the_decoder(path: Path) -> None:
    valid = VALIDATORS[path.parent.name].is_valid(json.loads(path.read_bytes()))

    assert valid == (path in ACCEPTED or path.name == NOT_AN_INTEGER)


@pytest.mark.parametrize("name", TYPES)
def test_the_schemas_let_be_empty_what_the_decoder_does(name: str) -> None:
    family = FAMILY_OF_TYPE[name]
    full: dict[str, Any] = max(
        (message for path in ACCEPTED if (message := json.loads(path.read_bytes()))["type"] == name), key=len
    )
    for field in fields(TYPES[name]):
        for empty in ("", None):
            message = full | {field.name: empty}
            accepted = isinstance(decode(json.dumps(message).encode(), family), Event)
            if (field.name, empty) != ("timestamp", ""):  # a schema looks at no format
                assert VALIDATORS[family].is_valid(message) == accepted, message
            assert accepted == (not field.required and (name, field.name) not in NEEDED_BESIDE_OTHERS)

"""What is generated from the schemas is up to date, and JSON Schemas say what the decoder says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import fields

from schemas import FAMILY_OF_TYPE, TYPES, Event, decode
from schemas.generate import CHECKOUT, JSON_SCHEMAS, generated
from schemas.json_schemas import SAID as TYPES_SAID
from schemas.json_schemas import json_schemas
from tests import examples
from tests.examples import ACCEPTED, SAID, reason, story

BEYOND_A_SCHEMA = {"bad_timestamp", "too_large", "not_json"}
"""Reasons that lie in the text of the message, or in what a string means."""
REJECTED = [path for path in examples.REJECTED if path.suffix == ".json" and reason(path) not in BEYOND_A_SCHEMA]
NOT_AN_INTEGER = "nps-score-of-seven-point-zero.wrong_type.json"
"""To JSON Schema 7.0 is an integer."""
NEEDED_BESIDE_OTHERS = {("product_return", "currency")}
"""Fields that a full event needs because of another one, though by themselves they may be left out."""

VALIDATORS = {topic: Draft202012Validator(json.loads(text)) for topic, text in json_schemas().items()}


def test_every_generated_file_is_as_the_types_and_examples_are_now() -> None:
    written = {path: (CHECKOUT / path).read_text(encoding="utf-8") for path in generated()}
    assert written == generated(), "run: make render"
    folder = {path.relative_to(CHECKOUT) for path in (CHECKOUT / JSON_SCHEMAS).iterdir()}
    assert folder <= generated().keys(), "remove what nothing generates any more"


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


@pytest.mark.parametrize("path", SAID, ids=story)
def test_what_assidu_says_is_to_the_schemas_what_it_is_to_its_types(path: Path) -> None:
    topic = path.parent.name
    assert VALIDATORS[topic].is_valid(json.loads(path.read_bytes()))
    assert msgspec.json.decode(path.read_bytes(), type=TYPES_SAID[topic])

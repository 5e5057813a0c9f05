"""The AsyncAPI document is one, and says what the decoder and the settings say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemas import TYPES
from schemas.describe import name
from schemas.generate import ASYNCAPI, generated
from schemas.json_schemas import SAID as TYPES_SAID
from stream.kafka.topics import topic_names
from stream.settings import Settings
from tests import examples
from tests.examples import ACCEPTED, SAID, reason, story

DEFAULTS = Settings(_env_file=None)
DOCUMENT: dict[str, Any] = json.loads(generated()[ASYNCAPI])
SPECIFICATION = Path(__file__).parent / "asyncapi" / f"{DOCUMENT['asyncapi']}.json.gz"

OF_A_KNOWN_TYPE = {"missing_field", "no_customer", "score_out_of_scale", "scale_unsupported"}
"""Reasons that lie in the fields of one type, and that a schema sees."""
REJECTED = [path for path in examples.REJECTED if path.suffix == ".json" and reason(path) in OF_A_KNOWN_TYPE]


def at(reference: str) -> Any:
    """What a reference within the document points to."""
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            assert len(value) == 1, f"what stands beside a reference is ignored: {value}"
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def payload_of(type_: str) -> Draft7Validator:
    reference = DOCUMENT["components"]["messages"][type_]["payload"]["$ref"]
    return Draft7Validator({"$ref": reference, "components": DOCUMENT["components"]})


def test_is_valid_by_the_schema_of_asyncapi_itself() -> None:
    specification = Draft7Validator(json.loads(gzip.decompress(SPECIFICATION.read_bytes())))
    assert [error.message for error in specification.iter_errors(DOCUMENT)] == []
    broken = DOCUMENT | {"operations": {"sendClicks": {"action": "shout"}}}
    assert not specification.is_valid(broken), "the schema must see something"


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        at(reference)


def test_its_channels_are_the_topics_with_the_prefix_and_the_broker_of_the_default_settings() -> None:
    addresses = [
        channel["address"].format(prefix=at(channel["parameters"]["prefix"]["$ref"])["default"])
        for channel in DOCUMENT["channels"].values()
    ]
    assert sorted(addresses) == sorted(topic_names(DEFAULTS))
    assert DOCUMENT["servers"]["kafka"]["variables"]["broker"]["default"] == DEFAULTS.kafka


def test_products_send_every_type_once_and_read_what_assidu_says() -> None:
    done: dict[str, list[str]] = {"send": [], "receive": []}
    for operation in DOCUMENT["operations"].values():
        assert all(
            message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
            for message in operation["messages"]
        )
        done[operation["action"]] += (at(at(message["$ref"])["$ref"])["name"] for message in operation["messages"])
    assert done == {"send": list(TYPES), "receive": list(map(name, TYPES_SAID.values()))}


@pytest.mark.parametrize("type_", DOCUMENT["components"]["messages"])
def test_every_message_is_explained_and_has_an_example_that_fits_its_schema(type_: str) -> None:
    message = DOCUMENT["components"]["messages"][type_]
    assert message["summary"].endswith((".", "…"))
    [example] = message["examples"]
    assert payload_of(type_).is_valid(example["payload"])
    assert example["payload"].get("type", type_) == type_


@pytest.mark.parametrize("path", [*ACCEPTED, *SAID, *REJECTED], ids=story)
def test_the_examples_are_to_the_payloads_what_they_are_to_the_decoder(path: Path) -> None:
    message = json.loads(path.read_bytes())
    if "type" in message:
        assert payload_of(message["type"]).is_valid(message) == (path not in REJECTED)

"""The example messages decode as their file names say."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from schemas import FAMILIES, FAMILY_OF_TYPE, REASONS, TYPES, Event, Rejected, decode, decode_all
from schemas.envelope import OfProduct
from tests.examples import ACCEPTED, REJECTED, reason, story

FOUND_BY_THE_WORKER = {"in_future", "too_old", "misrouted"}


@pytest.mark.parametrize("path", ACCEPTED, ids=story)
def test_accepts(path: Path) -> None:
    event = decode(path.read_bytes(), path.parent.name)

    assert isinstance(event, Event), event
    assert FAMILY_OF_TYPE[event.type] == path.parent.name


@pytest.mark.parametrize("path", REJECTED, ids=story)
def test_rejects(path: Path) -> None:
    rejected = decode(path.read_bytes(), path.parent.name)

    assert isinstance(rejected, Rejected), rejected
    assert rejected.reason == reason(path), rejected
    assert 0 < len(rejected.detail) <= 200


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_minimal_and_a_full_example(name: str) -> None:
    keys = [set(message) for path in ACCEPTED if (message := json.loads(path.read_bytes()))["type"] == name]
    fields = msgspec.structs.fields(TYPES[name])
    required = {field.name for field in fields if field.required}

    customer: set[str] = set() if issubclass(TYPES[name], OfProduct) else {"user_id"}
    assert required | {"type"} | customer in keys
    assert {field.name for field in fields} | {"type"} in keys


def test_every_reason_that_decoding_can_give_has_an_example() -> None:
    assert {reason(path) for path in REJECTED} == set(REASONS) - FOUND_BY_THE_WORKER


def test_examples_lie_in_folders_of_families() -> None:
    assert {path.parent.name for path in ACCEPTED + REJECTED} <= set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_decodes_many_messages_as_it_does_each(family: str) -> None:
    """All the examples, whatever their family: the good ones alone, each bad one among good ones, and none."""
    values: list[bytes | None] = [path.read_bytes() for path in ACCEPTED]
    own: list[bytes | None] = [path.read_bytes() for path in ACCEPTED if path.parent.name == family]
    assert decode_all([], family) == []
    assert decode_all(values, family) == [decode(value, family) for value in values]
    assert decode_all(own * 100, family) == [decode(value, family) for value in own] * 100
    for bad in [None, *(path.read_bytes() for path in REJECTED)]:
        mixed = [*own, bad, *own]
        assert decode_all(mixed, family) == [decode(value, family) for value in mixed]

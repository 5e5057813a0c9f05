"""The OpenAPI document is true of a running collector, whatever schemathesis makes of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trying
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from schemas import openapi
from schemas.generate import OPENAPI, generated
from stream.ingest.protocols.protocol import MOST_EVENTS, Problem
from stream.ingest.protocols.routing import methods
from stream.settings import Settings
from tests.ingest.collector.collecting import Client, collecting

DOCUMENT: dict[str, Any] = json.loads(generated()[OPENAPI])
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 15


def test_it_names_paths_and_limits_that_the_collector_has() -> None:
    for path, operations in DOCUMENT["paths"].items():
        assert {method.upper() for method in operations} <= set(methods(path)), path
    assert openapi.MOST_EVENTS == MOST_EVENTS
    assert DOCUMENT["servers"] == [{"url": f"http://127.0.0.1:{Settings(_env_file=None).collector_port}"}]
    problem = DOCUMENT["components"]["schemas"]["Problem"]["properties"]
    assert set(problem) == set(Problem.__struct_fields__)


async def test_it_is_served(client: Client) -> None:
    answer = await client.post(None, "/openapi.json", key=None, method="GET")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == DOCUMENT


@pytest.mark.parametrize("mode", GenerationMode)
async def test_every_answer_is_as_it_says(deployed: Settings, mode: GenerationMode) -> None:
    async with collecting(deployed) as client:
        statuses = await asyncio.to_thread(sent, f"http://127.0.0.1:{client.port}", client.key, mode)
        assert (await client.post(b"[]")).status == 200
    assert ("/v1/events", 200 if mode is GenerationMode.POSITIVE else 400) in statuses


def sent(url: str, key: str, mode: GenerationMode) -> set[tuple[str, int]]:
    """What the document allows, or what it does not; paths, and with which statuses they answered."""
    statuses: set[tuple[str, int]] = set()
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.POSITIVE or operation.body:  # else there is nothing in it to be wrong
            statuses |= {(operation.path, status) for status in statuses_of(operation, url, key, mode)}
    return statuses


def statuses_of(operation: Any, url: str, key: str, mode: GenerationMode) -> set[int]:
    statuses: set[int] = set()

    @trying(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        answer = case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
        statuses.add(answer.status_code)

    send()
    return statuses

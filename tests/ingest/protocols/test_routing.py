"""Whose a request is."""

from __future__ import annotations

from typing import Any

import pytest

from stream.ingest.protocols.captured import unzipped
from stream.ingest.protocols.protocol import Call, Refusal
from stream.ingest.protocols.routing import PROTOCOLS, config, methods, route
from tests.ingest.protocols.calls import post, routed


@pytest.mark.parametrize(
    ("path", "body", "headers", "protocol"),
    [
        ("/batch", {"batch": [{"event": "x"}]}, {}, "posthog"),
        ("/batch", {"events": [], "api_key": "k"}, {}, "amplitude"),
        ("/track", {"type": "track", "payload": {}}, {}, "openpanel"),
        ("/track", {}, {"openpanel-client-id": "k"}, "openpanel"),
        ("/track", {"event": "x"}, {}, "posthog"),
        ("/v1/events", {"specversion": "1.0"}, {}, "cloudevents"),
        ("/v1/events", {}, {"ce-specversion": "1.0"}, "cloudevents"),
        ("/v1/events", [], {"content-type": "application/cloudevents-batch+json"}, "cloudevents"),
        ("/v1/events", {"type": "login"}, {}, "native"),
        ("/native/v1/events", {"specversion": "1.0"}, {}, "native"),
        ("/posthog/batch", {"events": []}, {}, "posthog"),
        ("/v1/track", {}, {}, "segment"),
    ],
)
def test_paths_that_several_serve_are_told_apart_by_content(
    path: str, body: Any, headers: dict[str, str], protocol: str
) -> None:
    assert routed(post(path, body, headers)).protocol.name == protocol


@pytest.mark.parametrize(("path", "body"), [("/batch", {}), ("/track", [1]), ("/batch", 7), ("/batch", None)])
def test_what_cannot_be_told_apart_is_refused_with_the_way_out(path: str, body: Any) -> None:
    with pytest.raises(Refusal, match="put one of these names in front of the path"):
        route(post(path, body), unzipped)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/events", ("POST",)),
        ("/e", ("POST", "GET")),
        ("/i", ("GET",)),
        ("/sourceConfig", ("GET",)),
        ("/segment/sourceConfig", ("GET",)),
        ("/flags", ("POST", "GET")),
        ("/v1/projects/k/settings", ("GET",)),
        ("/nowhere", ()),
        ("/segment", ()),
        ("/amplitude/v1/events", ()),
        ("/", ()),
        ("", ()),
    ],
)
def test_which_methods_a_path_has(path: str, allowed: tuple[str, ...]) -> None:
    assert methods(path) == allowed


@pytest.mark.parametrize("path", ["/nowhere", "/v1/events/x", "/native/track"])
def test_a_path_that_nobody_serves(path: str) -> None:
    assert route(post(path, {}), unzipped) is None
    assert config(Call("GET", path)) is None


def test_a_browser_sdk_under_a_prefix_is_told_to_send_there() -> None:
    reply = config(Call("GET", "/segment/v1/projects/k/settings", base="https://c.example"))

    assert reply is not None
    assert b'"apiHost":"c.example/segment/v1"' in reply.body


def test_every_protocol_is_served_under_its_name() -> None:
    assert set(PROTOCOLS) == {
        "native", "segment", "posthog", "cloudevents", "snowplow", "amplitude", "openpanel", "umami",
    }  # fmt: skip

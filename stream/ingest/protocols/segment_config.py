"""The documents without which the browser SDKs of Segment and RudderStack send nothing: their own events, no more."""

from __future__ import annotations

import re
from typing import Any

from stream.ingest.protocols.credentials import header_key
from stream.ingest.protocols.protocol import Call, Reply, json_reply

_SETTINGS = re.compile(r"/v1/projects/(?P<key>[^/]+)/settings")
_SOURCE_CONFIG = "/sourceConfig"
_METRICS = "/v1/m"
_LONG_AGO = "2020-01-01T00:00:00.000Z"


def config(call: Call) -> Reply | None:
    if call.method == "GET" and (found := _SETTINGS.fullmatch(call.path)):
        return json_reply(_segment(found["key"], call.base))
    if call.method == "GET" and call.path == _SOURCE_CONFIG:
        return json_reply(_rudder(call.query.get("writeKey") or header_key(call) or ""))
    if call.method == "POST" and call.path == _METRICS:  # of the SDK about itself
        return json_reply({"success": True})
    return None


def _segment(key: str, base: str) -> Any:
    """The one integration is the sender of events, which then go to where this came from."""
    sender: dict[str, Any] = {"apiKey": key, "unbundledIntegrations": [], "addBundledMetadata": True}
    protocol, colon, host = base.partition("://")
    if colon:
        sender |= {"apiHost": f"{host}/v1", "protocol": protocol}
    return {
        "integrations": {"Segment.io": sender},
        "plan": {
            call: {"__default": {"enabled": True, "integrations": {}}} for call in ("track", "identify", "group")
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _rudder(key: str) -> Any:
    """A source without destinations, that tells nobody of its errors."""
    silent = {"enabled": False}
    source = {
        "id": "assidu",
        "name": "assidu",
        "writeKey": key,
        "enabled": True,
        "workspaceId": "assidu",
        "config": {"statsCollection": {"errors": silent, "metrics": silent}},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
        "updatedAt": _LONG_AGO,
    }
    return {"source": source, "updatedAt": _LONG_AGO}

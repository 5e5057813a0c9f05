"""What PostHog's browser SDK asks for before it sends: no flags, no surveys, no recordings, no heat maps."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from stream.ingest.protocols.protocol import Call, Reply, json_reply

_ARRAY = re.compile(r"/array/(?P<key>[^/]+)/config(?P<script>\.js)?")
_FLAGS = frozenset({"/flags", "/decide"})
_NONE_OF = {"/api/surveys": "surveys", "/api/early_access_features": "earlyAccessFeatures"}


def config(call: Call) -> Reply | None:
    if call.path in _FLAGS and call.method in ("POST", "GET"):
        return json_reply(_flags())
    if call.method != "GET":
        return None
    if call.path in _NONE_OF:
        return json_reply({_NONE_OF[call.path]: []})
    if found := _ARRAY.fullmatch(call.path):
        if not found["script"]:
            return json_reply(_remote_config(found["key"]))
        return Reply(200, {"content-type": "application/javascript"}, _script(found["key"]))
    return None


def _remote_config(key: str) -> dict[str, Any]:
    """Of surveys nothing is said: were it that there are none, the SDK would look for their script here, in vain."""
    return {
        "token": key,
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "autocapture_opt_out": False,
        "autocaptureExceptions": False,
        "analytics": {"endpoint": "/i/v0/e/"},
        "elementsChainAsString": True,
        "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
        "sessionRecording": False,
        "heatmaps": False,
        "defaultIdentifiedOnly": True,
        "siteApps": [],
    }


def _flags() -> dict[str, Any]:
    return {
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        **{name: value for name, value in _remote_config("").items() if name != "token"},
    }


def _script(key: str) -> bytes:
    """The same as a script, as the snippet loads it. `<` is escaped, for scripts may be put into pages."""
    name, settings = (
        msgspec.json.encode(value).replace(b"<", b"\\u003c")
        for value in (key, {"config": _remote_config(key), "siteApps": []})
    )
    registry = b"window._POSTHOG_REMOTE_CONFIG"
    return b"%s=%s||{};%s[%s]=%s;" % (registry, registry, registry, name, settings)

"""Whose a request is: by its path, by the prefix in front of it, and where several protocols share it, by content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stream.ingest.protocols.amplitude import Amplitude
from stream.ingest.protocols.cloudevents import CloudEvents
from stream.ingest.protocols.documents import document
from stream.ingest.protocols.native import Native
from stream.ingest.protocols.openpanel import OpenPanel
from stream.ingest.protocols.posthog import PostHog
from stream.ingest.protocols.protocol import Call, Inflate, Protocol, Refusal, Reply, Routed
from stream.ingest.protocols.segment import Segment
from stream.ingest.protocols.snowplow import Snowplow
from stream.ingest.protocols.umami import Umami

# Of those that serve the same path, who is surer comes first.
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        CloudEvents(),
        Native(),
        Segment(),
        OpenPanel(),
        Amplitude(),
        PostHog(),
        Snowplow(),
        Umami(),
    )
}
_METHODS = ("POST", "GET")


def methods(path: str) -> tuple[str, ...]:
    """With which methods a path may be called; none where nothing is there."""
    return tuple(method for method in _METHODS if _served(Call(method, path)))


def config(call: Call) -> Reply | None:
    """A harmless document that a client asks for; None where none is asked for."""
    replies = (protocol.config(inner) for protocol, inner in _prefixed(call))
    return next((reply for reply in replies if reply is not None), None)


def route(call: Call, inflate: Inflate) -> Routed | None:
    """The protocol of a request, with its document; None where there is no such path or method.

    Raises Refusal where the body is no JSON, or none of those that the path is for.
    """
    served = [(protocol, inner) for protocol, inner in _prefixed(call) if protocol.serves(call.method, inner.path)]
    if not served:
        return None
    read = document(call, inflate, lines=any(protocol.lines for protocol, _ in served))
    if len(served) == 1:
        [(protocol, inner)] = served
        return Routed(protocol, inner, read)
    for protocol, inner in served:
        if protocol.claims(inner, read):
            return Routed(protocol, inner, read)
    names = " or ".join(protocol.name for protocol, _ in served)
    raise Refusal(f"cannot tell whose events these are, of {names}: put one of these names in front of the path")


def _served(call: Call) -> bool:
    return any(protocol.serves(call.method, inner.path) for protocol, inner in _prefixed(call)) or (
        config(call) is not None
    )


def _prefixed(call: Call) -> Iterator[tuple[Protocol, Call]]:
    """The protocols that a path may be of, with the call as they know it."""
    _, first, *rest = call.path.split("/", 2) if call.path.startswith("/") else ("", "")
    if rest and (named := PROTOCOLS.get(first)):
        base = f"{call.base}/{first}" if call.base else ""
        yield named, replace(call, path=f"/{rest[0]}", base=base)
    else:
        for protocol in PROTOCOLS.values():
            yield protocol, call

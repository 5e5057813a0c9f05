"""The handler: one request, from its headers to its answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import structlog
from aiohttp import web

from stream.ingest.collector.addresses import Address, Proxies, home
from stream.ingest.collector.bodies import inflating, read_body
from stream.ingest.collector.bots import is_bot
from stream.ingest.collector.cors import allowing, origin_of, preflight
from stream.ingest.collector.durable import DurableSink
from stream.ingest.collector.guesses import Guesses
from stream.ingest.collector.in_flight import InFlight, Share
from stream.ingest.collector.keyring import Keyring, UnknownKey
from stream.ingest.collector.measures import Measures
from stream.ingest.collector.rates import Rates
from stream.ingest.collector.refused import Refused
from stream.ingest.protocols.protocol import Call, Outcome, Protocol, Refusal, Reply, error_reply
from stream.ingest.protocols.routing import config, methods, route
from stream.ingest.protocols.rules import Mapping
from stream.ingest.protocols.translate import translate
from stream.store.api_keys import CANARY, Known

log = structlog.get_logger()

_methods = lru_cache(1024)(methods)


@dataclass
class _Seen:
    """What is known of a request by now."""

    protocol: str | None = None
    canary: bool = False


class _Read(NamedTuple):
    """A request that was understood, without its body."""

    protocol: Protocol
    known: Known
    bot: bool
    outcome: Outcome


class Handler:
    """`prefix` is the path below which everything may also be asked for."""

    def __init__(
        self,
        prefix: str,
        mapping: Mapping,
        keyring: Keyring,
        rates: Rates,
        sink: DurableSink,
        in_flight: InFlight,
        measures: Measures,
        proxies: Proxies,
    ) -> None:
        self._prefix = prefix
        self._mapping = mapping
        self._keyring = keyring
        self._rates = rates
        self._sink = sink
        self._in_flight = in_flight
        self._measures = measures
        self._proxies = proxies
        self._guesses = Guesses()

    async def answer(self, request: web.Request) -> web.Response:
        """Whatever goes wrong, in the form that clients understand, and readable for a page of another origin."""
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=preflight(request.headers))
        began = time.monotonic()
        seen, headers = _Seen(), dict[str, str]()
        try:
            with self._in_flight.share() as share:
                reply = await self._reply(request, share, seen)
        except Refusal as refusal:
            reply = error_reply(refusal.status, refusal.error, refusal.detail)
            if isinstance(refusal, Refused):
                headers = refusal.headers
        except Exception:
            log.exception("a request could not be answered", protocol=seen.protocol)
            reply = error_reply(500, "internal error", "a fault of the collector's: try again")
        if not seen.canary:
            self._measures.answered(seen.protocol, reply.status, time.monotonic() - began)
        return web.Response(
            status=reply.status, body=reply.body, headers={**reply.headers, **headers, **allowing(request.headers)}
        )

    async def _reply(self, request: web.Request, share: Share, seen: _Seen) -> Reply:
        path = self._path(request.path)
        allowed = _methods(path)
        if not allowed:
            raise Refused(404, "not found", "nothing is taken at this path")
        if request.method not in allowed:
            raise Refused(
                405,
                "method not allowed",
                f"expected {' or '.join(sorted(allowed))}",
                headers={"Allow": ", ".join(sorted((*allowed, "OPTIONS")))},
            )
        received_ms = int(time.time() * 1000)
        call = self._call(request, path, await read_body(request, share))
        if document := config(call):
            return document
        client = self._proxies.client(request.remote, request.headers.getall("X-Forwarded-For", ()))
        read = self._read(call, share, seen, origin_of(request.headers), client, received_ms)
        del call  # nobody needs the body while Kafka is waited for
        await self._keep(read)
        return read.protocol.answer(read.outcome)

    def _read(
        self, call: Call, share: Share, seen: _Seen, origin: str | None, client: Address | None, received_ms: int
    ) -> _Read:
        """What a request becomes. Raises Refusal."""
        routed = route(call, inflating(share))
        if routed is None:
            raise Refused(404, "not found", "nothing like this is taken at this path")
        seen.protocol = routed.protocol.name
        known = self._known(routed.key, origin, client)
        seen.canary = known.id == CANARY
        self._rates.check(known)
        bot = known.key.kind == "browser" and is_bot(call.headers.get("user-agent", ""))
        outcome = translate(routed, self._mapping, received_ms, product=known.key.product, bot=bot)
        return _Read(routed.protocol, known, bot, outcome)

    def _known(self, key: str | None, origin: str | None, client: Address | None) -> Known:
        """Raises Refused."""
        if client is None:
            return self._keyring.find(key, origin)
        self._guesses.check(home(client))
        try:
            return self._keyring.find(key, origin)
        except UnknownKey:
            self._guesses.note(home(client), key or "")
            raise

    async def _keep(self, read: _Read) -> None:
        """Raises Refused: some of the events are not safe, or the key may not send so many."""
        protocol, events = read.protocol.name, read.outcome.events
        if read.known.id == CANARY:
            await self._sink.write(events, spooled=False)
            return
        if events:
            await self._rates.charge(read.known, len(events))
            self._measures.accepted(protocol, await self._sink.write(events), len(events), read.bot)
        self._measures.refused(protocol, read.outcome)

    def _call(self, request: web.Request, path: str, body: bytes) -> Call:
        headers = {name.lower(): value for name, value in request.headers.items()}
        scheme = request.scheme
        if self._proxies.trusts(request.remote):
            scheme = headers.get("x-forwarded-proto", scheme)
        base = f"{scheme}://{request.host}{self._prefix}"
        return Call(request.method, path, dict(request.query.items()), headers, body, base)

    def _path(self, path: str) -> str:
        """The protocols' own: without the prefix, without a slash at its end."""
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            path = path.removeprefix(self._prefix)
        return path.rstrip("/") or "/"

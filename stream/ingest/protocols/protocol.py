"""What a protocol is: from one HTTP request of somebody else's client to our events, and the answer it accepts.

Everything here is pure. A server does this with a request whose path is served (`methods`):

    if reply := config(call): return reply              # harmless documents that browser SDKs ask for first
    routed = route(call, inflate)                       # raises Refusal; None: no such path or method
    product = …of routed.key…                           # None: no key was sent
    outcome = translate(routed, mapping, received_ms, product=product)
    …send outcome.events, wait…
    return routed.protocol.answer(outcome)              # or error_reply(status, …) where it could not be done
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import msgspec
from msgspec import Struct

from schemas import Reason

Inflate = Callable[[bytes], bytes]
"""Unpacks gzip that no header told of, within the server's limits; raises a Refusal where it cannot or will not."""

Document = Any
"""The JSON value of a request's body; None where there is no body."""

Message = tuple[str, str | None, bytes]
"""As the emitter takes it: the event's family, the customer's raw id, its bytes."""

LeftOut = Literal["personless", "group", "alias", "ignored"]
"""Why an event is none of a customer's: it has no person; is of a company; joins two ids, which is not done yet; or
a rule of the mapping file says so."""
LEFT_OUT: tuple[LeftOut, ...] = get_args(LeftOut)


_NAMED = 1000  # problems, in an answer


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request.

    method   in capitals
    path     begins with "/"; without the server's own prefix and without a trailing slash
    query    decoded; of a name that is repeated the last value
    headers  names in lower case
    body     unpacked where Content-Encoding said that it was packed
    base     where clients reach the server, such as "https://collector.example/prefix"; empty where that is unknown
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""


class Refusal(Exception):
    """The whole request is refused, with an HTTP status; `detail` says what is wrong with it."""

    def __init__(self, detail: str, status: int = 400, error: str = "bad request") -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.error = error


MOST_EVENTS = 150_000
"""In one request. The shortest event has some 70 bytes: what holds more within 10 MiB is no list of events."""


def too_many() -> Refusal:
    return Refusal(f"expected at most {MOST_EVENTS} events", 413, "too large")


class Flaw(Struct, frozen=True, gc=False):
    """Why one event of a request is refused; `detail` begins with the field's name, if it is about one."""

    reason: Reason
    detail: str
    field: str | None = None


class Sent(Struct, frozen=True, gc=False, kw_only=True):
    """One event as a client sent it, not yet ours. Whatever its protocol, the mapping reads it in this shape.

    name        by which the mapping knows it; calls that have none are "@page", "@screen", "@identify", "@page_ping"
    properties  its own; of an identify call the traits
    whole       all of it, as it was sent
    timestamp   text of ISO 8601, or milliseconds since 1970; None: when it was received
    event_id    None: the client gives none
    """

    name: Any
    properties: Mapping[str, Any]
    whole: Mapping[str, Any]
    user_id: Any = None
    anonymous_id: Any = None
    timestamp: Any = None
    event_id: Any = None
    channel: Any = None


class Own(Struct, frozen=True, gc=False):
    """An event of our own contract, which no mapping touches."""

    fields: Mapping[str, Any]


Read = Sent | Own | Flaw | LeftOut
"""What came of one element of a request."""


class Problem(Struct, frozen=True, gc=False):
    """One event of a request that was refused: its place in the request, from 0, and the id that the client gave."""

    index: int
    reason: Reason
    field: str | None
    detail: str
    event_id: str | None = None


class Outcome(Struct, frozen=True):
    """What a request became.

    events       each checked against the contract
    problems     the refused ones
    left_out     how many are left out on purpose, by reason
    received_ms  when the request came, in milliseconds since 1970
    """

    events: list[Message]
    problems: list[Problem]
    left_out: dict[LeftOut, int]
    received_ms: int

    @property
    def refused(self) -> bool:
        """Whether nothing of the request was of use: then a client may as well be told so."""
        return bool(self.problems) and not self.events and not self.left_out


class Reply(Struct, frozen=True):
    """An answer: an HTTP status, headers by lower-case name, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Protocol(ABC):
    """How the clients of one kind talk. Their paths may be those of another kind too: then the content tells."""

    name: ClassVar[str]
    """Also the prefix under which it is served: /segment/v1/batch."""
    lines: ClassVar[bool] = False
    """Whether a body may also have one JSON value a line."""

    @abstractmethod
    def serves(self, method: str, path: str) -> bool:
        """Whether events are sent so."""

    def claims(self, call: Call, document: Document) -> bool:
        """Whether a request to a path that several protocols serve is of this one."""
        return True

    @abstractmethod
    def key(self, call: Call, document: Document) -> str | None:
        """The write key as it was sent; None where there is none."""

    @abstractmethod
    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        """The events, one after the other and no sooner than they are asked for. Raises Refusal where the document is
        none of this protocol."""

    @abstractmethod
    def answer(self, outcome: Outcome) -> Reply:
        """What its clients take for "done", with the refused events named; where all are refused, for "never"."""

    def config(self, call: Call) -> Reply | None:
        """A harmless document without which its clients would send nothing; None where none is asked for."""
        return None


class Routed(Struct, frozen=True):
    """A request and whose it is; the path is without the protocol's prefix."""

    protocol: Protocol
    call: Call
    document: Document

    @property
    def key(self) -> str | None:
        """The write key as it was sent; None where there is none."""
        return self.protocol.key(self.call, self.document) or None


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, {"content-type": "application/json", **(headers or {})}, msgspec.json.encode(value))


def error_reply(status: int, error: str, detail: str, more: Mapping[str, Any] | None = None) -> Reply:
    """An error in the one form that every client understands; `error` must begin with `Invalid API key:` for a bad
    key, or Amplitude's clients never give up."""
    body = {"code": status, "status": 0, "error": error, "message": detail, "detail": detail, **(more or {})}
    return json_reply(body, status)


def answered(outcome: Outcome, done: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Reply:
    """`done`, and what else every answer says: how many were accepted, refused, and left out; the first refused ones.

    Where nothing was of use, an error with status 400, and `more` in it.
    """
    counts = {
        "accepted": len(outcome.events),
        "refused": len(outcome.problems),
        "problems": outcome.problems[:_NAMED],
        "left_out": outcome.left_out,
    }
    if outcome.refused:
        first = outcome.problems[0]
        return error_reply(400, first.reason, f"event {first.index}: {first.detail}", {**counts, **(more or {})})
    return json_reply({**done, **counts})

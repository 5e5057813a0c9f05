"""From a request to our events: each read by its protocol, mapped by the first rule that fits, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from schemas import FAMILIES, FAMILY_OF_TYPE, TYPES, Rejected, decode
from schemas.envelope import OfProduct
from stream.ingest.protocols.fields import IDS
from stream.ingest.protocols.protocol import (
    MOST_EVENTS,
    Flaw,
    LeftOut,
    Message,
    Outcome,
    Own,
    Problem,
    Read,
    Routed,
    Sent,
    too_many,
)
from stream.ingest.protocols.rules import IGNORE, Mapping
from stream.ingest.protocols.values import customer_id, event_id, moment

_SHOWN = 128  # characters of an id
_OF_PRODUCT = {name for name, struct in TYPES.items() if issubclass(struct, OfProduct)}

Translated = tuple[Read, Message | Flaw | LeftOut]

_encode = msgspec.json.Encoder().encode


def translate(
    routed: Routed, mapping: Mapping, received_ms: int, *, product: str | None = None, bot: bool = False
) -> Outcome:
    """What the events of a request become. Raises Refusal where the request is none of its protocol.

    product  of the key, whatever the events say; None: what they say
    bot      whether a machine sent it
    """
    fixed: dict[str, Any] = {} if product is None else {"product": product}
    if bot:
        fixed["bot"] = True
    return collected(one_by_one(routed, mapping, received_ms, fixed), received_ms)


def one_by_one(routed: Routed, mapping: Mapping, received_ms: int, fixed: dict[str, Any]) -> Iterator[Translated]:
    """Each event of a request as it was read, and what became of it; `fixed` are fields that hold for all."""
    for index, read in enumerate(routed.protocol.read(routed.call, routed.document, received_ms)):
        if index == MOST_EVENTS:
            raise too_many()
        yield read, _outcome(read, routed.protocol.name, mapping, received_ms, index, fixed)


def collected(translated: Iterable[Translated], received_ms: int) -> Outcome:
    """The events of a request, sorted by what became of them."""
    events: list[Message] = []
    problems: list[Problem] = []
    left_out: dict[LeftOut, int] = {}
    for index, (read, outcome) in enumerate(translated):
        if isinstance(outcome, tuple):
            events.append(outcome)
        elif isinstance(outcome, str):
            left_out[outcome] = left_out.get(outcome, 0) + 1
        else:
            problems.append(Problem(index, outcome.reason, outcome.field, outcome.detail, _given_id(read)))
    return Outcome(events, problems, left_out, received_ms)


def _outcome(
    read: Read, protocol: str, mapping: Mapping, received_ms: int, index: int, fixed: dict[str, Any]
) -> Message | Flaw | LeftOut:
    try:
        if isinstance(read, Sent):
            return _mapped(read, protocol, mapping, received_ms, index, fixed)
        if isinstance(read, Own):
            return _own({**read.fields, **fixed}, mapping)
    except RecursionError:
        return Flaw("not_json", "nested too deep")
    except UnicodeEncodeError:  # half of a surrogate pair, out of a query or a header
        return Flaw("not_utf8", "expected UTF-8")
    return read


def _mapped(
    sent: Sent, protocol: str, mapping: Mapping, received_ms: int, index: int, fixed: dict[str, Any]
) -> Message | Flaw | LeftOut:
    if not isinstance(sent.name, str) or not sent.name:
        missing = sent.name in (None, "")
        return Flaw("missing_field" if missing else "wrong_type", "event: expected a name", "event")
    identified = event_id(sent, received_ms, index)
    if identified is not sent.event_id:
        sent = msgspec.structs.replace(sent, event_id=identified)
    rule = mapping.rule(protocol, sent)
    if rule.type == IGNORE:
        return "ignored"
    fields = rule.event(sent)
    if isinstance(fields, Flaw):
        return fields
    if flaw := _identified(fields, sent, mapping):
        return flaw
    try:
        fields["timestamp"] = moment(sent.timestamp, received_ms)
    except ValueError:
        return Flaw("bad_timestamp", "timestamp: expected ISO 8601, or milliseconds since 1970", "timestamp")
    fields["event_id"] = identified
    fields.update(fixed)
    return _checked(fields, rule.family)


def _identified(fields: dict[str, Any], sent: Sent, mapping: Mapping) -> Flaw | None:
    """Fill in whose it is; a rule may say so, else the protocol does."""
    junk = None
    for name, given in zip(IDS, (sent.user_id, sent.anonymous_id), strict=True):
        given = fields.pop(name, given)
        try:
            found = customer_id(given, mapping.junk_ids)
        except ValueError as error:
            return Flaw("wrong_type", f"{name}: {error}", name)
        if found is not None:
            fields[name] = found
        elif given not in (None, ""):
            junk = f"{name}: {given!r:.40} is no id"
    if "user_id" in fields or "anonymous_id" in fields or fields["type"] in _OF_PRODUCT:
        return None
    return Flaw("no_customer", junk or "expected an id of a user or a visitor", None)


def _own(fields: dict[str, Any], mapping: Mapping) -> Message | Flaw:
    """An event of our own contract; an id that is known to be none counts as absent."""
    for name in IDS:
        given = fields.get(name)
        if isinstance(given, str) and given.strip().casefold() in mapping.junk_ids:
            del fields[name]
    event_type = fields.get("type")
    # Without a known type any family will do: decode names that flaw before those of other fields.
    family = FAMILY_OF_TYPE.get(event_type, "") if isinstance(event_type, str) else ""
    if not family and isinstance(event_type, str):
        known = ", ".join(FAMILY_OF_TYPE)
        return Flaw("unknown_type", f"type: {event_type[:40]!r}, expected one of {known}", "type")
    return _checked(fields, family or FAMILIES[0])


def _checked(fields: dict[str, Any], family: str) -> Message | Flaw:
    value = _encode(fields)
    event = decode(value, family)
    if isinstance(event, Rejected):
        name, colon, _ = event.detail.partition(": ")
        return Flaw(event.reason, event.detail, name if colon and " " not in name else None)
    return family, event.customer_id, value


def _given_id(read: Read) -> str | None:
    given = (
        read.event_id if isinstance(read, Sent) else read.fields.get("event_id") if isinstance(read, Own) else None
    )
    # Out of a query or a header it may have half of a surrogate pair, which cannot be written.
    return given[:_SHOWN].encode(errors="replace").decode() if isinstance(given, str) else None

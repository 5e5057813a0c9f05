"""From a Kafka record of another topic to one event as the mapping reads it, by the format of its value; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from stream.ingest.protocols.cloudevents import CloudEvents
from stream.ingest.protocols.documents import parsed
from stream.ingest.protocols.protocol import Call, Flaw, Read, Refusal, Sent
from stream.ingest.protocols.sources import Unfit, Value, source
from stream.ingest.source_ids import source_id
from stream.runtime.errors import UserError

Format = Literal["json", "cloudevents", "debezium"]
FORMATS: tuple[Format, ...] = get_args(Format)

_OPERATIONS = {"c": "create", "u": "update", "d": "delete", "r": "read"}
"""Of Debezium; others are of no row."""
_CONTENT = "ce_"
"""What headers of CloudEvents begin with in Kafka's binary mode."""


class Record(NamedTuple):
    """A Kafka record; its timestamp in milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes | None
    headers: Mapping[str, bytes]

    @property
    def source(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True)
class Paths:
    """Where an event says what it is called, and when it happened; None: where its format has that."""

    name: Value | None = None
    time: Value | None = None

    @classmethod
    def parse(cls, name: str | None, time: str | None) -> Paths:
        return cls(_parsed("--name", name), _parsed("--time", time))


def _parsed(option: str, text: str | None) -> Value | None:
    try:
        return None if text is None else source(text, None)
    except ValueError as error:
        raise UserError(f"{option} {text}: {error}") from None


def read_record(record: Record, format_: Format, paths: Paths) -> Read:
    """One event, or why it is none. Without an id of its own it is known by where it lies; without a time of its own
    it happened when its record came."""
    if not record.value:
        return "ignored"  # a tombstone: of a row that was deleted, or a key that is compacted
    try:
        document = parsed(record.value)
    except ValueError as error:
        return Flaw("not_json", f"expected JSON: {str(error)[:200]}")
    read = _READERS[format_](record, document)
    if not isinstance(read, Sent):
        return read
    try:
        name = paths.name(read) if paths.name else None
        time = paths.time(read) if paths.time else None
    except Unfit as error:
        return Flaw("wrong_type", str(error))
    return Sent(
        name=read.name if name is None else name,
        properties=read.properties,
        whole=read.whole,
        user_id=read.user_id,
        anonymous_id=read.anonymous_id,
        timestamp=read.timestamp if time is None else time,
        event_id=read.event_id or source_id(record.source),
        channel=read.channel,
    )


def _json(record: Record, document: Any) -> Read:
    if not isinstance(document, dict):
        return Flaw("wrong_type", "expected a JSON object")
    name = document.get("type")
    return Sent(
        name=name if isinstance(name, str) and name else record.topic,
        properties=document,
        whole=document,
        user_id=document.get("user_id"),
        anonymous_id=document.get("anonymous_id"),
        timestamp=document.get("timestamp"),
        event_id=document.get("event_id"),
        channel=document.get("channel"),
    )


def _cloudevents(record: Record, document: Any) -> Read:
    headers = {
        name.replace(_CONTENT, "ce-", 1): value.decode(errors="replace")
        for name, value in record.headers.items()
        if name.startswith(_CONTENT)
    }
    if isinstance(document, list) and not headers:
        return Flaw("wrong_type", "expected one event of CloudEvents a record")
    try:
        [read] = CloudEvents().read(Call("POST", "", headers=headers), document, record.timestamp_ms)
    except Refusal as error:
        return Flaw("wrong_type", error.detail)
    return read


def _debezium(record: Record, document: Any) -> Read:
    change = document.get("payload", document) if isinstance(document, dict) else None
    if not isinstance(change, dict) or not isinstance(change.get("source"), dict):
        return Flaw("wrong_type", "expected a change event of Debezium, with op and source")
    operation = _OPERATIONS.get(str(change.get("op")))
    if operation is None:
        return "ignored"
    row = change.get("before" if operation == "delete" else "after")
    row = row if isinstance(row, dict) else {}
    table = change["source"].get("table") or change["source"].get("collection") or record.topic
    return Sent(
        name=f"{table}.{operation}",
        properties=row,
        whole=change,
        user_id=row.get("user_id"),
        anonymous_id=row.get("anonymous_id"),
        timestamp=change["source"].get("ts_ms") or change.get("ts_ms"),
        channel=row.get("channel"),
    )


_READERS: dict[Format, Callable[[Record, Any], Read]] = {
    "json": _json,
    "cloudevents": _cloudevents,
    "debezium": _debezium,
}


def kept(read: Read) -> dict[str, Any]:
    """What no mapping takes from an event that says it as our own contract does: its product, and that it is a bot's
    or a test."""
    if not isinstance(read, Sent):
        return {}
    said = {name: True for name in ("bot", "test") if read.properties.get(name) is True}
    product = read.properties.get("product")
    return {**said, "product": product} if isinstance(product, str) and product else said

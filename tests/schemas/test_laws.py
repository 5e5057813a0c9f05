"""Laws of decoding, on events made from the types and on anything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from schemas import FAMILIES, FAMILY_OF_TYPE, REASONS, TYPES, Event, Rejected, decode, decode_all
from schemas.by_field import decode_by_field
from schemas.surveys import SCALES, SurveyResponse

# The same examples in every run, and no deadline on a busy machine.
LAW = settings(max_examples=200, derandomize=True, deadline=None)

OFFSETS = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=9,
)
HOSTILE = st.sampled_from(
    [
        "",
        "x" * 300,
        "\ud800",
        "\x00",
        "2026-03-31T12:00:00",
        "0001-01-01T00:00:00+14:00",
        -1,
        2**63,
        10**400,
        7.0,
        float("nan"),
        float("inf"),
    ]
)


def content(type_: inspect.Type) -> st.SearchStrategy[Any]:
    """What the type of a field allows, as JSON."""
    match type_:
        case inspect.Metadata():
            return content(type_.type)
        case inspect.UnionType():
            return st.one_of([content(member) for member in type_.types])
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.LiteralType():
            return st.sampled_from(type_.values)
        case inspect.IntType():
            return st.integers(type_.ge, type_.le)
        case inspect.StrType(pattern=str(pattern)):
            return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= (type_.max_length or 9))
        case inspect.StrType():
            shown = st.characters(exclude_categories=["Cs"])
            return st.text(shown, min_size=type_.min_length or 0, max_size=min(type_.max_length or 12, 12))
        case inspect.DateTimeType():
            return MOMENTS.map(datetime.isoformat)
        case inspect.StructType():
            return st.fixed_dictionaries({}, optional={each.name: content(each.type) for each in type_.fields})
        case inspect.VarTupleType():
            return st.lists(content(type_.item_type), max_size=4)
    raise NotImplementedError(type_)


def field_content(struct: type[Event]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Strategies of the required and of the other fields."""
    required = {"type": st.just(struct.__struct_config__.tag), "user_id": st.text("abc", min_size=1)}
    optional: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        if field.name != "user_id":
            (required if field.required else optional)[field.name] = content(inspect.type_info(field.type))
    return required, optional


POINTS = [
    {"survey": survey, "scale": scale, "score": score}
    for survey, scales in SCALES.items()
    for scale, points in scales.items()
    for score in points
]


def messages_of(struct: type[Event]) -> st.SearchStrategy[dict[str, Any]]:
    required, optional = field_content(struct)
    fields = st.fixed_dictionaries(required, optional=optional)
    if struct is SurveyResponse:
        return st.builds(lambda answer, point: answer | point, fields, st.sampled_from(POINTS))
    return fields


MESSAGES = st.sampled_from(list(TYPES.values())).flatmap(messages_of)


def decoded(value: bytes, family: str) -> Event | Rejected:
    """What decode gives, with what must hold of it whatever the value."""
    result = decode(value, family)
    if isinstance(result, Rejected):
        assert result.reason in REASONS
        assert 0 < len(result.detail) <= 200
        msgspec.json.encode(result)
    else:
        assert FAMILY_OF_TYPE[result.type] == family
        assert decode(msgspec.json.encode(result), family) == result
        assert result.customer_id.encode()
        assert result.epoch_ms is not None
    return result


@LAW
@given(MESSAGES)
def test_a_valid_event_is_accepted_and_keeps_every_field(fields: dict[str, Any]) -> None:
    event = decoded(json.dumps(fields).encode(), FAMILY_OF_TYPE[fields["type"]])

    assert isinstance(event, Event), event
    for name, said in fields.items():
        read = getattr(event, name)
        if name == "timestamp":
            assert read == datetime.fromisoformat(said)
        elif isinstance(read, msgspec.Struct):
            assert read == type(read)(**said)
        else:
            assert read == (tuple(said) if isinstance(said, list) else said)


@LAW
@given(MESSAGES, st.data())
def test_one_field_changed_gives_an_event_or_a_reason(fields: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*fields, "unknown"]))
    family = data.draw(st.sampled_from([FAMILY_OF_TYPE[fields["type"]], *FAMILIES]))
    changed = json.dumps(fields | {name: data.draw(HOSTILE | ANYTHING)})

    assert decoded(changed.encode(), family) == decode_by_field(changed, family)


@LAW
@given(MESSAGES, st.data())
def test_an_event_without_one_of_its_fields_is_an_event_or_says_which(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    family = FAMILY_OF_TYPE[fields["type"]]
    assume(not isinstance(decoded(json.dumps(fields).encode(), family), Rejected))  # an amount without its currency
    name = data.draw(st.sampled_from(list(fields)))
    del fields[name]

    result = decoded(json.dumps(fields).encode(), family)

    if isinstance(result, Rejected):
        assert result.reason in ("missing_field", "no_customer")
        assert name in result.detail


@LAW
@given(MESSAGES, st.data())
def test_a_field_left_empty_is_one_left_out(fields: dict[str, Any], data: st.DataObject) -> None:
    struct = TYPES[fields["type"]]
    family, empty = FAMILY_OF_TYPE[fields["type"]], st.sampled_from(["", None])
    optional = [field.name for field in msgspec.structs.fields(struct) if not field.required]
    names = data.draw(st.lists(st.sampled_from(optional), min_size=1, unique=True))
    left_out = {name: content for name, content in fields.items() if name not in names}
    left_empty = fields | {name: data.draw(empty) for name in names}

    expected = decoded(json.dumps(left_out).encode(), family)

    assert decoded(json.dumps(left_empty).encode(), family) == expected
    assert isinstance(expected, Event) or expected.reason == "no_customer"


@LAW
@given(MESSAGES, st.data())
def test_a_required_field_left_empty_is_refused_by_its_name(fields: dict[str, Any], data: st.DataObject) -> None:
    required = [field.name for field in msgspec.structs.fields(TYPES[fields["type"]]) if field.required]
    name = data.draw(st.sampled_from(required))
    changed = fields | {name: data.draw(st.sampled_from(["", None]))}

    result = decoded(json.dumps(changed).encode(), FAMILY_OF_TYPE[fields["type"]])

    assert isinstance(result, Rejected)
    assert result.reason in ("wrong_type", "bad_timestamp", "scale_unsupported")
    assert result.detail.startswith(name)


@LAW
@given(st.lists(MESSAGES, max_size=4), st.data())
def test_many_messages_are_decoded_as_each_alone(some: list[dict[str, Any]], data: st.DataObject) -> None:
    """Also where fields are left empty, are wrong, or have more digits than a moment is read to."""
    some_changes: list[dict[str, Any]] = [
        *({}, {"channel": ""}, {"bot": None}, {"user_id": ""}, {"user_id": 42}, {"event_id": ""}),
        *({"timestamp": f"2026-03-31T23:59:59.{digits}Z"} for digits in ("999", "999999", "9999999", "12345678901")),
        *({"latitude": 48.8566969}, {"note": "at 1:23.9999999"}),
    ]
    changes = st.sampled_from(some_changes)
    values: list[bytes | None] = [json.dumps(fields | data.draw(changes)).encode() for fields in some]
    family = data.draw(st.sampled_from([FAMILY_OF_TYPE[fields["type"]] for fields in some] or list(FAMILIES)))

    assert decode_all(values, family) == [decode(value, family) for value in values]


@LAW
@given(MOMENTS, st.text("0123456789", min_size=7, max_size=30))
def test_what_is_finer_than_a_microsecond_is_cut_off(moment: datetime, digits: str) -> None:
    start, offset = moment.isoformat(timespec="seconds")[:19], moment.isoformat()[-6:]
    fields = {"type": "login", "event_id": "e", "user_id": "u"}
    coarse, fine = (
        json.dumps(fields | {"timestamp": f"{start}.{fraction}{offset}"}).encode()
        for fraction in (digits[:6], digits)
    )

    assert decoded(fine, "logins") == decoded(coarse, "logins")
    assert decode_all([fine, coarse], "logins") == [decode(coarse, "logins")] * 2


@LAW
@given(MESSAGES, st.data())
def test_a_repeated_key_counts_by_its_last_value(fields: dict[str, Any], data: st.DataObject) -> None:
    family = FAMILY_OF_TYPE[fields["type"]]
    name = data.draw(st.sampled_from(list(fields)))
    first = json.dumps({name: data.draw(ANYTHING)})
    once = json.dumps(fields)

    assert decoded((first[:-1] + ", " + once[1:]).encode(), family) == decode(once.encode(), family)


@LAW
@given(MESSAGES, st.data())
def test_bytes_damaged_in_transport_give_an_event_or_a_reason(fields: dict[str, Any], data: st.DataObject) -> None:
    value = bytearray(json.dumps(fields, ensure_ascii=data.draw(st.booleans())).encode())
    start = data.draw(st.integers(0, len(value)))
    value[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))

    decoded(bytes(value), FAMILY_OF_TYPE[fields["type"]])


@LAW
@given(
    st.binary() | st.binary().map(lambda inner: b'{"type": "click", "x": "' + inner + b'"}'),
    st.sampled_from(FAMILIES),
)
def test_any_bytes_give_a_reason(value: bytes, family: str) -> None:
    assert isinstance(decoded(value, family), Rejected)


@LAW
@given(ANYTHING, st.sampled_from(FAMILIES))
def test_any_json_gives_a_reason(value: Any, family: str) -> None:
    assert isinstance(decoded(json.dumps(value).encode(), family), Rejected)


@settings(LAW, max_examples=30)
@given(st.integers(0, 70_000), st.sampled_from([b"[", b'{"a":', b'[{"":']), st.booleans())
def test_any_depth_gives_a_reason(levels: int, opening: bytes, closed: bool) -> None:
    closing = b"".join({91: b"]", 123: b"}"}[byte] for byte in reversed(opening) if byte in b"[{")

    assert isinstance(decoded(opening * levels + (b"1" + closing * levels if closed else b""), "clicks"), Rejected)


@LAW
@given(MOMENTS)
def test_the_epoch_is_that_of_the_moment(moment: datetime) -> None:
    fields = {"type": "login", "event_id": "e", "user_id": "u", "timestamp": moment.isoformat()}

    event = decoded(json.dumps(fields).encode(), "logins")

    assert isinstance(event, Event)
    assert event.epoch_ms == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

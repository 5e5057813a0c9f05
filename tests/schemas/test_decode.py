"""What decoding promises beyond the examples: which fault is told, what is read, what comes out."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from schemas import FAMILIES, FAMILY_OF_TYPE, MAX_BYTES, REASONS, TYPES, Event, Rejected, churn_risk, decode
from schemas.decoding import MAX_DEPTH
from stream.indicators.churn import levels

CLICK: dict[str, Any] = {
    "type": "click",
    "event_id": "e-1",
    "timestamp": "2026-03-31T11:59:30Z",
    "user_id": "ada",
}
ANSWER: dict[str, Any] = CLICK | {
    "type": "survey_response",
    "survey": "nps",
    "survey_id": "q1",
    "score": 9,
    "scale": "0-10",
}


def message(fields: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(fields | changes).encode()


def event(fields: dict[str, Any], **changes: Any) -> Event:
    decoded = decode(message(fields, **changes), FAMILY_OF_TYPE[fields["type"]])
    assert isinstance(decoded, Event), decoded
    return decoded


def rejected(value: bytes | None, family: str = "clicks") -> Rejected:
    decoded = decode(value, family)
    assert isinstance(decoded, Rejected), decoded
    return decoded


def test_the_contract_is_closed() -> None:
    assert FAMILIES == (
        "clicks",
        "logins",
        "sessions",
        "surveys",
        "usage",
        "commerce",
        "support",
        "messages",
        "identity",
    )
    assert set(FAMILY_OF_TYPE) == set(TYPES)
    assert set(FAMILY_OF_TYPE.values()) <= set(FAMILIES)
    assert len(REASONS) == len(set(REASONS)) == 14


def test_what_is_not_said_has_its_default() -> None:
    click = event(CLICK)

    assert (click.type, click.product, click.channel, click.bot, click.test) == (
        "click",
        "default",
        "unknown",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("user_id", "anonymous_id", "customer", "customer_id"),
    [("ada", None, "u:ada", "ada"), (None, "tab-7", "a:tab-7", "tab-7"), ("ada", "tab-7", "u:ada", "ada")],
)
def test_a_signed_in_customer_wins_over_the_device(
    user_id: str | None, anonymous_id: str | None, customer: str, customer_id: str
) -> None:
    click = event(CLICK, user_id=user_id, anonymous_id=anonymous_id)

    assert (click.customer, click.customer_id) == (customer, customer_id)


@pytest.mark.parametrize(
    ("timestamp", "epoch_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.9994Z", -1),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("2026-03-31T11:59:30.123Z", 1_774_958_370_123),
        ("2026-03-31t11:59:30.123z", 1_774_958_370_123),
        ("2026-03-31 11:59:30.123Z", 1_774_958_370_123),
        ("2026-03-31T13:59:30.123+02:00", 1_774_958_370_123),
        ("2026-03-31T13:59:30.123+0200", 1_774_958_370_123),
        ("2026-03-31T11:59:30.123-00:00", 1_774_958_370_123),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
        ("9999-12-31T23:59:59.9999999Z", 253_402_300_799_999),
        ("2026-03-30T23:59:59.9999996Z", 1_774_915_199_999),
        ("2026-03-30t23:59:59.99999999999999999999z", 1_774_915_199_999),
        ("2026-03-31 01:59:59.9999996+0200", 1_774_915_199_999),
        ("1969-12-31T23:59:59.9999996Z", -1),
        ("9999-12-31T23:59:59.999999+23:59", 253_402_214_459_999),
    ],
)
def test_timestamps_are_read_to_the_millisecond(timestamp: str, epoch_ms: int) -> None:
    assert event(CLICK, timestamp=timestamp).epoch_ms == epoch_ms


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "now",
        "1774958370",
        "2026-03-31T11:59Z",
        "2026-03-31T24:00:00Z",
        "2026-03-31T23:59:60Z",
        "2026-03-31T23:59:60.9999999Z",
        "2026-03-31T11:59:30+02",
        "2026-03-31T11:59:30+24:00",
        "2026-03-31T11:59:30,5Z",
        " 2026-03-31T11:59:30Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+00:01",
    ],
)
def test_other_timestamps_are_refused(timestamp: str) -> None:
    assert rejected(message(CLICK, timestamp=timestamp)).reason == "bad_timestamp"


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("unknown_type", {"type": "clack"}),
    ("missing_field", {"event_id": ...}),
    ("bad_timestamp", {"timestamp": "yesterday"}),
    ("wrong_type", {"product": 7}),
    ("no_customer", {"user_id": ...}),
    ("score_out_of_scale", {"score": 11}),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_several_faults_the_first_in_the_documented_order_is_told(first: int) -> None:
    fields = dict(ANSWER)
    for _, change in FAULTS[first:]:
        fields |= change

    value = message({name: content for name, content in fields.items() if content is not ...})

    assert rejected(value, "surveys").reason == FAULTS[first][0]


def test_a_moment_outside_utc_years_is_told_before_a_wrong_type() -> None:
    value = message(CLICK, timestamp="0001-01-01T00:00:00+14:00", product=7)

    assert rejected(value).reason == "bad_timestamp"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"product": 7}, 'product: expected a string: write "7" with quotes'),
        ({"user_id": -42}, 'user_id: expected a string: write "-42" with quotes'),
        ({"event_id": 10**39}, f'event_id: expected a string: write "{10**39}" with quotes'),
        ({"event_id": 10**99}, "event_id: Expected `str`, got `float`"),
        ({"user_id": 42.0}, "user_id: Expected `str | null`, got `float`"),
        ({"user_id": True}, "user_id: Expected `str | null`, got `bool`"),
        ({"survey_id": ""}, "survey_id: Expected `str` of length >= 1"),
        ({"sentiment": "happy" * 999}, "sentiment: expected one of positive, neutral, negative"),
        ({"survey": "sus"}, "survey: expected one of nps, csat, ces"),
        ({"scale": "1-5"}, "scale: expected one of 0-10, 1-10 for nps"),
        ({"score": 11}, "score: expected 0 to 10"),
        ({"themes": ["price", ""]}, "themes: Expected `str` of length >= 1 - at `$[1]`"),
        (
            {"timestamp": "2026-03-31T12:00:00"},
            "timestamp: expected RFC 3339 with an offset, such as 2026-03-31T13:59:30+02:00",
        ),
        ({"type": "click"}, "type: click belongs on clicks, not on surveys"),
        ({"type": "poll"}, "type: 'poll' is unknown; surveys has survey_sent, survey_response"),
    ],
)
def test_the_detail_names_the_field_and_what_was_expected(changes: dict[str, Any], words: str) -> None:
    assert rejected(message(ANSWER, **changes), "surveys").detail == words


def test_a_field_of_a_field_is_named_with_both() -> None:
    value = message(CLICK, type="identify", traits={"plan": "", "segment": 7})

    assert rejected(value, "identity").detail == 'traits.segment: expected a string: write "7" with quotes'


def test_a_long_unknown_type_does_not_fill_the_detail() -> None:
    assert len(rejected(message(CLICK, type="\x00\U000e0001" * 5000)).detail) <= 200


@pytest.mark.parametrize("value", [None, b"", b" ", b"\xef\xbb\xbf{}", b"{} {}", b"{'a': 1}", b'{"a": 1,}', b"[1, 2"])
def test_what_is_not_json_is_told(value: bytes | None) -> None:
    assert rejected(value).reason == "not_json"


@pytest.mark.parametrize("value", [b"null", b"7", b"1e999", b'"click"', b"[]", b"true"])
def test_json_that_is_not_an_object_is_of_the_wrong_type(value: bytes) -> None:
    assert rejected(value).reason == "wrong_type"


def test_a_message_may_have_64_kib_and_not_a_byte_more() -> None:
    exactly = message(CLICK, note="").replace(b'""', b'"' + b"x" * (MAX_BYTES - len(message(CLICK, note=""))) + b'"')

    assert len(exactly) == MAX_BYTES
    assert isinstance(decode(exactly, "clicks"), Event)
    assert rejected(exactly + b" ").reason == "too_large"


def test_nesting_has_a_limit_that_does_not_depend_on_the_interpreter() -> None:
    def nested(levels: int) -> bytes:
        return message(CLICK)[:-1] + b', "note": ' + b"[" * levels + b"]" * levels + b"}"

    assert isinstance(decode(nested(MAX_DEPTH - 1), "clicks"), Event)
    assert rejected(nested(MAX_DEPTH)).reason == "not_json"
    assert rejected(b"[" * MAX_BYTES).reason == "not_json"
    assert rejected(b'{"a":' * (MAX_BYTES // 5)).reason == "not_json"


def test_brackets_in_a_string_are_not_nesting() -> None:
    assert isinstance(decode(message(CLICK, note='[{"' * 5000), "clicks"), Event)


def test_numbers_of_any_size_in_unknown_fields_are_ignored() -> None:
    value = message(CLICK)[:-1] + b', "big": ' + b"9" * 9000 + b', "huge": 1e999, "small": -1e-999}'

    assert isinstance(decode(value, "clicks"), Event)


@pytest.mark.parametrize(
    ("score", "reason"), [("9" * 9000, "wrong_type"), ("1e999", "wrong_type"), ("9" * 99, "score_out_of_scale")]
)
def test_a_huge_score_is_a_value(score: str, reason: str) -> None:
    assert rejected(message(ANSWER, score=0.5).replace(b"0.5", score.encode()), "surveys").reason == reason


@pytest.mark.parametrize(
    ("repeated", "user_id"),
    [(b'"user_id": 7, "user_id": "eve"', "eve"), (b'"user_id": "eve", "user_id": "bob"', "bob")],
)
def test_of_a_repeated_key_the_last_value_counts(repeated: bytes, user_id: str) -> None:
    decoded = decode(message(CLICK).replace(b'"user_id": "ada"', repeated), "clicks")

    assert isinstance(decoded, Event)
    assert decoded.user_id == user_id


def test_of_a_repeated_type_the_last_counts() -> None:
    decoded = decode(message(CLICK).replace(b'"click"', b'"clack", "type": "impression"'), "clicks")

    assert isinstance(decoded, Event)
    assert decoded.type == "impression"


@pytest.mark.parametrize("escaped", [rb"\ud800", rb"\udfff", rb"\ud800A", rb"\udc00\ud800"])
@pytest.mark.parametrize("field", [b"user_id", b"note"])
def test_a_lone_surrogate_is_not_json(field: bytes, escaped: bytes) -> None:
    value = message(CLICK)[:-1] + b', "' + field + b'": "' + escaped + b'"}'

    assert rejected(value).reason == "not_json"


def test_a_nul_character_is_kept() -> None:
    assert event(CLICK, user_id="a\x00b").user_id == "a\x00b"


def test_what_the_message_of_churn_risk_may_say_is_what_the_scoring_says() -> None:
    assert get_args(churn_risk.Level) == levels.LEVELS
    assert set(get_args(churn_risk.Why)) == set(levels.REASONS)

"""Where a field's value is taken from: `products[].price|sum*minor_units`, read once and made a function.

A source is a path, a filter perhaps, and factors. Paths lead through the event's properties; `@event.…` through all
of it as it was sent; `@name` is its name, `@id` its event_id, and `@channel` where it happened, as far as the
protocol tells. `[]` stands for each of a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from schemas.currency import MINOR_UNITS
from stream.ingest.protocols.protocol import Sent

Value = Callable[[Sent], Any]
"""What a source has of an event; None where it has nothing. Raises Unfit."""

MINOR = "minor_units"
_OWN: dict[str, Value] = {
    "@name": attrgetter("name"),
    "@id": attrgetter("event_id"),
    "@channel": attrgetter("channel"),
}
_EACH = object()
_ABSENT: tuple[Any, ...] = (None, "", [], {})
_OUTSIDE = {sign: re.compile(rf'(?:"[^"]*"|[^"{re.escape(sign)}])+') for sign in ".|*"}
_FACTOR = re.compile(r"\d+(?:\.\d+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_GREATEST = Decimal(2**63)
_SHOWN = 40  # characters


class Unfit(ValueError):
    """A value that is not what a field wants; says what was expected."""


def source(text: str, minor_units: Value | None) -> Value:
    """The function that a source's text says; `minor_units` knows how many make one of the event's currency, None
    where there is no currency.

    Raises ValueError where the text is no source.
    """
    path, *factors = _split(text, "*")
    path, *filters = _split(path, "|")
    value = _path(path)
    for name in filters:
        if name not in FILTERS:
            raise ValueError(f"there is no filter |{name}; choose one of {', '.join(FILTERS)}")
        value = _filtered(value, FILTERS[name])
    return _product(value, [_factor(factor, minor_units) for factor in factors]) if factors else value


def first_of(values: Sequence[Value]) -> Value:
    """The first that has something."""
    if len(values) == 1:
        return values[0]

    def first(sent: Sent) -> Any:
        for value in values:
            found = value(sent)
            if found is not None and found not in _ABSENT:
                return found
        return None

    return first


def number(value: Any) -> Decimal:
    """A number, or the text of one. Raises Unfit for anything else."""
    if isinstance(value, str):
        written = _NUMBER.fullmatch(value.strip()) if len(value) <= _SHOWN else None
        if written is None:
            raise Unfit(f"expected a number, got {value[:_SHOWN]!r}")
        value = Decimal(written[0])
    elif isinstance(value, float):
        value = Decimal(repr(value))
    elif type(value) is int and abs(value) < _GREATEST:
        return Decimal(value)
    if not isinstance(value, Decimal):
        raise Unfit("expected a number")
    if abs(value) >= _GREATEST:
        raise Unfit("expected a number of 64 bits")
    return value


def rounded(value: Decimal) -> Decimal:
    """To a whole number, half away from zero."""
    return value.quantize(Decimal(1), ROUND_HALF_UP)


def minor_units_of(currency: Any) -> Decimal:
    """How many minor units make one of a currency. Raises Unfit where it is none."""
    if currency is None:
        raise Unfit("its currency is missing")
    code = currency.upper() if isinstance(currency, str) else None
    if code not in MINOR_UNITS:
        raise Unfit(f"its currency is none of ISO 4217: {str(currency)[:_SHOWN]!r}")
    return Decimal(MINOR_UNITS[code])


def _split(text: str, sign: str) -> list[str]:
    parts: list[str] = _OUTSIDE[sign].findall(text)
    if sign.join(parts) != text or not parts:
        raise ValueError(f"{text!r} is no source: write PATH, PATH|FILTER or PATH*FACTOR")
    return parts


def _path(text: str) -> Value:
    root, *rest = _split(text, ".")
    if root == "@event":
        steps = _steps(rest)
        return lambda sent: _walk(sent.whole, steps)
    if root.startswith("@"):
        if rest or root not in _OWN:
            raise ValueError(f"{text} is unknown; there are {', '.join(_OWN)} and @event.…")
        return _OWN[root]
    steps = _steps([root, *rest])
    if len(steps) == 1:
        [key] = steps
        return lambda sent: sent.properties.get(key)
    return lambda sent: _walk(sent.properties, steps)


def _steps(parts: Sequence[str]) -> tuple[Any, ...]:
    steps: list[Any] = []
    for part in parts:
        name = part.removesuffix("[]")
        steps.append(name[1:-1] if name.startswith('"') else name)
        if name != part:
            steps.append(_EACH)
    return tuple(steps)


def _walk(value: Any, steps: Sequence[Any]) -> Any:
    for number_, step in enumerate(steps):
        if step is _EACH:
            if not isinstance(value, list):
                return None
            found = [_walk(each, steps[number_ + 1 :]) for each in value]
            return [each for each in found if each is not None]
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _filtered(value: Value, filter_: Callable[[Any], Any]) -> Value:
    def filtered(sent: Sent) -> Any:
        found = value(sent)
        return None if found is None else filter_(found)

    return filtered


def _path_of(address: Any) -> str | None:
    """Of an address only its path: what varies in queries and fragments makes no other page."""
    if not isinstance(address, str) or not address:
        return None
    try:
        return urlsplit(address).path or "/"
    except ValueError:
        return None


def _sum(values: Any) -> Decimal | None:
    if not isinstance(values, list):
        raise Unfit("expected a list to sum up")
    return sum(map(number, values), Decimal(0)) if values else None


def _count(values: Any) -> int | None:
    return len(values) or None if isinstance(values, list) else None


FILTERS: dict[str, Callable[[Any], Any]] = {"path": _path_of, "sum": _sum, "count": _count}


def _factor(text: str, minor_units: Value | None) -> Value:
    if text == MINOR:
        if minor_units is None:
            raise ValueError(f"*{MINOR} is for amounts only")
        return minor_units
    if _FACTOR.fullmatch(text):
        factor = Decimal(text)
        return lambda sent: factor
    if len(_split(text, "|")) > 1:
        raise ValueError(f"*{text}: a filter stands behind the first path only")
    return _path(text)


def _product(value: Value, factors: Sequence[Value]) -> Value:
    """Rounded to a whole number: 0.1 + 0.2 times 100 is 30 cents, though not in floats. None where one is absent."""

    def product(sent: Sent) -> Decimal | None:
        found = value(sent)
        if found is None or found == "":
            return None
        result = number(found)
        for factor in factors:
            by = factor(sent)
            if by is None:
                return None
            result *= number(by)
        return rounded(number(result))

    return product

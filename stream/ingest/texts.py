"""Values out of text, exactly; what is not plainly the value is refused, never guessed or rounded."""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow

# Wide enough for every 64-bit number; what does not fit exactly is refused, never rounded.
_EXACT = Context(prec=40, Emax=40, traps=[Inexact, InvalidOperation, Overflow])
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FLOAT = re.compile(r"(?P<whole>[+-]?[0-9]+)(?:\.0+|(?:[.,][0-9]*)?(?P<power>[eE][+-][0-9]+))")
_SHOWN = 80  # characters

_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def whole_number(text: str, factor: Decimal | None = None) -> int:
    """A decimal number, times the factor; ValueError where that is not a whole one."""
    if factor is None and len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text[:_SHOWN]!r} is not a number: write it as 1234.50, without a sign of a currency")
    try:
        product = _EXACT.multiply(_EXACT.create_decimal(text), Decimal(1) if factor is None else factor)
    except DecimalException:
        raise ValueError(f"{text[:_SHOWN]!r} is not a number of up to 40 digits") from None
    whole = int(product)
    if abs(whole) >= 2**63:
        raise ValueError(f"{text[:_SHOWN]!r} is too large")
    if product != whole:
        times = "" if factor is None else f" times {factor}"
        raise ValueError(f"{text[:_SHOWN]!r}{times} is not a whole number")
    return whole


def truth(text: str) -> bool:
    try:
        return _TRUTHS[text.lower()]
    except KeyError:
        raise ValueError(f"{text[:_SHOWN]!r} is not true or false") from None


def identifier(text: str) -> str:
    """An id; ValueError for a number as spreadsheets and data frames write it: the id may have been another."""
    written = _FLOAT.fullmatch(text)
    if written is None:
        return text
    if written["power"]:
        raise ValueError(f"{text[:_SHOWN]!r} has lost digits: make the column one of text before it is exported")
    raise ValueError(f"{text[:_SHOWN]!r} was {written['whole']!r} once: export the column as text")

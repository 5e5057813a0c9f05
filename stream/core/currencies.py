"""Currencies: how amounts in minor units become units, by ISO 4217."""

from __future__ import annotations

from iso4217 import Currency

_EXPONENTS = {currency.code: currency.exponent or 0 for currency in Currency}


def minor_units(currency: str) -> int:
    """How many minor units of the currency make one: 100 cents a EUR, 1 of JPY, which has none."""
    return int(10 ** _EXPONENTS[currency])

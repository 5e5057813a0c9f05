"""Currencies: the codes of ISO 4217, and how many of their minor units make one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import iso4217
from msgspec import Meta

MINOR_UNITS: dict[str, int] = {
    currency.code: 10**currency.exponent
    for currency in sorted(iso4217.Currency, key=lambda currency: currency.code)
    if currency.exponent is not None
}
"""Code -> minor units in one: 100 cents in a EUR. Gold and the like, which have none, are no currencies here."""

# What the table lists decides, which no type checker can read.
if TYPE_CHECKING:
    Code = str
else:
    Code = Literal[tuple(MINOR_UNITS)]

Currency = Annotated[Code, Meta(description="ISO 4217, such as EUR.")]

# Amounts are added up in 64 bits. So it takes more than nine million of the largest, in one currency of one product,
# until a sum does not fit.
AmountMinor = Annotated[
    int,
    Meta(ge=0, le=10**12, description="In the currency's minor unit: cents of EUR, yen of JPY. At most 10^12."),
]

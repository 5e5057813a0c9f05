"""Where the purchases of CDNOW's customers lie: real histories, as PyPI's `lifetimes` ships them."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import distribution
from pathlib import Path

from schemas.commerce import Purchase

_FOLDER = Path(str(distribution("lifetimes").locate_file("lifetimes/datasets")))

MASTER = _FOLDER / "CDNOW_master.txt"
"""69,659 purchases of 23,570 customers, below a line of headings."""
SAMPLE = _FOLDER / "CDNOW_sample.txt"
"""Those of the well-known sample of 2,357 customers."""


def purchases() -> list[Purchase]:
    """Those of 1997 and 1998, each taken at noon (UTC); what a customer bought on one day is one order."""
    return [
        Purchase(
            event_id=str(number),
            timestamp=datetime.strptime(f"{date} 12 +0000", "%Y%m%d %H %z"),
            user_id=customer,
            order_id=date,
            amount_minor=round(float(dollars) * 100),
            currency="USD",
            units=int(units),
        )
        for number, line in enumerate(MASTER.read_text().splitlines()[1:])
        for customer, date, units, dollars in [line.split()]
    ]

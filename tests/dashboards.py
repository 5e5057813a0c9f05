"""What stands on a dashboard, as Grafana loads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def drawing(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels that are no rows, also those of collapsed rows."""
    for panel in dashboard["panels"]:
        yield from panel["panels"] if panel["type"] == "row" else (panel,)

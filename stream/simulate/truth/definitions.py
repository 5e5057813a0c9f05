"""What a deployment chooses for itself in what the indicators mean."""

from __future__ import annotations

from typing import Protocol


class Definitions(Protocol):
    """As the indicators file names them."""

    @property
    def first_week_days(self) -> int: ...
    @property
    def csat_7_from(self) -> int: ...
    @property
    def retention_days(self) -> tuple[int, ...]: ...
    @property
    def visit_gap_minutes(self) -> int: ...
    @property
    def segment(self) -> str: ...

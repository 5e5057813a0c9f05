"""The steps of a history."""

from __future__ import annotations

from typing import Literal, get_args

Step = Literal["hour", "day", "week", "month"]
STEPS: tuple[Step, ...] = get_args(Step)

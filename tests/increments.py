"""Increments spelled one by one, for tests that need series and no events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stream.core.increments import Increments
from stream.core.key_ids import KeyIds
from stream.core.series import Key

Increment = tuple[Key, int, int]
"""Key, time, count."""


def increments(cells: Iterable[Increment]) -> Increments:
    batch = Increments(KeyIds())
    for key, time, count in cells:
        batch.add(batch.key_ids.number(key), np.array([time]), count)
    return batch


def packed(cells: Iterable[Increment]) -> bytes:
    return increments(cells).encode()

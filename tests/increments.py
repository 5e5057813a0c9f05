"""Increments spelled one by one, for tests that need series and no events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, KeyIds
from stream.core.series import Key

ONE_SLICE = np.zeros(1, np.int64)
"""The slice of one number, where there is one only."""

Increment = tuple[Key, int, int]
"""Key, time, count."""


def increments(cells: Iterable[Increment]) -> Increments:
    batch = Increments(FoldKeys([KeyIds()]))
    for key, time, count in cells:
        batch.add(batch.key_ids.number(key, ONE_SLICE), np.array([time]), count)
    return batch


def packed(cells: Iterable[Increment]) -> bytes:
    return increments(cells).encode()

"""The journey: when each customer first did each of its steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stream.core.definitions import Definitions, Step
from stream.core.earliest import Earliest
from stream.core.event_columns import EventColumns
from stream.core.ragged import Ints


class Journey(Earliest):
    """The things are the steps of the journey, by their places in it (definitions.journey)."""

    @staticmethod
    def done(columns: EventColumns) -> Iterator[tuple[int, Ints]]:
        for place, step in enumerate(columns.definitions.journey):
            yield place, _events(columns, step)


def types(definitions: Definitions) -> frozenset[str]:
    """Of the events that may be steps."""
    return frozenset(step.type for step in definitions.journey)


def _events(columns: EventColumns, step: Step) -> Ints:
    """The numbers of the events that are the step."""
    at = columns.of({step.type})
    if not step.where or not len(at):
        return at
    counts = [
        all(getattr(event, name) == value for name, value in step.where)
        for event in map(columns.events.__getitem__, at.tolist())
    ]
    return at[np.array(counts, np.bool_)]

"""The catalogue: which series and labels there are, for the fold to go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from stream.core.series import Kind, Series


@dataclass(frozen=True)
class Label:
    """A label that events bring with them.

    types     event types that have it
    value     event -> its value (None: it has none), or the values where there may be several
    absent    the label's value where the event has none; None: such an event is not counted under the label
    bounded   its values are admitted one by one, up to a limit; the rest is `other`
    listed    values that are there for good, by the schemas, and so need no admission
    several   an event may have several values, and counts under each
    """

    name: str
    types: frozenset[str]
    value: Callable[[Any], Any]
    absent: str | None = None
    bounded: bool = True
    listed: frozenset[str] = frozenset()
    several: bool = False

    def needs_place(self, value: str) -> bool:
        """Whether the value must be admitted."""
        return self.bounded and value != self.absent and value not in self.listed


def field(
    name: str,
    types: Iterable[str],
    absent: str | None = None,
    bounded: bool = True,
    listed: frozenset[str] = frozenset(),
) -> Label:
    """A label that is a field of the events."""
    return Label(name, frozenset(types), attrgetter(name), absent, bounded, listed)


def totals(series: Iterable[Series]) -> list[Series]:
    """The censuses that follow from the first of their splits."""
    return [each for each in series if each.kind is Kind.CENSUS and not each.of and each.splits and each.splits[0].of]


def types_of(series: Iterable[Series]) -> frozenset[str]:
    """The event types of which censuses are kept."""
    return frozenset(type_ for each in series if each.kind is Kind.CENSUS for type_ in each.of)


class Catalogue:
    """`counted`: flows that are plain counts of events; `censuses`: last times of something by customer."""

    def __init__(self, types: Iterable[str], series: Iterable[Series], labels: Iterable[Label]) -> None:
        self.types = tuple(types)
        self.series = tuple(series)
        self.labels = {label.name: label for label in labels}
        self.counted = [each for each in self.series if each.kind is Kind.FLOW and each.of]
        self.censuses = [each for each in self.series if each.kind is Kind.CENSUS and each.of]

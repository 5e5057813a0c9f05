"""Labels: what events bring with them that becomes a label of a gauge."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, Literal, get_args, get_origin

from msgspec.structs import fields

from schemas import TYPES
from stream.core.catalogue import Label, field
from stream.core.definitions import Definitions
from stream.core.event_columns import NONE
from stream.core.series import Series

_ABSENT = {"campaign": NONE, "topic": NONE, "sentiment": NONE}
"""What the label is where an event has none; of other labels such an event is not counted."""
_LISTED_BY_RULE = frozenset({"scale"})
"""Of these fields decoding takes only certain values, though their type does not say so."""
_NO_FIELD = frozenset({"type", "segment", "theme"})


def labels(series: Iterable[Series], definitions: Definitions) -> tuple[Label, ...]:
    """Those of the series that count events: fields of the events. The themes of an answer are several; the segment
    is the trait that is defined to be it."""
    named = dict.fromkeys(name for each in series if each.of for name in each.labels if name not in _NO_FIELD)
    return (
        *map(_field, named),
        Label("theme", frozenset({"survey_response"}), attrgetter("themes"), NONE, several=True),
        Label("segment", frozenset({"identify"}), attrgetter(f"traits.{definitions.segment}")),
    )


def _field(name: str) -> Label:
    found = {type_: info for type_, struct in TYPES.items() for info in fields(struct) if info.name == name}
    listed = [_listed(info.type) for info in found.values()]
    bounded = name not in _LISTED_BY_RULE and not all(listed)
    return field(name, found, _ABSENT.get(name), bounded, frozenset().union(*listed))


def _listed(type_: Any) -> frozenset[str]:
    """The values that the schema lists, if it does."""
    arguments = get_args(type_)
    return frozenset(arguments) if get_origin(type_) is Literal else frozenset().union(*map(_listed, arguments))

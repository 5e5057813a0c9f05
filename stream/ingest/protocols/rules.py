"""Rules: what an event of somebody else's becomes of ours, compiled once and applied to each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from schemas import FAMILY_OF_TYPE
from stream.ingest.protocols.fields import Convert
from stream.ingest.protocols.protocol import Flaw, Sent
from stream.ingest.protocols.sources import Unfit, Value

IGNORE = "ignore"
"""Instead of a type: the event is counted and left out."""

_NAMES_KEPT = 4096
_LONGEST = 256  # characters of a text that are compared
_BETWEEN_WORDS = re.compile(r"[\s_-]+")

Condition = Callable[[Sent], bool]


@dataclass(frozen=True, slots=True)
class Filled:
    """How one field is filled. `path` has its name, or two where it lies within another; `sources` are for people."""

    path: tuple[str, ...]
    required: bool
    value: Value
    convert: Convert
    fixed: Any
    sources: str

    def of(self, sent: Sent) -> Any:
        """The value; None where there is none. Raises Unfit."""
        found = self.value(sent)
        value = None if found is None or found == "" else self.convert(found)
        return self.fixed if value is None else value


@dataclass(frozen=True, slots=True)
class Rule:
    """What events of these names become, if the conditions hold.

    names      folded (`folded`); with * for anything
    protocols  of which it is; none: of all
    """

    names: tuple[str, ...]
    type: str
    protocols: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    filled: tuple[Filled, ...] = ()

    @property
    def family(self) -> str:
        return FAMILY_OF_TYPE[self.type]

    def event(self, sent: Sent) -> dict[str, Any] | Flaw:
        """The fields of our event, but those of the envelope that the protocol knows."""
        event: dict[str, Any] = {"type": self.type}
        for each in self.filled:
            if len(each.path) > 1:
                event.setdefault(each.path[0], {})
            try:
                value = each.of(sent)
            except Unfit as wrong:
                name = ".".join(each.path)
                return Flaw("wrong_type", f"{name}: {wrong} (from {each.sources})", name)
            if value is not None:
                if len(each.path) == 1:
                    event[each.path[0]] = value
                else:
                    event[each.path[0]][each.path[1]] = value
            elif each.required:
                name = ".".join(each.path)
                return Flaw("missing_field", f"{name}: expected in a {self.type} (from {each.sources})", name)
        return event


@dataclass(frozen=True)
class Mapping:
    """The rules in their order, the first that fits decides; and what is no id."""

    rules: tuple[Rule, ...]
    unmapped: Rule
    junk_ids: frozenset[str]
    _of_name: Callable[[str, str], tuple[Rule, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact: dict[str, list[int]] = {}
        patterns: list[tuple[int, re.Pattern[str]]] = []
        for number, rule in enumerate(self.rules):
            for name in rule.names:
                if "*" in name:
                    patterns.append((number, _pattern(name)))
                else:
                    exact.setdefault(name, []).append(number)

        @lru_cache(_NAMES_KEPT)
        def of_name(protocol: str, name: str) -> tuple[Rule, ...]:
            found: list[int] = []
            for part in _parts(folded(name)):
                fitting = {number for number, pattern in patterns if pattern.fullmatch(part)}
                found += sorted(fitting.union(exact.get(part, ())))
            rules = (self.rules[number] for number in dict.fromkeys(found))
            return tuple(rule for rule in rules if not rule.protocols or protocol in rule.protocols)

        object.__setattr__(self, "_of_name", of_name)

    def rule(self, protocol: str, sent: Sent) -> Rule:
        """The rule for an event; its name is a string."""
        for rule in self._of_name(protocol, sent.name[:_LONGEST]):
            if all(holds(sent) for holds in rule.conditions):
                return rule
        return self.unmapped


def folded(name: str) -> str:
    """One form for "Order Completed", "order_completed" and "order-completed"."""
    return _BETWEEN_WORDS.sub("", name).casefold()


def _parts(name: str) -> Iterable[str]:
    """The name; of one with dots, such as com.example.order.completed, then what is behind each of them, and the same
    without dots: order.completed is orderCompleted."""
    while True:
        yield name
        if "." not in name:
            return
        yield name.replace(".", "")
        name = name.split(".", 1)[1]


def _pattern(text: str) -> re.Pattern[str]:
    """Of text in which * stands for anything."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def equals(value: Value, wanted: Sequence[Any]) -> Condition:
    """Whether a value is one of the wanted ones; in wanted text * stands for anything, and case does not matter."""
    texts = [_pattern(text.casefold()) for text in wanted if isinstance(text, str)]
    others = [each for each in wanted if not isinstance(each, str)]

    def holds(sent: Sent) -> bool:
        found = _found(value, sent)
        if isinstance(found, str):
            start = found[:_LONGEST].casefold()
            return any(text.fullmatch(start) for text in texts)
        return any(type(each) is type(found) and each == found for each in others)

    return holds


def has(value: Value) -> Condition:
    """Whether there is a value."""
    return lambda sent: _found(value, sent) not in (None, "")


def _found(value: Value, sent: Sent) -> Any:
    try:
        return value(sent)
    except Unfit:
        return None

"""Measures: series that follow from events alone, so that a family needs no code to make them.

What they count is said in the names that the schemas have: event types, and fields of theirs. Names stand in one
string, apart by spaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import fields

from schemas import TYPES
from stream.core.series import Kind, Series

Where = Mapping[str, Any]
Only = tuple[tuple[str, Callable[[Any], bool]], ...]


def total(
    name: str,
    *,
    of: str,
    by: str = "",
    amount: str = "",
    where: Where | None = None,
    given: str = "",
    undo: Mapping[str, Mapping[str, str]] | None = None,
    splits: Iterable[str] = (),
    lasting: bool = False,
) -> Series:
    """How many events of these types there were; or how much their `amount`s are together (money, units, points).

    by      labels: fields of the events
    where   values that fields must have, for an event to count; one of several, apart by spaces
    given   fields that an event must have; its amount is one of them
    undo    of a label, values that take others back: of {"action": {"unlike": "like"}} each unlike is a like less
    splits  the same by other labels (each as `by`), as series of their own
    lasting it can also be read from the beginning, and not in windows alone
    """
    only = _only(of, where or {}, (*given.split(), *amount.split()))
    _check(name, of, by, amount, given, *(where or {}), *splits)
    return Series(
        name,
        Kind.FLOW,
        "minute",
        tuple(by.split()),
        frozenset(of.split()),
        only,
        amount,
        tuple((label, value, other) for label, undone in (undo or {}).items() for value, other in undone.items()),
        tuple(total(_name(name, each), of=of, by=each, amount=amount, where=where, given=given) for each in splits),
        lasting=lasting,
    )


def distinct(name: str, *, of: str, by: str = "", where: Where | None = None, splits: Iterable[str] = ()) -> Series:
    """How many customers did any of these last in a window; arguments as of `total`.

    With splits and no labels of its own it is remembered of a customer by the first of them only.
    """
    splits = tuple(splits)
    _check(name, of, by, *(where or {}), *splits)
    own = of if by or not splits else ""
    return Series(
        name,
        Kind.CENSUS,
        "minute",
        tuple(by.split()),
        frozenset(own.split()),
        _only(own, where or {}, ()),
        splits=tuple(distinct(_name(name, each), of=of, by=each, where=where) for each in splits),
    )


def union(name: str, *measures: Series) -> Series:
    """What any of these counts, once: totals or distincts of the same labels, none with an amount."""
    kinds = {(each.kind, each.grain, each.labels) for each in measures}
    if len(kinds) > 1 or any(each.amount or each.undoes or each.splits for each in measures):
        raise ValueError(f"{name}: a union is of plain measures with the same labels")
    kind, grain, labels = kinds.pop()
    of = frozenset().union(*(each.of for each in measures))
    return Series(name, kind, grain, labels, of, tuple(filter(None, (_any(type_, measures) for type_ in sorted(of)))))


def _any(type_: str, measures: Iterable[Series]) -> tuple[str, Callable[[Any], bool]] | None:
    """Which events of the type any of the measures counts; None: all."""
    tests = [dict(each.only).get(type_) for each in measures if type_ in each.of]
    if None in tests:
        return None
    return type_, lambda event: any(test(event) for test in tests if test)


def _name(name: str, by: str) -> str:
    return f"{name}_by_{by.partition(' ')[0]}"


def _only(of: str, where: Where, given: tuple[str, ...]) -> Only:
    wanted = {name: value.split() if isinstance(value, str) else [value] for name, value in where.items()}

    def counts(event: Any) -> bool:
        return all(getattr(event, name) in values for name, values in wanted.items()) and all(
            getattr(event, name) is not None for name in given
        )

    return tuple((type_, counts) for type_ in of.split()) if where or given else ()


def _check(name: str, of: str, *named: str) -> None:
    """Raises ValueError for a type or a field that the schemas lack."""
    for type_ in of.split():
        if type_ not in TYPES:
            raise ValueError(f"{name}: there is no event type {type_}")
        known = {field.name for field in fields(TYPES[type_])}
        for field in " ".join(named).split():
            if field not in known:
                raise ValueError(f"{name}: {type_} has no field {field}")

"""The scenarios: under what conditions Assidu's worker is measured, one row of the table each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bench.load import Load, around_midnight, in_turn, over_a_month

MAIN = "main"
FLAT = "customers"
COLD, MIDNIGHT, TWO, START, SIZE = "cold", "midnight", "two-workers", "start", "size"


class Scenario(NamedTuple):
    """`before` is folded by a worker of its own, which then ends: its records are in Redis and in no cache.

    `after`: the share of the load that passes before the measurement begins. `settings` are Assidu's.
    """

    title: str
    load: Load
    before: Load | None = None
    after: float = 0.0
    workers: int = 1
    settings: Mapping[str, object] = {}


def scenarios(events: int, customers: int, large: bool) -> dict[str, Scenario]:
    """All of them, by name; `events` and `customers` are those of the main run, the others follow from them."""
    some = events // 3
    counts = [customers // 100, customers // 10, customers, *([10 * customers] if large else [])]
    everybody = Load(customers, customers, in_turn)
    flat = {
        f"{FLAT}-{count}": Scenario(
            f"{count:,} customers, all of them known", Load(some, count), before=Load(count, count, in_turn)
        )
        for count in counts
    }
    return {
        MAIN: Scenario("main run", Load(events, customers)),
        **flat,
        COLD: Scenario(
            "cold cache: everybody is in Redis, nobody in memory",
            Load(some, customers),
            before=everybody,
            settings={"cache_customers": 1},
        ),
        MIDNIGHT: Scenario(
            "across midnight: everybody's first activity of the day",
            Load(2 * customers, customers, in_turn, around_midnight),
            after=0.5,
        ),
        TWO: Scenario("two workers on two cores", Load(events, customers), after=0.1, workers=2),
        START: Scenario(
            "start: one shard of all customers",
            Load(customers // 10, customers),
            before=everybody,
            settings={"partitions": 1},
        ),
        SIZE: Scenario(
            "size: 10 events each over 30 days under 36-byte ids",
            Load(10 * customers, customers, in_turn, over_a_month, id_bytes=36),
        ),
    }

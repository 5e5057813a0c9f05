"""Products: events of a product that found no place count for the product `other`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from msgspec.structs import replace

from stream.core.event_columns import OTHER
from stream.store.keys import customer_key
from stream.worker.intake import Arrived


def products_of(arrived: Arrived) -> set[str]:
    return {event.product for event in arrived.events}


def placed(arrived: Arrived, place: Callable[[str], str], counters: Mapping[int, Counter[str]]) -> Arrived:
    """The events under the products that they count for, and under the keys of their customers there.

    `place` is that of a ProductBook which has learnt all of `products_of`; `counters` are by shard.
    """
    overflowed = {product for product in products_of(arrived) if place(product) != product}
    if not overflowed:
        return arrived
    events, keys = list(arrived.events), list(arrived.keys)
    at = [number for number, event in enumerate(events) if event.product in overflowed]
    for number in at:
        events[number] = event = replace(events[number], product=OTHER)
        keys[number] = customer_key(OTHER, event.customer)
    for shard, number in enumerate(np.bincount(arrived.shard[at]).tolist()):
        if number:
            counters[shard]["label_overflow:product"] += number
    return arrived._replace(events=events, keys=keys)

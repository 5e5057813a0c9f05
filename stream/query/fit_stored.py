"""A history: the active days of a product's customers, as their records in Redis have them."""

from __future__ import annotations

from itertools import product as combinations

import numpy as np

from stream.core.event_columns import customers_of
from stream.core.key_ids import KeyIds
from stream.core.ragged import Ints
from stream.indicators.catalogue import RECORD
from stream.indicators.churn.fit.examples import History
from stream.runtime.errors import UserError
from stream.runtime.progress import progress
from stream.settings import Settings
from stream.store import meta
from stream.store.keys import product_of
from stream.store.packing import PORTIONS
from stream.store.shard import ShardStore


async def read_stored(settings: Settings, product: str) -> History:
    """What is remembered of them. Raises UserError where none was ever active."""
    who: list[Ints] = []
    days: list[Ints] = []
    customers = 0
    async with meta.reading(settings) as redis:
        store = ShardStore(redis, settings.namespace)
        with progress() as bars:
            bar = bars.add_task("reading records", total=settings.partitions * len(PORTIONS))
            for shard, buckets in combinations(range(settings.partitions), PORTIONS):
                found = await store.in_buckets(shard, buckets)
                keys = [key for key in found if product_of(key) == product]
                if keys:
                    key_ids = KeyIds(await store.names(shard))  # after the records that refer to them
                    rows = customers_of(keys, [product] * len(keys), key_ids)
                    _, memories = RECORD.unpacked([found[key] for key in keys], rows)
                    row, day = memories.activity.days.all()
                    who.append(row + customers)
                    days.append(day)
                    customers += len(keys)
                bars.advance(bar)
    if not sum(map(len, days)):
        raise UserError(f"no customer of product {product!r} was ever active: name another by --product")
    return History(np.concatenate(who), np.concatenate(days))

"""What is in Redis, read once, to be asked about any moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from stream.core.series import Kept, Table
from stream.core.time import Calendar, minute_of
from stream.indicators.catalogue import METRICS, SERIES
from stream.indicators.declare import Metric
from stream.query.past import Past
from stream.runtime.errors import UserError
from stream.runtime.printable import printable
from stream.settings import Settings
from stream.store import meta
from stream.store.replica import Replica


class Reading:
    """The series of the products that are asked for, of which `now` is the present minute.

    newest  the minute of the newest event; None before the first
    """

    def __init__(
        self, table: Table, settings: Settings, now: int, newest: int | None, product: str | None = None
    ) -> None:
        if product is not None and product not in table.products:
            known = ", ".join(map(printable, table.products)) or "none yet"
            raise UserError(f"no product {product!r}; known: {known}")
        self.now, self.newest = now, newest
        self.calendar = Calendar(settings.zone)
        last = now if newest is None else newest
        kept = Kept(last, self.calendar.day(last), settings.keep_days)
        table.compact(kept.newest, kept.today, kept.keep_days)  # what is told does not depend on when its owner did
        definitions = settings.indicators.definitions
        products = table.products if product is None else [product]
        self.products = [Past(table, each, self.calendar, definitions, kept) for each in products]


async def read(settings: Settings, product: str | None = None) -> Reading:
    """Raises UserError for an unknown product."""
    async with meta.reading(settings) as redis:
        replica = Replica(redis, settings.namespace, settings.partitions, SERIES)
        await replica.refresh()
        now_ms = await replica.now_ms()
    newest_ms = replica.newest_ms
    now = minute_of(replica.clock_ms(settings.clock, now_ms) or now_ms)
    return Reading(replica.table, settings, now, None if newest_ms is None else minute_of(newest_ms), product)


def metrics_named(names: Collection[str]) -> Sequence[Metric]:
    """Those of the catalogue with these names, in its order; all where none is given. Raises UserError where there is
    no such indicator."""
    known = [metric.name for metric in METRICS]
    for name in names:
        if name not in known:
            [nearest] = get_close_matches(name, known, n=1, cutoff=0)
            raise UserError(f"--indicator {printable(name)}: there is no such indicator; the nearest is {nearest}")
    return [metric for metric in METRICS if not names or metric.name in names]

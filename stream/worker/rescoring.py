"""Re-scoring: a shard's customers are scored by other coefficients, all of them from one commit on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from time import monotonic

import structlog

from stream.core.event_columns import customers_of
from stream.core.increments import Increments
from stream.core.series import Table
from stream.indicators.catalogue import RECORD
from stream.indicators.churn.evidence import Scoring
from stream.indicators.families import churn_risk
from stream.store.keys import product_of
from stream.store.packing import PORTIONS
from stream.store.shard import REVIEW, SCORING, ShardStore, WriteSet
from stream.worker.commits import Commits

log = structlog.get_logger()


async def rescored(commits: Commits, store: ShardStore, before: Scoring, now: Scoring) -> WriteSet:
    """What other scoring changes in the series, and that it is in force; to be committed before anything else is."""
    table, customers, began = Table(churn_risk.SERIES), 0, monotonic()
    async for records in everybody(commits, store):
        rows = customers_of(list(records), [product_of(key) for key in records], commits.key_ids)
        _, memories = RECORD.unpacked(records.values(), rows)
        increments = Increments(rows.key_ids)
        old, new = (churn_risk.profiles_of(memories, rows, scoring) for scoring in (before, now))
        churn_risk.change(increments, rows, old, new)
        table.merge(increments.encode())
        customers += len(records)
        commits.progress_at = monotonic()  # a large shard takes its time
    log.info("scored anew", shard=commits.number, customers=customers, seconds=round(monotonic() - began, 1))
    return WriteSet(series=table.encode(), fields={SCORING: now.packed(), REVIEW: "1"})


async def everybody(commits: Commits, store: ShardStore) -> AsyncIterator[dict[bytes, bytes]]:
    """Customer key -> record, some at a time."""
    for buckets in PORTIONS:
        records = await commits.retry(
            "read records", partial(store.in_buckets, commits.number, buckets, commits.named)
        )
        if records:
            yield records

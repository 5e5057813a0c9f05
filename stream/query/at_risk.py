"""Who is at risk: the customers that are about to leave, the most likely first, and why, in words."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest
from time import time
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from redis.asyncio import Redis

from schemas import DEFAULT_PRODUCT
from schemas.churn_risk import Reason
from stream.core.event_columns import customers_of
from stream.core.key_ids import KeyIds
from stream.core.time import Calendar, rfc3339
from stream.indicators.catalogue import RECORD
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.levels import LEVELS, REASONS, AtRisk, Why
from stream.indicators.churn.reasons import Phrases, reasons, risk_now
from stream.indicators.families.churn_risk import profiles_of
from stream.indicators.state.segments import UNKNOWN
from stream.runtime.json_text import json_text
from stream.runtime.spreadsheet import csv_text
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from stream.store import at_risk, meta
from stream.store.keys import customer_of, product_of
from stream.store.shard import SCORING, ShardStore


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom is asked for; None: any. `reason`: what weighs most. `top` is bounded where it comes over HTTP."""

    product: str | None = None
    level: AtRisk | None = None
    segment: str | None = None
    reason: Why | None = None
    top: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20


class Customer(msgspec.Struct, frozen=True):
    """Times are RFC 3339 in UTC. `since` is since when the customer is told to be at risk."""

    customer: str
    product: str
    level: str
    score: float
    since: str
    last_activity: str
    channel: str
    segment: str
    reasons: tuple[Reason, ...]
    why: str


class CustomersAtRisk(msgspec.Struct, frozen=True):
    """`at` is the moment T; `matching` how many there are, of whom `customers` are the most likely to leave."""

    at: str
    matching: int
    customers: list[Customer]

    def to_json(self) -> str:
        return json_text(self)


async def ask(settings: Settings, query: Query) -> CustomersAtRisk:
    """`find_at_risk` for a command. Raises UserError when the settings do not fit the state in Redis."""
    async with meta.reading(settings) as redis:
        return await find_at_risk(redis, settings, query)


async def find_at_risk(redis: Redis, settings: Settings, query: Query) -> CustomersAtRisk:
    """Score everybody who was told to be at risk, as of now. Raises redis.exceptions when Redis is away."""
    store = ShardStore(redis, settings.namespace)
    if settings.clock == "event":
        now_ms = await store.newest_ms(range(settings.partitions)) or 0
    else:
        now_ms = int(time() * 1000)
    calendar = Calendar(settings.zone)
    found: list[Customer] = []
    matching = 0
    for shard in range(settings.partitions):
        if not (packed := await store.field(shard, SCORING)):
            continue  # nothing was ever counted there
        scoring = Scoring.unpack(packed, calendar)
        async for entries in at_risk.entries(redis, settings.namespace, shard):
            since_ms = {key: ms for key, ms in entries.items() if query.product in (None, product_of(key))}
            records = await store.records(shard, list(since_ms))
            known = {key: record for key, record in zip(since_ms, records, strict=True) if record}
            key_ids = KeyIds(await store.names(shard))  # after the records that refer to them
            matches, best = _Look(query, scoring, key_ids, now_ms).at(known, since_ms)
            matching += matches
            found = nlargest(query.top, [*found, *best], key=lambda each: (each.score, each.customer))
    return CustomersAtRisk(rfc3339(now_ms), matching, found)


class _Look(NamedTuple):
    """At some customers of one shard."""

    query: Query
    scoring: Scoring
    key_ids: KeyIds
    now_ms: int

    def at(self, known: dict[bytes, bytes], since_ms: dict[bytes, int]) -> tuple[int, list[Customer]]:
        """(how many match, those of them that are most likely to leave)."""
        if not known:
            return 0, []
        query, keys = self.query, list(known)
        rows = customers_of(keys, [product_of(key) for key in keys], self.key_ids)
        key_ids = rows.key_ids
        _, memories = RECORD.unpacked(known.values(), rows)
        profiles = profiles_of(memories, rows, self.scoring)
        now = risk_now(profiles, self.scoring, self.now_ms)
        segment = [key_ids[each][-1] if each >= 0 else UNKNOWN for each in profiles.segment.tolist()]
        matches = now.counts & (now.level > 0)
        if query.level:
            matches &= now.level == LEVELS.index(query.level)
        if query.reason:
            matches &= now.added.argmax(axis=1) == REASONS.index(query.reason)
        if query.segment:
            matches &= np.array(segment) == query.segment
        places = np.flatnonzero(matches)
        best = places[np.argsort(-now.score[places], kind="stable")][: query.top].tolist()
        words = Phrases(memories, key_ids, profiles, self.scoring, self.now_ms)
        because = {place: reasons(now.added[place]) for place in best}
        return len(places), [
            Customer(
                customer=customer_of(keys[row], rows.products[rows.product[row]]),
                product=rows.products[rows.product[row]],
                level=LEVELS[now.level[place]],
                score=float(now.score[place]),
                since=rfc3339(since_ms[keys[row]]),
                last_activity=rfc3339(int(profiles.inputs.last[place])),
                channel=key_ids[int(profiles.channel[place])][-1],
                segment=segment[place],
                reasons=because[place],
                why=words.say(row, because[place]),
            )
            for place, row in zip(best, profiles.row[best].tolist(), strict=True)
        ]


def show(found: CustomersAtRisk, terminal: Terminal) -> None:
    """As a table for a person."""
    if not found.customers:
        terminal.say(f"at {found.at}: nobody")
        return
    shown = f"the {len(found.customers):,} most likely to leave" if len(found.customers) < found.matching else "all"
    terminal.say(f"{found.matching:,} at {found.at}, {shown}")
    terminal.table(("customer", "risk", "since", "segment", "why"), map(_row, found.customers))


def _row(each: Customer) -> tuple[str, ...]:
    who = each.customer if each.product == DEFAULT_PRODUCT else f"{each.customer} ({each.product})"
    return who, f"{each.score:.0%} {each.level}", each.since[:10], each.segment, each.why


def to_csv(found: CustomersAtRisk) -> str:
    """With a line of headings; reasons as "silence 0.80 open_ticket 0.20". Cells are guarded, see `spreadsheet`."""
    return csv_text(Customer.__struct_fields__, map(_fields, found.customers))


def _fields(each: Customer) -> Iterable[str]:
    shares = " ".join(f"{reason.reason} {reason.share:.2f}" for reason in each.reasons)
    return (msgspec.structs.asdict(each) | {"score": f"{each.score:.4f}", "reasons": shares}).values()

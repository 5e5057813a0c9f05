"""`assidu customer`: what is known of one customer, and the numbers in which it counts because of that."""

from __future__ import annotations

from datetime import date

import msgspec

from stream.core.event_columns import Customers, customers_of
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, KeyIds
from stream.core.series import Table
from stream.core.time import FAR_FUTURE, MINUTE_MS, Calendar, minute_of, rfc3339
from stream.indicators.catalogue import RECORD, SERIES
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.levels import LEVELS
from stream.indicators.churn.reasons import Phrases, reasons, risk_now
from stream.indicators.contribution import contribute
from stream.indicators.families.activity import ACTIVE_BY_CHANNEL
from stream.indicators.families.churn_risk import profiles_of
from stream.indicators.memories import Memories
from stream.indicators.state.answers import DERIVED, GIVEN
from stream.kafka.partition import shard_of
from stream.query.report import written
from stream.query.samples import samples
from stream.runtime.errors import UserError
from stream.runtime.json_text import json_text
from stream.runtime.printable import printable
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from stream.store import meta
from stream.store.keys import customer_key
from stream.store.replica import Replica
from stream.store.shard import SCORING, ShardStore


class CountedIn(msgspec.Struct):
    """A number of customers that this one is part of (or `value` of it, where it counts more than once)."""

    name: str
    labels: dict[str, str]
    value: int


class Feedback(msgspec.Struct):
    """What the customer's latest answers of the last weeks speak of; `derived`: read out of a comment by a rule."""

    at: str
    theme: str
    sentiment: str
    derived: bool


class Risk(msgspec.Struct):
    """How likely the customer is to stay away, why in words, and whether it counts among those at the level."""

    score: float
    level: str
    why: str
    counts: bool


class Known(msgspec.Struct):
    """One product's record of one customer; without any activity where it was only shown something.

    Times are RFC 3339 in UTC, days local dates; `risk` of churn is None for who was never active.
    """

    customer: str
    product: str
    first_activity: str | None
    first_channel: str | None
    last_activity_by_channel: dict[str, str]
    active_days: list[str]
    feedback: list[Feedback]
    risk: Risk | None
    counts_in: list[CountedIn]


async def find_customer(settings: Settings, customer_id: str, product: str | None = None) -> list[Known]:
    """Every record of the id, signed in (`u:`) and anonymous (`a:`). Raises UserError when there is none."""
    async with meta.reading(settings) as redis:
        replica = Replica(redis, settings.namespace, settings.partitions, SERIES)
        await replica.refresh()
        clock_ms = replica.clock_ms(settings.clock, await replica.now_ms())
        products = [product] if product else replica.table.products
        names = [(each, prefix + customer_id) for each in products for prefix in ("u:", "a:")]
        shard = shard_of(customer_id, settings.partitions)
        store = ShardStore(redis, settings.namespace)
        records = await store.records(shard, [customer_key(*name) for name in names])
        numbers = KeyIds(await store.names(shard))
        packed = await store.field(shard, SCORING)
    found = [
        _known(settings, name, record, numbers, clock_ms or 0, Scoring.unpack(packed, Calendar(settings.zone)))
        for name, record in zip(names, records, strict=True)
        if record is not None and packed is not None
    ]
    if not found:
        known = ", ".join(map(printable, products)) or "none yet"
        where = f"product {product!r}" if product else f"any product ({known})"
        raise UserError(f"customer {customer_id!r} was never seen in {where}")
    return found


def to_json(found: list[Known]) -> str:
    return json_text({"customers": found})


def show(found: list[Known], terminal: Terminal) -> None:
    """The records as text for a person."""
    for known in found:
        terminal.say((known.customer, "bold"), f" in product {known.product}")
        if known.first_activity:
            terminal.say(f"  first activity  {known.first_activity} on {known.first_channel}")
        for channel, moment in known.last_activity_by_channel.items():
            terminal.say(f"  last activity   {moment} on {channel}")
        terminal.say(f"  active days     {len(known.active_days)}: {', '.join(known.active_days[-10:])}")
        for each in known.feedback:
            how = " (derived by rule)" if each.derived else ""
            terminal.say(f"  feedback        {each.at} on {each.theme}, {each.sentiment}{how}")
        if risk := known.risk:
            level = risk.level if risk.counts else f"{risk.level}, counts no more"
            terminal.say(f"  churn risk      {risk.score:.0%} ({level}): {risk.why}")
        terminal.table(
            ("counts in", "labels", "as"),
            ((each.name, written(_without_product(each.labels)), each.value) for each in known.counts_in),
        )


def _without_product(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "product"}


def _known(
    settings: Settings, name: tuple[str, str], record: bytes, key_ids: KeyIds, now_ms: int, scoring: Scoring
) -> Known:
    product, customer = name
    alone = customers_of([customer_key(product, customer)], [product], key_ids)
    _, memories = RECORD.unpacked([record], alone)
    active = memories.activity
    was_active = active.first_ms[0] != FAR_FUTURE
    _, days = active.days.all()
    return Known(
        customer=customer,
        product=product,
        first_activity=rfc3339(int(active.first_ms[0])) if was_active else None,
        first_channel=alone.key_ids[active.first_channel[0]][-1] if was_active else None,
        last_activity_by_channel={
            channel: rfc3339(last * MINUTE_MS)
            for (channel,), last in sorted(memories.latest.by_labels(alone.key_ids, ACTIVE_BY_CHANNEL))
        },
        active_days=[date.fromordinal(day).isoformat() for day in days.tolist()],
        feedback=_feedback(memories, alone.key_ids),
        risk=_risk(memories, alone, scoring, now_ms) if was_active else None,
        counts_in=_counts(settings, record, alone, scoring, minute_of(now_ms)),
    )


def _feedback(memories: Memories, key_ids: FoldKeys) -> list[Feedback]:
    """The earliest first."""
    found = [
        (minute, theme, sentiment, series is DERIVED)
        for series in (GIVEN, DERIVED)
        for (theme, sentiment), minute in memories.latest.by_labels(key_ids, series)
    ]
    return [
        Feedback(rfc3339(minute * MINUTE_MS), theme, sentiment, derived)
        for minute, theme, sentiment, derived in sorted(found)
    ]


def _risk(memories: Memories, alone: Customers, scoring: Scoring, now_ms: int) -> Risk:
    now = risk_now(profiles_of(memories, alone, scoring), scoring, now_ms)
    words = Phrases(memories, alone.key_ids, now.profiles, scoring, now_ms)
    return Risk(float(now.score[0]), LEVELS[now.level[0]], words.say(0, reasons(now.added[0])), bool(now.counts[0]))


def _counts(settings: Settings, record: bytes, alone: Customers, scoring: Scoring, minute: int) -> list[CountedIn]:
    """The gauges of a deployment that knew this customer alone: a series is the sum of such contributions."""
    increments, table = Increments(alone.key_ids), Table(SERIES)
    contribute(increments, [record], alone, settings.indicators.definitions, scoring)
    table.merge(increments.encode())
    found = samples(table, minute, Calendar(settings.zone), settings.indicators.definitions)
    return [
        CountedIn(sample.metric.name, sample.labels, int(sample.value))
        for sample in found
        if sample.metric.unit == "customers" and sample.value
    ]

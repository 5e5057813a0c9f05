"""Random histories, and the state of a shard that has folded them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from schemas import FAMILY_OF_TYPE, Event, Rejected, decode
from stream.core.definitions import Definitions
from stream.core.event_columns import customers_of
from stream.core.key_ids import KeyIds, Keys
from stream.core.ragged import Ints
from stream.core.series import Table
from stream.core.time import FAR_FUTURE, Calendar
from stream.indicators.catalogue import RECORD, SERIES
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.query.samples import samples
from stream.store.keys import customer_key
from stream.worker.fold import SliceChanges, by_shard, columns_of, counted, fold
from stream.worker.intake import Arrived
from stream.worker.level_changes import Present
from tests.events import OF_PRODUCTS
from tests.fields import FIELDS

laws = settings(derandomize=True, database=None, deadline=None, max_examples=60)

HOUR, DAY = 60, 24 * 60
MINUTE_MS = 60_000
WINDOW_EDGES = [width * DAY + off for width in (1, 7, 30) for off in (-1, 0, 1, 30, 31, HOUR)]
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu")
MOMENTS = (
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # Paris goes from 02:00 to 03:00
    datetime(2026, 4, 5, 22, 0, tzinfo=UTC),  # midnight in Paris, with that change in the week before
    datetime(2025, 11, 2, 6, 30, tzinfo=UTC),  # New York lives 01:30 for the second time
    datetime(2026, 7, 15, 12, 37, tzinfo=UTC),
)
CUSTOMERS = ({"user_id": "1"}, {"anonymous_id": "1"}, {"user_id": "2", "anonymous_id": "1"}, {"user_id": "3"})
CASTS = (  # who takes part: everybody everywhere; or few in one place, for long visits and second thoughts
    (CUSTOMERS, ("app", "app", "app", "shop", "other"), ("web", "ios", "store")),
    (CUSTOMERS[:2], ("app",), ("web",)),
    (CUSTOMERS[:2], ("other",), ("web",)),
)
PLOTS = (  # what it is about: everything, or one family alone, so that its events meet
    tuple(FIELDS),
    ("impression", "click", "interaction"),
    ("survey_sent", "survey_response", "survey_response", "survey_response"),
    ("login", "survey_response", "identify", "ticket_opened", "ticket_resolved", "ticket_reopened", "ticket_replied"),
    ("login", *("ticket_opened", "ticket_replied", "ticket_resolved", "ticket_reopened") * 2),
    ("subscription_started", "subscription_renewed", "subscription_cancelled"),
    ("login", "login", "subscription_started", "subscription_renewed", "subscription_cancelled", "ticket_resolved"),
    ("feature_use", "feature_use", "contribution", "login"),
    ("message_delivered", "message_opened", "message_clicked"),
    ("impression", "click", "message_delivered", "purchase", "subscription_started"),
    ("page_view", "page_view", "session", "click", "login", "purchase", "subscription_started"),
    ("purchase", "purchase", "purchase", "product_return", "spend", "login", "subscription_started"),
    ("social_action", "social_action", "social_reach", "contribution", "referral", "attendance"),
    ("loyalty_action", "loyalty_action", "loyalty_action", "login", "impression"),
    ("signup", "feature_use", "purchase", "survey_response", "impression", "login"),
)
LATER = st.one_of(
    st.sampled_from([0, 1, 30, 31, HOUR, DAY - 1, DAY, 6 * DAY, 7 * DAY, 29 * DAY, 30 * DAY, 60 * DAY]),
    st.integers(0, 70 * DAY),
)


def arrived(events: Sequence[Event], shard: int = 0) -> Arrived:
    """The events as intake hands them on."""
    ms = np.array([event.epoch_ms for event in events], np.int64)
    keys = [customer_key(event.product, event.customer) for event in events]
    return Arrived(
        list(events),
        keys,
        ms,
        ms // 3_600_000,
        np.zeros(len(events), np.int64),
        np.zeros(len(events), np.uint64),
        [(shard, "topic")],
    )


@dataclass(frozen=True)
class History:
    """Events as products emit them, in the order in which they came."""

    zone: ZoneInfo
    emitted: list[dict[str, Any]]
    seed: int

    @property
    def events(self) -> list[Event]:
        kept, _ = counted(arrived(list(map(decoded, self.emitted))), {0: Counter()})
        return kept.events

    @property
    def newest(self) -> datetime:
        return max(datetime.fromisoformat(event["timestamp"]) for event in self.emitted)

    def batches(self) -> list[list[Event]]:
        """In another order, cut anywhere."""
        chance = random.Random(self.seed)
        events = chance.sample(self.events, len(self.events))
        cuts = sorted(chance.choices(range(len(events) + 1), k=chance.randrange(8)))
        return [events[start:end] for start, end in pairwise([0, *cuts, len(events)])]


def decoded(event: dict[str, Any]) -> Event:
    outcome = decode(json.dumps(event).encode(), FAMILY_OF_TYPE[event["type"]])
    assert not isinstance(outcome, Rejected), outcome
    return outcome


@st.composite
def histories(draw: st.DrawFn, days_back: int = 75) -> History:
    """Several products, customers, channels, types; bunched, apart, on window edges, at equal times, with bots."""
    moment = draw(st.sampled_from(MOMENTS))
    customers, products, channels = draw(st.sampled_from(CASTS))
    types = draw(st.sampled_from(PLOTS)) + draw(st.sampled_from(((), ("identify",))))
    occurrence = st.tuples(
        _ms_ago(draw, days_back),
        st.sampled_from(types).flatmap(_with_fields),
        st.sampled_from(customers),
        st.sampled_from(products),
        st.sampled_from(channels),
        st.sampled_from([False] * 9 + [True]),
    )
    size = draw(st.integers(1, 40))  # lists alone would hardly ever be long
    emitted: list[dict[str, Any]] = []
    for ms_ago, fields, customer, product, channel, bot in draw(st.lists(occurrence, min_size=size, max_size=size)):
        happened = moment - timedelta(milliseconds=ms_ago)
        common = {"product": product, "channel": channel, "bot": bot, "timestamp": happened.isoformat()}
        who = {} if fields["type"] in OF_PRODUCTS else customer
        emitted.append({"event_id": str(len(emitted)), **common, **who, **fields})
    return History(ZoneInfo(draw(st.sampled_from(ZONES))), emitted, draw(st.integers(0, 2**32)))


def _ms_ago(draw: st.DrawFn, days_back: int) -> st.SearchStrategy[int]:
    """Anywhere; on the edges of windows; and half an hour after one another, or nearly so."""
    anywhere = st.one_of(
        st.integers(0, 3),
        st.integers(0, 3 * DAY),
        st.integers(0, days_back * DAY),
        st.integers(0, days_back).map(lambda days: days * DAY),
        st.sampled_from(WINDOW_EDGES),
    )
    starts = draw(st.lists(anywhere, min_size=1, max_size=4))
    steps = st.tuples(st.sampled_from(starts), st.integers(-6, 2)).map(lambda step: max(0, step[0] + step[1] * 30))
    return st.tuples(anywhere | steps, st.sampled_from([0, 0, 0, 1, 59_999])).map(
        lambda time: time[0] * MINUTE_MS - time[1]
    )


def _with_fields(type_: str) -> st.SearchStrategy[dict[str, Any]]:
    return FIELDS[type_].map(lambda fields: {"type": type_, **fields})


def as_it_is(_product: str, _label: str, value: str) -> str:
    """Every label value is admitted."""
    return value


def as_of(now_ms: int, customers: int, due: int = 0) -> Present:
    """So many customers, of whom the last so many are due, are looked at as of this moment."""
    columns = np.full(customers, now_ms), np.arange(customers) >= customers - due, np.zeros(customers, np.int64)
    return Present(*columns)


KEYS = Keys()
"""Of all states, as shards of one worker have them."""


@dataclass
class State:
    """What a shard holds."""

    calendar: Calendar
    keep_days: int | None = None
    coefficients: Coefficients = Coefficients()  # noqa: RUF009 — frozen
    definitions: Definitions = Definitions()  # noqa: RUF009 — frozen
    now_ms: int = 0
    """As of when customers are evaluated: no matter to anything else."""
    shard: int = 0
    most_customers: int = 500
    """Of one slice."""

    def __post_init__(self) -> None:
        self.scoring = Scoring(self.coefficients, self.definitions.first_week_days, self.calendar)
        self.table = Table(SERIES)
        self.key_ids = KeyIds(keys=KEYS)
        self.records: dict[bytes, bytes] = {}

    def take(self, batches: Iterable[Sequence[Event]]) -> State:
        for batch in batches:
            self.fold(arrived(batch, self.shard))
        return self

    def fold(self, events: Arrived) -> list[SliceChanges]:
        """What the events change, which is kept."""
        changes = self.changes(events)
        self.keep(changes)
        return changes

    def changes(self, events: Arrived) -> list[SliceChanges]:
        """What the events would change."""
        names = {self.shard: self.key_ids}
        most = self.most_customers
        touched = columns_of(events, names, as_it_is, self.calendar, self.definitions, most_customers=most)
        known = [self.records.get(key, b"") for key in touched.keys]
        present = as_of(self.now_ms, len(known))
        changes = fold(touched.columns, touched.keys, known, self.keep_days, self.scoring, present)
        return by_shard(touched, changes)[self.shard]

    def keep(self, slices: Iterable[SliceChanges]) -> None:
        """As their commits do."""
        for each in slices:
            self.records |= zip(each.keys, each.records, strict=True)
            self.table.merge(each.series)

    def remembered(self) -> dict[bytes, dict[str, Any]]:
        """What the records say, in words that do not depend on the numbers of names."""
        customers = customers_of(list(self.records), ["app"] * len(self.records), self.key_ids)
        names = customers.key_ids
        _, memories = RECORD.unpacked(self.records.values(), customers)
        active, latest, answers = memories.activity, memories.latest, memories.answers
        visits, segments = memories.visits, memories.segment
        subscription, tickets, exposures = memories.subscription, memories.tickets, memories.exposures
        orders, revenue = memories.orders, memories.revenue
        journey, inputs = memories.journey, memories.score_inputs
        said: list[dict[str, Any]] = [
            {
                "first": (ms, day, ms != FAR_FUTURE and names[channel]),
                "days": [],
                "latest": {},
                "answers": {},
                "visits": [],
                "tickets": [],
                "subscription": [],
                "exposures": [],
                "bought": [],
                "orders": [],
                "revenue": {},
                "score inputs": [],
            }
            for row, (ms, day, channel) in enumerate(listed(active.first_ms, active.first_day, active.first_channel))
        ]
        for row, day in listed(*active.days.all()):
            said[row]["days"].append(day)
        given = answers.stored_of(np.arange(len(self.records)))
        answered = listed(given.row, given.number, given.ms, given.score)
        for (row, number, ms, score), id_ in zip(answered, given.event_ids(), strict=True):
            said[row]["answers"][names[number]] = ms, id_, score
        for row, number, minute in zip(
            *map(np.ndarray.tolist, (latest.row, latest.number, latest.minute)), strict=True
        ):
            said[row]["latest"][names[number]] = minute
        for row, channel, *rest in zip(*map(np.ndarray.tolist, visits.runs.columns), strict=True):
            said[row]["visits"].append((names[channel], *rest))
        for row, ticket, level, *moments in listed(
            tickets.row, tickets.ticket, tickets.level[tickets.row], *tickets.moments.T
        ):
            said[row]["tickets"].append((ticket, level, moments))
        for row, heard in listed(subscription.row, subscription.heard):
            said[row]["subscription"].append(heard)
        for row, ms, amount, number in listed(*subscription.price):
            said[row]["price"] = ms, amount, names[number]
        for row, number, *rest in listed(*exposures.exposed):
            said[row]["exposures"].append((names[number], *rest))
        for row, *rest in listed(*exposures.bought):
            said[row]["bought"].append(rest)
        for row, order, currency, moment in listed(orders.row, orders.order, orders.currency, orders.moment):
            said[row]["orders"].append((order, names[currency], moment))
        for row, currency, *rest in listed(revenue.row, revenue.currency, revenue.net, revenue.minute):
            said[row]["revenue"][names[currency]] = rest
        for row, (ms, number) in enumerate(listed(segments.ms, segments.numbers)):
            said[row]["segment"] = number >= 0 and (ms, names[number])
        for memory in (memories.loyalty_action, memories.loyalty_tier):
            for row, (ms, number) in enumerate(listed(memory.ms, memory.numbers)):
                said[row][memory.series.name] = number >= 0 and (ms, names[number])
        for row, steps in enumerate(journey.ms.tolist()):
            said[row]["journey"] = steps
        for row, number, *days in listed(inputs.row, inputs.number, inputs.last, inputs.before):
            said[row]["score inputs"].append((names[number], *days))
        for each in said:
            for name in ("visits", "exposures", "orders", "score inputs"):
                each[name].sort()
        return dict(zip(self.records, said, strict=True))


def listed(*columns: Ints) -> Iterator[tuple[int, ...]]:
    """Row by row."""
    return zip(*(column.tolist() for column in columns), strict=True)


def minute_at(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def folded(history: History, definitions: Definitions = Definitions()) -> State:  # noqa: B008 — frozen
    return State(Calendar(history.zone), definitions=definitions).take(history.batches())


def report(
    table: Table,
    at: datetime,
    zone: ZoneInfo,
    only: set[str] | None = None,
    definitions: Definitions = Definitions(),  # noqa: B008 — frozen
) -> dict[str, Any]:
    """As `assidu report --format json` says it."""
    return {
        "metrics": [
            {"name": sample.metric.name, "labels": sample.labels, "value": sample.value}
            for sample in samples(table, minute_at(at), Calendar(zone), definitions)
            if only is None or sample.metric.name in only
        ]
    }

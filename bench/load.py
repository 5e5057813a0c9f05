"""The load: events whose customers and moments are spread as a scenario wants, made many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stream.kafka.partitions import shards_of

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

Who = Callable[[Numbers, Generator], Numbers]
"""(numbers of events) -> the number of the customer of each."""

When = Callable[[NDArray[np.float64], int, Generator], Numbers]
"""(share of the load that is before each event, now) -> the moment of each; both in milliseconds."""

Ends = dict[str, dict[int, int]]
"""Topic -> partition -> number of records sent there, which is the offset after the last."""

# Family, type, how many of a hundred events, and the fields of its own.
KINDS = (
    ("clicks", "impression", 15, '"campaign":"spring-sale","content":"banner-3"'),
    ("clicks", "click", 30, '"campaign":"spring-sale","element":"buy"'),
    ("logins", "login", 15, '"method":"password"'),
    ("sessions", "page_view", 25, '"page":"/offers"'),
    ("sessions", "session", 5, '"session_id":"s-4711","duration_ms":81000,"page_views":7'),
    ("surveys", "survey_response", 10, '"survey":"nps","survey_id":"q3","score":9,"scale":"0-10"'),
)
FAMILIES = tuple(dict.fromkeys(kind[0] for kind in KINDS))
CHANNELS = ("web", "ios", "android", "email")
BYTES = range(193, 211)
"""Length of an event's JSON; long customer ids lengthen it."""

SKEW = 0.8  # the customer of rank r sends in proportion to r ** -SKEW, as in Zipf's law
RECENT_HOURS = 6
LATE_SHARE = 0.1
LATE_DAYS = 29  # with the recent hours within the longest window, 30 days

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

_FAMILY_OF = np.array([FAMILIES.index(kind[0]) for kind in KINDS])
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0 Mobile"
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_SEED = 20_260_301


def skewed(customers: int) -> Who:
    """A few send much and many little, as in Zipf's law."""
    ranks = np.cumsum(np.arange(1, customers + 1) ** -SKEW)
    return lambda numbers, random: np.searchsorted(ranks, random.random(len(numbers)) * ranks[-1])


def in_turn(customers: int) -> Who:
    """Everybody once, then everybody once more, in an order that has nothing to do with their ids."""
    stride = 7_368_787  # a prime: with any number of customers that is no multiple of it, it meets all of them
    return lambda numbers, _: numbers % customers * stride % customers


def recently(share: NDArray[np.float64], now_ms: int, random: Generator) -> Numbers:
    """Nine of ten happened in the last hours, in order; the tenth comes up to 29 days late."""
    age_ms = (1 - share) * RECENT_HOURS * HOUR_MS
    age_ms += (random.random(len(share)) < LATE_SHARE) * random.random(len(share)) * LATE_DAYS * DAY_MS
    return (now_ms - age_ms).astype(np.int64)


def over_a_month(share: NDArray[np.float64], now_ms: int, _: Generator) -> Numbers:
    """Nine of ten are spread over 29 days, the tenth over the last 24 hours, all in order."""
    age_days = np.where(share < 0.9, 30 - share / 0.9 * 29, (1 - share) / 0.1)
    return (now_ms - age_days * DAY_MS).astype(np.int64)


def around_midnight(share: NDArray[np.float64], now_ms: int, _: Generator) -> Numbers:
    """The first half lies in the hour before a midnight (UTC) that is past, the second in the hour after it."""
    midnight_ms = (now_ms - HOUR_MS) // DAY_MS * DAY_MS
    return (midnight_ms + (share - 0.5) * 2 * HOUR_MS).astype(np.int64)


class Load(NamedTuple):
    """`events` events; `customers` are as many as `who` chooses from. Ids of 16 bytes fit seven digits; 36 too."""

    events: int
    customers: int
    who: Callable[[int], Who] = skewed
    when: When = recently
    id_bytes: int = 16


class Parcel(NamedTuple):
    """Events on their way to one partition, in order: keys are customer ids, values JSON."""

    family: str
    shard: int
    keys: list[bytes]
    values: list[bytes]


def parcels(
    load: Load, partitions: int, now_ms: int, first_id: int = 0, at_once: int = 100_000
) -> Iterator[list[Parcel]]:
    """All events of the load, so many at once; their ids are numbers from `first_id` on."""
    random = np.random.default_rng(_SEED)
    who = load.who(load.customers)
    kinds = np.repeat(np.arange(len(KINDS)), [kind[2] for kind in KINDS])
    for first in range(0, load.events, at_once):
        numbers = np.arange(first, min(first + at_once, load.events))
        customers = _customer_ids(who(numbers, random), load.id_bytes)
        kind = random.choice(kinds, len(numbers))
        texts, lengths = _texts(
            first_id + numbers, customers, load.when(numbers / load.events, now_ms, random), kind, random
        )
        keys = customers.view(f"S{load.id_bytes}").ravel().tolist()
        shards = shards_of([key.decode() for key in keys], partitions)
        yield _sorted(keys, texts, lengths, _FAMILY_OF[kind], shards)


def _texts(
    numbers: Numbers, customers: Bytes, moments_ms: Numbers, kind: Numbers, random: Generator
) -> tuple[Bytes, Numbers]:
    """The events' JSON, one a row, and how much of its row each one fills."""
    event_ids, id_bytes = _digits(numbers, 16, 12), customers.shape[1]
    moments = np.datetime_as_string(moments_ms.astype("datetime64[ms]")).astype("S23")
    moments = moments.view(np.uint8).reshape(-1, 23)
    channel = random.integers(0, len(CHANNELS), len(numbers))
    lengths = random.integers(BYTES.start, BYTES.stop, len(numbers)) + id_bytes - 16
    texts = np.empty((len(numbers), BYTES.stop + id_bytes - 16), np.uint8)
    for which_kind in range(len(KINDS)):
        for which_channel, channel_name in enumerate(CHANNELS):
            rows = np.flatnonzero((kind == which_kind) & (channel == which_channel))
            form = _Form(which_kind, channel_name, id_bytes)
            texts[rows] = form.text[: texts.shape[1]]
            texts[rows, form.event_id] = event_ids[rows]
            texts[rows, form.customer] = customers[rows]
            texts[rows, form.moment] = moments[rows]
            lengths[rows] = np.maximum(lengths[rows], form.shortest)
    # The browser's name is no field of the contract: products send such things too, and it fills up the length.
    every = np.arange(len(numbers))
    texts[every, lengths - 2], texts[every, lengths - 1] = ord('"'), ord("}")
    return texts, lengths


class _Form:
    """What events of one kind and channel have in common, and where in it their own parts go."""

    def __init__(self, kind: int, channel: str, id_bytes: int) -> None:
        _, type_, _, own = KINDS[kind]
        event_id, customer, moment = "\1" * 12, "\2" * id_bytes, "\3" * 23
        start = (
            f'{{"event_id":"{event_id}","type":"{type_}","user_id":"{customer}","timestamp":"{moment}Z",'
            f'"channel":"{channel}",{own},"agent":"'
        )
        self.text = np.frombuffer(f"{start}{_AGENT}".encode(), np.uint8)
        self.event_id, self.customer, self.moment = (
            slice(start.index(part), start.index(part) + len(part)) for part in (event_id, customer, moment)
        )
        self.shortest = len(start) + len('"}')


def _customer_ids(customers: Numbers, id_bytes: int) -> Bytes:
    """Such as customer-0000042, or customer-0000042@our-example.company: one a row."""
    ids = np.empty((len(customers), id_bytes), np.uint8)
    ids[:] = np.frombuffer(b"customer-0000000@our-example.company"[:id_bytes], np.uint8)
    ids[:, 9:16] = _digits(customers, 10, 7)
    return ids


def _digits(numbers: Numbers, base: int, width: int) -> Bytes:
    places = base ** np.arange(width - 1, -1, -1)
    digits: Bytes = _DIGITS[numbers[:, None] // places % base]
    return digits


def _sorted(keys: list[bytes], texts: Bytes, lengths: Numbers, family: Numbers, shards: Numbers) -> list[Parcel]:
    """The events by where they go."""
    partitions = int(shards.max()) + 1
    target = family * partitions + shards
    order = np.argsort(target, kind="stable")
    targets, starts = np.unique(target[order], return_index=True)
    width = texts.shape[1]
    content = texts[order].tobytes()
    ends = lengths[order] + np.arange(len(order)) * width
    values = [content[row * width : end] for row, end in enumerate(ends.tolist())]
    keys = [keys[row] for row in order.tolist()]
    bounds = [*starts.tolist(), len(order)]
    return [
        Parcel(FAMILIES[number // partitions], number % partitions, keys[start:end], values[start:end])
        for number, start, end in zip(targets.tolist(), bounds, bounds[1:], strict=False)
    ]

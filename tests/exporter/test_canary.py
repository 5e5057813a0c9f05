"""The canary: whose it is, when it has arrived, and that none is lost in silence."""

from __future__ import annotations

from time import time

import pytest

from schemas import decode
from schemas.logins import Login
from stream.exporter.canary import BUCKETS, FAMILY, Canary, Flight
from stream.kafka.canaries import customer_ids, left_out
from stream.kafka.partition import shard_of
from stream.settings import Settings
from stream.store.replica import ShardState

SETTINGS = Settings(_env_file=None, partitions=2)
TOPIC = f"{SETTINGS.topic_prefix}{FAMILY}"


def canary(*flights: Flight) -> Canary:
    """With these on their way."""
    sent = Canary(SETTINGS)
    sent.flights.extend(flights)
    return sent


def observed(canary: Canary) -> dict[str, float]:
    """Upper bound of a bucket -> how many are in it or below."""
    (histogram,) = canary.families()
    return {each.labels["le"]: each.value for each in histogram.samples if each.name.endswith("_bucket")}


def states(*positions: int) -> dict[int, ShardState]:
    return {shard: ShardState(position={TOPIC: offset}) for shard, offset in enumerate(positions)}


@pytest.mark.parametrize("partitions", [1, 2, 32])
def test_every_shard_has_a_customer_who_belongs_to_it(partitions: int) -> None:
    assert [shard_of(customer_id, partitions) for customer_id in customer_ids(partitions)] == [*range(partitions)]


def test_its_event_is_accepted_and_says_that_it_is_a_test() -> None:
    event = decode(left_out("canary-1", 1_774_958_400.5), FAMILY)
    assert isinstance(event, Login)
    assert (event.test, event.customer_id, event.epoch_ms) == (True, "canary-1", 1_774_958_400_500)


def test_it_has_arrived_once_its_shard_shows_what_lies_beyond_its_offset() -> None:
    sent = canary(Flight(shard=1, offset=7, sent=time() - 1.6))
    for too_early in ({}, states(100), states(100, 7)):
        sent.note_shown(too_early)
    assert observed(sent)["+Inf"] == 0
    for _ in range(2):
        sent.note_shown(states(0, 8))
    assert {bound: n for bound, n in observed(sent).items() if bound in ("1.5", "2.0", "+Inf")} == {
        "1.5": 0,
        "2.0": 1,
        "+Inf": 1,
    }


def test_one_that_does_not_arrive_counts_as_slower_than_all() -> None:
    sent = canary(Flight(shard=0, offset=7, sent=time() - BUCKETS[-1] - 1))
    for _ in range(2):
        sent.note_shown({})
    assert (observed(sent)["60.0"], observed(sent)["+Inf"]) == (0, 1)


def test_where_none_are_sent_nothing_is_said_of_them() -> None:
    assert list(Canary(SETTINGS.model_copy(update={"canary_seconds": 0})).families()) == []

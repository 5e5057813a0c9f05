"""Fetch sessions: each request says what has changed, and a broker that has forgotten them is told all again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import (
    FetchRequest,
    FetchRequest_v4,
    FetchRequest_v11,
    FetchResponse_v4,
    FetchResponse_v11,
)
from aiokafka.protocol.metadata import MetadataRequest

from stream.kafka.fetch_session import FetchSessions

NODE = 1
UNKNOWN_SESSION = 70
ALL = [("clicks", [(0, 5, 100), (1, 6, 100)]), ("logins", [(0, 7, 100)])]


class Client:
    """As far as it sends: `answers` are what brokers say, one after the other; what they heard is put down."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.heard: list[Any] = []

    async def send(self, node: int, request: Any) -> Any:
        answer = self._answers.pop(0)
        struct = FetchRequest_v4 if isinstance(answer, FetchResponse_v4) else FetchRequest_v11
        self.heard.append(request.build(struct) if isinstance(request, FetchRequest) else request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(session: int, error: int = 0) -> FetchResponse_v11:
    return FetchResponse_v11(0, error, session, [])


def fetch(sessions: FetchSessions, topics: Any) -> None:
    asyncio.run(sessions.send(NODE, FetchRequest(100, 1, 1000, 1, topics)))


def said(request: Any) -> tuple[int, int, dict[str, list[tuple[int, int]]], dict[str, list[int]]]:
    """(session, epoch, topic -> (partition, offset) that are named, topic -> partitions not read any more)."""
    named = {topic: sorted((part[0], part[2]) for part in parts) for topic, parts in request.topics}
    forgotten = {topic: sorted(parts) for topic, parts in request.forgotten_topics_data}
    return request.session_id, request.session_epoch, named, forgotten


EVERYTHING = {"clicks": [(0, 5), (1, 6)], "logins": [(0, 7)]}


def test_only_what_has_changed_is_said_again() -> None:
    client = Client(*[answer(9)] * 4)
    sessions = FetchSessions(client.send)
    fetch(sessions, ALL)
    fetch(sessions, ALL)
    fetch(sessions, [("clicks", [(0, 5, 100), (1, 8, 100)])])
    fetch(sessions, ALL)
    assert [said(each) for each in client.heard] == [
        (0, 0, EVERYTHING, {}),
        (9, 1, {}, {}),
        (9, 2, {"clicks": [(1, 8)]}, {"logins": [0]}),
        (9, 3, {"clicks": [(1, 6)], "logins": [(0, 7)]}, {}),
    ]
    assert client.heard[1].max_wait_time == 100


@pytest.mark.parametrize(("trouble", "session"), [(answer(0, UNKNOWN_SESSION), 0), (KafkaConnectionError(), 9)])
def test_after_trouble_everything_is_said_again(trouble: Any, session: int) -> None:
    """In place of the session that the broker may still have, where who knows what it has heard."""
    client = Client(answer(9), trouble, answer(10), answer(10))
    sessions = FetchSessions(client.send)
    fetch(sessions, ALL)
    if isinstance(trouble, Exception):
        with pytest.raises(KafkaConnectionError):
            fetch(sessions, ALL)
    else:
        fetch(sessions, ALL)
    fetch(sessions, ALL)
    fetch(sessions, ALL)
    assert [said(each) for each in client.heard[2:]] == [(session, 0, EVERYTHING, {}), (10, 1, {}, {})]


def test_who_reads_anew_is_told_of_everything() -> None:
    client = Client(*[answer(9)] * 3)
    sessions = FetchSessions(client.send)
    fetch(sessions, ALL)
    sessions.restart()
    fetch(sessions, ALL)
    fetch(sessions, ALL)
    assert [said(each)[1] for each in client.heard] == [0, 0, 1]
    assert said(client.heard[1])[2] == EVERYTHING


def test_a_broker_without_place_for_a_session_is_told_all_each_time() -> None:
    client = Client(*[answer(0)] * 3)
    sessions = FetchSessions(client.send)
    for _ in range(3):
        fetch(sessions, ALL)
    assert [said(each) for each in client.heard] == [(0, 0, EVERYTHING, {})] * 3


def test_a_broker_that_knows_no_sessions_is_asked_as_ever() -> None:
    client = Client(*[FetchResponse_v4(0, [])] * 2)
    sessions = FetchSessions(client.send)
    for _ in range(2):
        fetch(sessions, ALL)
    assert [each.topics for each in client.heard] == [ALL, ALL]


def test_whatever_is_no_fetch_goes_as_it_is() -> None:
    client, request = Client(answer(0)), MetadataRequest()
    asyncio.run(FetchSessions(client.send).send(NODE, request))
    assert client.heard == [request]


def test_an_answer_tells_of_all_partitions_even_where_it_says_nothing() -> None:
    client = Client(answer(9), answer(9))
    sessions = FetchSessions(client.send)
    assert sessions.heard_of(60) == set()
    fetch(sessions, ALL)
    fetch(sessions, ALL)
    assert sessions.heard_of(60) == {("clicks", 0), ("clicks", 1), ("logins", 0)}
    assert sessions.heard_of(-1) == set()

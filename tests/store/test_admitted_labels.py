"""Admitted labels: a shard's answers hold until its batch is folded, whatever the other shards do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from stream.demo.embedded import EmbeddedRedis
from stream.store.labels import LabelBook

TODAY = 20_000


@pytest.fixture
async def book(redis_server: EmbeddedRedis) -> AsyncIterator[LabelBook]:
    async with Redis.from_url(redis_server.url) as redis:
        yield LabelBook(redis, f"test-{uuid4().hex[:8]}", limit=2)


async def test_what_was_admitted_keeps_its_place_when_another_shard_makes_the_book_forget(book: LabelBook) -> None:
    await book.learn([("app", "channel", "web")], TODAY)
    book.forget()
    book.forget()

    assert book.place("app", "channel", "web") == "web"


async def test_what_was_admitted_keeps_its_place_when_another_shard_begins_the_next_day(book: LabelBook) -> None:
    await book.learn([("app", "channel", "web")], TODAY)
    await book.learn([("app", "channel", "ios")], TODAY + 1)

    assert book.place("app", "channel", "web") == "web"


async def test_values_beyond_the_limit_are_other_and_limits_are_by_product(book: LabelBook) -> None:
    values = [(product, "channel", name) for product in ("app", "shop") for name in ("web", "ios", "store")]
    await book.learn(values, TODAY)

    assert [book.place(*value) for value in values] == ["web", "ios", "other"] * 2

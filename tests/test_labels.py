"""Labels are bounded, once for the whole deployment."""

from __future__ import annotations

from uuid import uuid4

from stream.core.series import Table
from stream.embedded import EmbeddedRedis
from stream.metrics import SERIES
from stream.metrics.activity import EVENTS
from stream.metrics.clicks import CLICKS
from stream.store.connect import connect
from stream.store.labels import LabelBook, drop_released
from tests.increments import packed


async def test_what_finds_no_place_is_other_for_every_worker(redis_server: EmbeddedRedis) -> None:
    redis, namespace = connect(redis_server.url), uuid4().hex
    try:
        first, second = LabelBook(redis, namespace, limit=2), LabelBook(redis, namespace, limit=2)
        await first.learn([("app", "channel", name) for name in ("web", "ios", "android")], today=100)
        await second.learn([("app", "channel", name) for name in ("android", "web", "other")], today=100)
        assert [first.place("app", "channel", name) for name in ("web", "ios", "android")] == ["web", "ios", "other"]
        assert [second.place("app", "channel", name) for name in ("web", "android", "other")] == [
            "web",
            "other",
            "other",
        ]
    finally:
        await redis.aclose()


async def test_products_do_not_take_each_others_places(redis_server: EmbeddedRedis) -> None:
    redis, namespace = connect(redis_server.url), uuid4().hex
    try:
        book = LabelBook(redis, namespace, limit=1)
        await book.learn([("app", "channel", "web"), ("shop", "channel", "ios")], today=100)
        assert (book.place("app", "channel", "web"), book.place("shop", "channel", "ios")) == ("web", "ios")
    finally:
        await redis.aclose()


async def test_a_value_unused_for_35_days_gives_up_its_place(redis_server: EmbeddedRedis) -> None:
    redis, namespace = connect(redis_server.url), uuid4().hex
    try:
        book = LabelBook(redis, namespace, limit=1)
        await book.learn([("app", "channel", "web")], today=100)
        await book.learn([("app", "channel", "ios")], today=135)
        assert book.place("app", "channel", "ios") == "other"
        await book.learn([("app", "channel", "ios")], today=136)
        assert book.place("app", "channel", "ios") == "ios"
    finally:
        await redis.aclose()


async def test_a_released_value_is_shown_no_longer_once_nothing_of_it_is_left(redis_server: EmbeddedRedis) -> None:
    redis, namespace = connect(redis_server.url), uuid4().hex
    try:
        book = LabelBook(redis, namespace, limit=1)
        table = Table(SERIES)
        table.merge(
            packed(
                [
                    (CLICKS.key("app", "old"), 1, 1),
                    (CLICKS.key("app", "new"), 1, 1),
                    (CLICKS.key("app", "other"), 1, 1),
                    (EVENTS.key("app", "click"), 1, 3),
                    (CLICKS.key("app", "still counting"), 60 * 24 * 40, 1),
                ]
            )
        )
        await book.learn([("app", "campaign", "old")], today=100)
        await book.learn([("app", "campaign", "new")], today=136)

        table.compact(newest=60 * 24 * 40, today=40, keep_days=None)
        await drop_released(redis, namespace, table)

        assert table.keys("clicks", "app") == [
            CLICKS.key("app", "new"),
            CLICKS.key("app", "other"),
            CLICKS.key("app", "still counting"),
        ]
        assert table.keys("events", "app") == [EVENTS.key("app", "click")]
    finally:
        await redis.aclose()

"""Labels are bounded, once for the whole deployment."""

from __future__ import annotations

import random

from redis.asyncio import Redis

from stream.core.series import Table
from stream.indicators.catalogue import SERIES
from stream.indicators.families.activity import ACTIVE, EVENTS
from stream.indicators.families.clicks import CLICKS
from stream.store.keys import Keys
from stream.store.labels import LabelBook, ProductBook, drop_released
from tests.increments import packed


async def test_what_finds_no_place_is_other_for_every_worker(redis: Redis, namespace: str) -> None:
    first, second = LabelBook(redis, namespace, limit=2), LabelBook(redis, namespace, limit=2)
    await first.learn([("app", "channel", name) for name in ("web", "ios", "android")], today=100)
    await second.learn([("app", "channel", name) for name in ("android", "web", "other")], today=100)
    assert [first.place("app", "channel", name) for name in ("web", "ios", "android")] == ["web", "ios", "other"]
    assert [second.place("app", "channel", name) for name in ("web", "android", "other")] == [
        "web",
        "other",
        "other",
    ]


async def test_products_do_not_take_each_others_places(redis: Redis, namespace: str) -> None:
    book = LabelBook(redis, namespace, limit=1)
    await book.learn([("app", "channel", "web"), ("shop", "channel", "ios")], today=100)
    assert (book.place("app", "channel", "web"), book.place("shop", "channel", "ios")) == ("web", "ios")


async def test_a_value_unused_for_35_days_gives_up_its_place(redis: Redis, namespace: str) -> None:
    book = LabelBook(redis, namespace, limit=1)
    await book.learn([("app", "channel", "web")], today=100)
    await book.learn([("app", "channel", "ios")], today=135)
    assert book.place("app", "channel", "ios") == "other"
    await book.learn([("app", "channel", "ios")], today=136)
    assert book.place("app", "channel", "ios") == "ios"


async def test_the_longest_unused_gives_up_its_place_first_and_only_to_another(redis: Redis, namespace: str) -> None:
    book = LabelBook(redis, namespace, limit=3)
    for day, name in enumerate(("a", "b", "c"), 100):
        await book.learn([("app", "channel", name)], day)
    later = LabelBook(redis, namespace, limit=3)
    await later.learn([("app", "channel", name) for name in ("b", "d", "e")], today=200)
    assert [later.place("app", "channel", name) for name in "abcde"] == ["other", "b", "other", "d", "e"]
    assert await redis.zrange(Keys(namespace).labels("app", "channel"), 0, -1) == [b"b", b"d", b"e"]


async def test_a_lower_limit_takes_no_place_in_use_and_gives_none_away(redis: Redis, namespace: str) -> None:
    await LabelBook(redis, namespace, limit=4).learn([("app", "channel", name) for name in "abcd"], today=100)
    book = LabelBook(redis, namespace, limit=2)
    await book.learn([("app", "channel", name) for name in "ae"], today=101)
    assert [book.place("app", "channel", name) for name in "abcde"] == ["a", "b", "c", "d", "other"]
    await book.learn([("app", "channel", name) for name in "fag"], today=136)
    assert [book.place("app", "channel", name) for name in "fag"] == ["f", "a", "other"]


async def test_other_and_none_take_no_place(redis: Redis, namespace: str) -> None:
    book = LabelBook(redis, namespace, limit=1)
    await book.learn([("app", "campaign", name) for name in ("none", "other", "spring")], today=100)
    assert [book.place("app", "campaign", name) for name in ("none", "other", "spring")] == [
        "none",
        "other",
        "spring",
    ]


async def test_who_has_a_place_for_one_worker_has_it_for_all_however_full_it_is(redis: Redis, namespace: str) -> None:
    names = [f"campaign-{number}" for number in range(3000)]
    books = [LabelBook(redis, namespace, limit=1200) for _ in range(3)]
    for number, book in enumerate(books):
        asked = random.Random(number).sample(names, len(names))
        for some in (asked[:700], asked[700:701], asked[701:]):
            await book.learn([("app", "campaign", name) for name in some], today=100)
    for book in books:  # as of what all have admitted by now
        await book.learn([("app", "campaign", name) for name in names], today=100)
    placed = [[name for name in names if book.place("app", "campaign", name) == name] for book in books]
    assert placed[0] == placed[1] == placed[2]
    assert len(placed[0]) == 1200


async def test_a_value_used_by_anybody_within_35_days_keeps_its_place(redis: Redis, namespace: str) -> None:
    """Though the label is full, and who uses the value did not admit it."""
    await LabelBook(redis, namespace, limit=1).learn([("app", "channel", "web")], today=100)
    user = LabelBook(redis, namespace, limit=1)
    await user.learn([("app", "channel", "ios")], today=130)
    await user.learn([("app", "channel", "web")], today=130)
    late = LabelBook(redis, namespace, limit=1)
    await late.learn([("app", "channel", "ios")], today=165)
    assert late.place("app", "channel", "ios") == "other"


async def test_a_released_value_is_shown_no_longer_once_nothing_of_it_is_left(redis: Redis, namespace: str) -> None:
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
    await ProductBook(redis, namespace, limit=1).learn(["app"], today=136)

    table.compact(newest=60 * 24 * 40, today=40, keep_days=None)
    await drop_released(redis, namespace, table)

    assert table.keys("clicks", "app") == [
        CLICKS.key("app", "new"),
        CLICKS.key("app", "other"),
        CLICKS.key("app", "still counting"),
    ]
    assert table.keys("events", "app") == [EVENTS.key("app", "click")]


async def test_a_released_product_is_shown_no_longer_once_nothing_of_it_is_left(redis: Redis, namespace: str) -> None:
    book, table = ProductBook(redis, namespace, limit=1), Table(SERIES)
    products = ("old", "new", "default", "other")
    table.merge(packed([(ACTIVE.key(product), 1, 1) for product in products]))
    await book.learn(["old"], today=100)
    await book.learn(["new"], today=136)

    table.compact(newest=60 * 24 * 40, today=40, keep_days=None)
    await drop_released(redis, namespace, table)

    assert [product for product in products if table.keys("active", product)] == ["new", "default", "other"]

"""API keys: stored as keyed hashes, known, revoked, and charged by their rate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from stream.demo.embedded import EmbeddedRedis
from stream.runtime.errors import UserError
from stream.runtime.secret import SecretUrl
from stream.store.api_keys import ApiKeys, Known
from stream.store.connect import connect_to
from stream.store.server import check_version


@pytest.fixture
def keys(redis: Redis, namespace: str) -> ApiKeys:
    return ApiKeys(redis, namespace)


async def known(keys: ApiKeys, rate: float | None) -> Known:
    key = await keys.create("shop", "server", rate, ())
    found = (await keys.table()).find(key)
    assert found
    return found


async def test_a_key_is_found_by_itself_alone(keys: ApiKeys) -> None:
    key = await keys.create("shop", "browser", 5.0, ("https://shop.example",))
    other = await keys.create("app", "server", None, ())
    table = await keys.table()
    found = table.find(key)
    assert found
    assert (found.key.product, found.key.kind, found.key.rate) == ("shop", "browser", 5.0)
    assert found.key.origins == ("https://shop.example",)
    assert key.startswith("assidu_browser_")
    assert other.startswith("assidu_server_")
    for unknown in (key[:-1], key + "0", key.upper(), found.id, "", "\udcff"):
        assert table.find(unknown) is None


async def test_no_key_is_stored(keys: ApiKeys, redis: Redis, namespace: str) -> None:
    key = await keys.create("shop", "server", None, ())
    stored = b"".join([await redis.dump(name) async for name in redis.scan_iter(f"{namespace}:*")])
    assert key.encode() not in stored
    assert key.removeprefix("assidu_server_").encode() not in stored


async def test_namespaces_have_keys_of_their_own(keys: ApiKeys, redis: Redis, namespace: str) -> None:
    key = await keys.create("shop", "server", None, ())
    other = ApiKeys(redis, f"{namespace}-other")
    await other.create("shop", "server", None, (), "existing")
    table = await other.table()
    assert table.find(key) is None
    assert table.find("existing")


async def test_an_existing_key_is_taken_over_once(keys: ApiKeys) -> None:
    assert await keys.create("shop", "server", None, (), "segment-write-key") == "segment-write-key"
    with pytest.raises(UserError, match="known already"):
        await keys.create("app", "server", None, (), "segment-write-key")
    found = (await keys.table()).find("segment-write-key")
    assert found
    assert found.key.product == "shop"


async def test_a_key_is_revoked_by_itself_or_by_its_id(keys: ApiKeys) -> None:
    first, second = [await keys.create(product, "server", None, ()) for product in ("shop", "app")]
    found = (await keys.table()).find(second)
    assert found
    await keys.revoke(first)
    await keys.revoke(found.id)
    assert (await keys.table()).keys == {}
    with pytest.raises(UserError, match="no such key"):
        await keys.revoke(first)


async def test_the_table_is_read_again_only_when_something_has_changed(keys: ApiKeys) -> None:
    empty = await keys.table()
    assert await keys.table(empty) is empty
    key = await keys.create("shop", "server", None, ())
    one = await keys.table(empty)
    assert one.find(key)
    assert await keys.table(one) is one
    await keys.revoke(key)
    assert (await keys.table(one)).find(key) is None


async def test_a_rate_lets_ten_seconds_worth_in_at_once_and_then_as_much_as_it_says(keys: ApiKeys) -> None:
    slow = await known(keys, 0.5)
    assert [await keys.charge(slow, 1) for _ in range(6)] == [0.0] * 6  # the last one goes beyond
    assert 1.5 < await keys.charge(slow, 1) <= 2.0
    assert await keys.charge(await known(keys, 0.5), 1) == 0.0


async def test_a_batch_is_let_in_as_a_whole_and_paid_for_afterwards(keys: ApiKeys) -> None:
    slow = await known(keys, 10)
    assert await keys.charge(slow, 1000) == 0.0
    assert 89 < await keys.charge(slow, 1) <= 90


async def test_a_key_without_a_rate_sends_what_it_likes(keys: ApiKeys, redis: Redis, namespace: str) -> None:
    assert await keys.charge(await known(keys, None), 10**9) == 0.0
    assert not [name async for name in redis.scan_iter(f"{namespace}:rate:*")]


async def test_a_collector_needs_no_more_rights_than_the_documentation_says(
    keys: ApiKeys, redis: Redis, redis_server: EmbeddedRedis, namespace: str
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
    [rule] = re.findall(r"^user collector on (.*)$", text, re.MULTILINE)
    granted = rule.replace("PASSWORD", "secret").replace("~assidu:", f"~{namespace}:").split()
    await redis.execute_command("ACL", "SETUSER", namespace, "on", *granted)
    key = await keys.create("shop", "server", 10.0, ())
    async with connect_to(f"redis://{namespace}:secret@127.0.0.1:{redis_server.port}/0") as bounded:
        await check_version(bounded, SecretUrl(redis_server.url))
        allowed = ApiKeys(bounded, namespace)
        found = (await allowed.table()).find(key)
        assert found
        await redis.script_flush()
        assert await allowed.charge(found, 1) == 0.0
        with pytest.raises(NoPermissionError):
            await allowed.create("shop", "server", None, ())
    await redis.execute_command("ACL", "DELUSER", namespace)

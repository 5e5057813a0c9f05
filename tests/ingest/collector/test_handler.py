"""What is answered, and that it is true."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from stream.settings import Settings
from tests.ingest.collector.collecting import PATH, Client, arrived, collecting, ids_of, logins
from tests.stack.waiting import eventually_async

PAGE = "https://shop.example"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ERROR = {"code", "status", "error", "message", "detail"}


async def test_what_is_answered_by_200_is_in_kafka_as_the_keys_product(client: Client, deployed: Settings) -> None:
    events = logins(100)
    answer = await client.post([event | {"product": "another"} for event in events])
    assert (answer.status, answer.json["accepted"]) == (200, 100)
    found = await arrived(deployed, events)
    assert sorted(ids_of(found)) == sorted(ids_of(events))
    assert {event["product"] for event in found} == {"shop"}


async def test_of_a_batch_the_good_events_are_taken_and_the_others_named(client: Client, deployed: Settings) -> None:
    events = logins(5)
    bad: list[Any] = [{"type": "login"}, events[1] | {"fill": "x" * 70_000}]
    answer = await client.post([events[0], bad[0], events[2], bad[1], events[4]])
    assert (answer.status, answer.json["accepted"]) == (200, 3)
    assert [(each["index"], each["reason"]) for each in answer.json["problems"]] == [
        (1, "missing_field"),
        (3, "too_large"),
    ]
    assert len(await arrived(deployed, events)) == 3
    shown = await client.metrics()
    assert 'assidu_collector_events_total{protocol="native",safe_in="kafka"} 3.0' in shown
    assert 'assidu_collector_problems_total{protocol="native",reason="too_large"} 1.0' in shown


@pytest.mark.parametrize("key", [None, "unknown", "assidu_server_" + "0" * 40, "ü", ""])
async def test_an_unknown_key_is_answered_by_401_in_the_form_that_stops_clients(
    client: Client, deployed: Settings, key: str | None
) -> None:
    events = logins(1)
    answer = await client.post(events, key=None) if key == "" else await client.post(events, key=key)
    assert answer.status == 401
    assert answer.json.keys() >= ERROR
    assert answer.json["error"].startswith("Invalid API key:")
    assert await arrived(deployed, events) == []


async def test_a_key_is_known_and_revoked_within_seconds(client: Client) -> None:
    key = await client.stored.create("app", "server", None, ())

    async def status() -> int:
        return (await client.post(logins(1), key=key)).status

    async def is_known() -> bool:
        return await status() == 200

    async def is_revoked() -> bool:
        return await status() == 401

    await eventually_async(is_known, 5, "the new key to be known")
    await client.stored.revoke(key)
    await eventually_async(is_revoked, 5, "the revoked key to be refused")


async def test_who_tries_many_keys_is_let_try_no_more_and_others_are_not_concerned(deployed: Settings) -> None:
    behind = deployed.model_copy(update={"collector_trusted_proxies": "127.0.0.0/8"})
    async with collecting(behind) as client:
        for _ in range(50):  # one revoked key, over and over, is no guess
            assert (await client.post(logins(1), key="revoked", X_Forwarded_For="192.0.2.1")).status == 401
        statuses = [
            (await client.post(logins(1), key=f"guess-{number}", X_Forwarded_For="192.0.2.7")).status
            for number in range(25)
        ]
        assert statuses == [401] * 20 + [429] * 5
        hit = await client.post(logins(1), X_Forwarded_For="192.0.2.7")
        assert hit.status == 429
        assert 1 <= int(hit.headers["Retry-After"]) <= 600
        for other in ("192.0.2.1", "192.0.2.8", "192.0.2.7, 192.0.2.9"):
            assert (await client.post(logins(1), X_Forwarded_For=other)).status == 200


@pytest.mark.parametrize(("trusted", "scheme"), [("", "http"), ("127.0.0.1", "https")])
async def test_by_which_scheme_clients_came_only_a_trusted_proxy_says(
    deployed: Settings, trusted: str, scheme: str
) -> None:
    async with collecting(deployed.model_copy(update={"collector_trusted_proxies": trusted})) as client:
        path = f"/v1/projects/{client.key}/settings"
        answer = await client.post(None, path, method="GET", X_Forwarded_Proto="https", Host="collector.example")
        assert answer.json["integrations"]["Segment.io"]["protocol"] == scheme


@pytest.mark.parametrize(
    "path", [PATH, f"{PATH}/", f"/native{PATH}", f"/native{PATH}/", f"/in{PATH}", f"/in/native{PATH}/"]
)
async def test_each_path_is_served_with_and_without_prefixes_and_a_slash_at_its_end(
    deployed: Settings, path: str
) -> None:
    async with collecting(deployed.model_copy(update={"collector_prefix": "/in"})) as client:
        assert (await client.post(logins(1), path)).status == 200


async def test_what_is_no_path_or_method_of_events_is_refused_without_a_redirect(client: Client) -> None:
    statuses = [
        (await client.post(logins(1), path, method=method)).status
        for method, path in (("POST", "/"), ("POST", "//v1/events"), ("POST", "/nowhere"), ("DELETE", PATH))
    ]
    assert statuses == [404, 404, 404, 405]
    for path, allowed in ((PATH, "OPTIONS, POST"), ("/e", "GET, OPTIONS, POST")):
        answer = await client.post(None, path, method="DELETE")
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)


async def test_a_preflight_is_answered_without_a_key_with_what_was_asked_for(client: Client) -> None:
    answer = await client.post(
        None,
        key=None,
        method="OPTIONS",
        Origin=PAGE,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization,x-own",
    )
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,x-own"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert int(answer.headers["Access-Control-Max-Age"]) >= 7200


async def test_a_page_may_read_every_answer_errors_too(client: Client) -> None:
    for answer in (
        await client.post(logins(1), Origin=PAGE),
        await client.post(logins(1), key="unknown", Origin=PAGE),
        await client.post(b"{", Origin=PAGE),
        await client.post(logins(1), "/nowhere", Origin=PAGE),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE, answer
        assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
        assert "Origin" in answer.headers["Vary"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "assidu"


async def test_a_browsers_key_is_for_its_pages_and_its_bots_are_marked(client: Client, deployed: Settings) -> None:
    key = await client.create_key("site", "browser", None, PAGE)
    assert (await client.post(logins(1), key=key, Origin="https://elsewhere.example")).status == 403
    assert (await client.post(logins(1), key=key)).status == 403

    person, bot, server = logins(1), logins(1), logins(1)
    assert (await client.post(person, key=key, Origin=PAGE, User_Agent="Mozilla/5.0")).status == 200
    assert (await client.post(bot, key=key, Referer=f"{PAGE}/offers", User_Agent=CRAWLER)).status == 200
    assert (await client.post(server, User_Agent=CRAWLER)).status == 200
    found = {event["event_id"]: event.get("bot", False) for event in await arrived(deployed, person + bot + server)}
    assert found == {person[0]["event_id"]: False, bot[0]["event_id"]: True, server[0]["event_id"]: False}


async def test_a_key_that_sends_more_than_its_rate_comes_again_later(client: Client, deployed: Settings) -> None:
    key = await client.create_key("app", "browser", 5)
    assert (await client.post(logins(100), key=key)).status == 200  # twenty seconds' worth, of which ten are free
    refused = logins(1)
    answer = await client.post(refused, key=key, Origin=PAGE)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
    assert answer.json["code"] == 429
    assert await arrived(deployed, refused) == []
    assert (await client.post(logins(1))).status == 200  # others are not concerned


async def test_beyond_the_bytes_in_flight_is_answered_by_429(deployed: Settings) -> None:
    tight = deployed.model_copy(update={"collector_bytes": 1024 * 1024})
    async with collecting(tight) as client:
        answer = await client.post(b" " * (2 * 1024 * 1024), Origin=PAGE)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert (await client.post(logins(1))).status == 200
        assert "assidu_collector_in_flight_bytes 0.0" in await client.metrics()


async def test_neither_keys_nor_customers_are_logged(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    events = logins(1, customer="customer-1234")
    await client.post(events)
    await client.post([event | {"timestamp": "never"} for event in events])
    await client.post(events, key="key-5678")
    said = "".join(capfd.readouterr())
    assert "customer-1234" not in said
    assert "key-5678" not in said
    assert client.key not in said


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on PATH")
async def test_the_documented_first_request_is_answered_as_documented(client: Client) -> None:
    text = (Path(__file__).parents[3] / "docs" / "emit.md").read_text(encoding="utf-8")
    [command] = re.findall(r"^```sh\n(curl .*?)^```", text, re.MULTILINE | re.DOTALL)
    [answer] = re.findall(r'^```json\n(\{"accepted".*?)^```', text, re.MULTILINE | re.DOTALL)
    here = command.replace("127.0.0.1:8080", f"127.0.0.1:{client.port}").replace("curl", "curl --silent")
    done = await asyncio.create_subprocess_shell(
        here, env={**os.environ, "KEY": client.key}, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await done.communicate()
    assert json.loads(said) == json.loads(answer)

"""Alerts from end to end: events in Kafka or numbers in Redis, a real exporter, Prometheus and Alertmanager, and who
hears of it.

The rules and configurations are those of deploy/, on a faster clock.
"""

from __future__ import annotations

import re
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import yaml

from stream.core.time import DAY
from stream.demo.embedded import EmbeddedRedis, free_port
from stream.demo.simulate import World
from stream.indicators.families.activity import ACTIVE
from stream.indicators.families.first_week import ANCHORED
from stream.settings import Settings
from tests.events import Event
from tests.stack.command import Assidu
from tests.stack.owner import Owner
from tests.stack.prometheus import Alertmanager, Prometheus, program
from tests.stack.story import Story
from tests.stack.waiting import eventually_async
from tests.stack.webhook import Webhook, listening

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parents[2] / "deploy"
FASTER = {"7d": "12s", "2h": "1s", "1h": "1s", "15m": "5s", "5m": "3s", "2m": "3s", "1m": "1s"}
STALE_AFTER_SECONDS = 3
LOW, FALLING = "EngagementStickinessLow", "EngagementFirstWeekFalling"
HIGH, RISING = "EngagementHighRisk", "EngagementHighRiskRising"
HIGH_SHARE = 'engagement_risk_ratio{product="app", level="high"}'
STALE = "AssiduDataStale"
ONCE = datetime.now(UTC) - timedelta(days=90)
"""When the simulated customers fall silent."""


class Watch(NamedTuple):
    """Everything between the exporter and the person on call."""

    prometheus: Prometheus
    alertmanager: Alertmanager
    webhook: Webhook

    async def hears(self, alert: str, status: str, product: str = "") -> None:
        word = (alert, status, product)

        async def heard() -> bool:
            return word in self.webhook.heard

        await eventually_async(heard, 40, f"{word} at the webhook, which heard {self.webhook.heard}")

    async def is_in_state(self, alert: str, state: str) -> None:
        async def is_it() -> bool:
            return self.alertmanager.states().get(alert) == state

        await eventually_async(is_it, 40, f"{alert} to be {state}")

    async def knows(self, expression: str) -> None:
        async def known() -> bool:
            return bool(self.prometheus.query(expression))

        await eventually_async(known, 40, f"{expression} in Prometheus")


@pytest.fixture
def deployment(redis_server: EmbeddedRedis) -> Settings:
    """With no Kafka: nobody here needs one."""
    return Settings(
        _env_file=None,
        kafka="127.0.0.1:1",
        redis=redis_server.url,
        partitions=1,
        canary_seconds=0,
        namespace=f"test-{uuid4().hex[:8]}",
        exporter_port=free_port(),
    )


@pytest.fixture
async def owner(deployment: Settings) -> AsyncIterator[Owner]:
    async with Owner(deployment) as owner:
        yield owner


@pytest.fixture
async def watch(deployment: Settings, owner: Owner, tmp_path: Path) -> AsyncIterator[Watch]:
    assidu = Assidu(deployment, tmp_path)
    try:
        async with watching(assidu) as watch:
            yield watch
    finally:
        assidu.close()


@asynccontextmanager
async def watching(assidu: Assidu) -> AsyncIterator[Watch]:
    """An exporter, and all that follows it."""
    program("prometheus")
    program("prometheus-alertmanager", "alertmanager")
    folder = assidu.folder
    async with listening(free_port()) as webhook:
        assidu.start("exporter")
        with Alertmanager(alertmanager_configuration(folder, webhook.url)) as alertmanager:
            exporter = f"127.0.0.1:{assidu.settings.exporter_port}"
            with Prometheus(prometheus_configuration(folder, exporter, alertmanager.address)) as prometheus:
                yield Watch(prometheus, alertmanager, webhook)


def alertmanager_configuration(folder: Path, webhook_url: str) -> Path:
    """Every receiver is the webhook, and nobody waits for company."""
    configuration = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    configuration["route"] |= {"group_wait": "100ms", "group_interval": "500ms"}
    for receiver in configuration["receivers"]:
        receiver["webhook_configs"] = [{"url": webhook_url, "send_resolved": True}]
    return written(folder / "alertmanager.yml", configuration)


def prometheus_configuration(folder: Path, exporter: str, alertmanager: str) -> Path:
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "250ms"}
    configuration["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    for job in configuration["scrape_configs"]:  # no worker is needed but one that answers
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [exporter]}]
    (folder / "rules").mkdir()
    rules = hurried((DEPLOY / "prometheus" / "rules" / "assidu.yml").read_text())
    (folder / "rules" / "assidu.yml").write_text(rules)
    return written(folder / "prometheus.yml", configuration)


def hurried(rules: str) -> str:
    """The same rules, every duration shorter."""
    durations = re.compile(rf"(?<![\w\"])({'|'.join(FASTER)})\b")
    faster = durations.sub(lambda found: FASTER[found[0]], rules)
    assert "max(assidu_data_age_seconds) > 60" in faster
    return faster.replace("_age_seconds) > 60", f"_age_seconds) > {STALE_AFTER_SECONDS}")


def written(file: Path, configuration: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(configuration))
    return file


def minute_now() -> int:
    return int(datetime.now(UTC).timestamp() // 60)


def active(customers: int, days_ago: int) -> dict[Any, int]:
    """So many customers whose last activity was then."""
    return {(ACTIVE.key("app"), minute_now() - 1 - days_ago * DAY): customers}


def first_weeks(customers: int, active_days: int) -> dict[Any, int]:
    """So many customers whose first week ended lately, with so many active days."""
    day = datetime.now(UTC).toordinal() - 10
    return {(ANCHORED.key("app", "web", str(active_days)), day): customers}


async def test_low_stickiness_is_told_and_told_again_when_it_is_over(owner: Owner, watch: Watch) -> None:
    await owner.add(active(customers=200, days_ago=10))
    await watch.hears(LOW, "firing", "app")

    await owner.add(active(customers=50, days_ago=0))
    await watch.hears(LOW, "resolved", "app")
    assert watch.webhook.heard == [(LOW, "firing", "app"), (LOW, "resolved", "app")]


async def test_falling_first_weeks_are_told_and_told_again_when_they_are_better(owner: Owner, watch: Watch) -> None:
    await owner.add(first_weeks(customers=100, active_days=5))
    await watch.knows(f"engagement_first_week_ratio offset {FASTER['7d']}")
    assert watch.webhook.heard == []

    await owner.add(first_weeks(customers=150, active_days=1))
    await watch.hears(FALLING, "firing", "app")

    await owner.add(first_weeks(customers=5000, active_days=5))
    await watch.hears(FALLING, "resolved", "app")
    assert watch.webhook.heard == [(FALLING, "firing", "app"), (FALLING, "resolved", "app")]


async def test_stale_data_are_told_alone_and_hold_back_what_is_said_of_numbers(owner: Owner, watch: Watch) -> None:
    await watch.knows("assidu_data_age_seconds < 1")
    await owner.fall_silent()
    await watch.hears(STALE, "firing")

    await owner.add(active(customers=200, days_ago=10))
    await watch.is_in_state(LOW, "suppressed")
    assert watch.webhook.heard == [(STALE, "firing", "")]

    owner.live()
    await watch.hears(STALE, "resolved")
    await watch.hears(LOW, "firing", "app")


async def test_data_are_stale_too_while_the_exporter_cannot_reach_redis(
    watch: Watch, redis_server: EmbeddedRedis
) -> None:
    await watch.knows("assidu_data_age_seconds < 1")
    with redis_server.stopped():
        await watch.hears(STALE, "firing")
        assert watch.webhook.heard == [(STALE, "firing", "")]
    await watch.hears(STALE, "resolved")


async def test_silent_customers_are_told_with_reasons_and_an_outage_of_ingestion_is_told_as_nothing_else(
    assidu: Assidu,
) -> None:
    """By the event clock, which the test holds: it is as late as the newest event says, whoever's it is."""
    story = Story(assidu, clock="event", partitions=1)
    worker = await to_thread(story.worker)
    past = [timed.event for timed in World(seed=1, customers=400, now=ONCE).past()]
    await to_thread(arrive, story, past)
    async with watching(assidu) as watch:
        await watch.knows(f"0 < {HIGH_SHARE} offset {FASTER['7d']} < 0.4")
        assert watch.webhook.heard == []

        await to_thread(arrive, story, [login("anyone", "elsewhere", days_later=40)])
        for alert in (HIGH, RISING):
            await watch.hears(alert, "firing", "app")
            assert_tells_why(watch.webhook.said[alert, "firing", "app"])

        await to_thread(arrive, story, everybody_comes(past, days_later=41))
        for alert in (HIGH, RISING):
            await watch.hears(alert, "resolved", "app")
        words = [(alert, status, "app") for alert in (HIGH, RISING) for status in ("firing", "resolved")]
        assert sorted(word for word in watch.webhook.heard if word[2] == "app") == sorted(words)
        assert {alert for alert, _, _ in watch.webhook.heard} == {HIGH, RISING}

        watch.webhook.heard.clear()
        worker.child.kill()
        await watch.hears(STALE, "firing")
        await to_thread(story.emit, everybody_comes(past, days_later=80))
        story.let_time_pass(until=ONCE + timedelta(days=80))
        await watch.is_in_state(HIGH, "suppressed")

        await to_thread(story.worker)
        await watch.hears(STALE, "resolved")
        assert HIGH not in watch.alertmanager.states()
        assert watch.webhook.heard == [(STALE, "firing", ""), (STALE, "resolved", "")]


def arrive(story: Story, events: list[Event]) -> None:
    story.emit(events)
    story.settle()


def login(customer: str, product: str, days_later: int) -> Event:
    moment = ONCE + timedelta(days=days_later)
    names = {"event_id": f"{customer}-{days_later}", "user_id": customer, "product": product}
    return {**names, "type": "login", "timestamp": moment.isoformat()}


def everybody_comes(past: list[Event], days_later: int) -> list[Event]:
    known = {(event["user_id"], event["product"]) for event in past if "user_id" in event}
    return [login(customer, product, days_later) for customer, product in sorted(known)]


def assert_tells_why(said: dict[str, str]) -> None:
    assert re.fullmatch(r"Largest reasons: silence \d+(, \w+ \d+)*", said["reasons"])
    assert re.search(
        r"\(high\): [\d.]+%.* Told when it is (above 50%|higher than a week before by 5% points)", said["description"]
    )
    assert (
        said["dashboard"]
        == "http://localhost:3000/d/assidu-churn-risk-and-revenue-at-risk?var-product=app&viewPanel=2"
    )
    assert said["runbook_url"].startswith("docs/runbook.md#engagementhighrisk")

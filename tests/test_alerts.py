"""Alerts from end to end: numbers in Redis, a real exporter, Prometheus and Alertmanager, and who hears of it.

The rules and configurations are those of deploy/, on a faster clock.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import yaml

from stream.core.time import DAY
from stream.embedded import EmbeddedRedis, free_port
from stream.metrics.activity import ACTIVE
from stream.metrics.first_week import ANCHORED
from stream.settings import Settings
from tests.stack.command import Assidu
from tests.stack.owner import Owner
from tests.stack.prometheus import Alertmanager, Prometheus, program
from tests.stack.waiting import eventually_async
from tests.stack.webhook import Webhook, listening

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parent.parent / "deploy"
FASTER = {"7d": "12s", "2h": "1s", "1h": "1s", "15m": "5s", "5m": "3s", "2m": "3s", "1m": "1s"}
STALE_AFTER_SECONDS = 3
LOW, FALLING = "EngagementStickinessLow", "EngagementFirstWeekFalling"
STALE = "AssiduDataStale"


class Watch(NamedTuple):
    """Everything between Redis and the person on call."""

    owner: Owner
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
async def watch(deployment: Settings, tmp_path: Path) -> AsyncIterator[Watch]:
    program("prometheus")
    program("prometheus-alertmanager", "alertmanager")
    async with listening(free_port()) as webhook, Owner(deployment) as owner:
        with servers(deployment, tmp_path, webhook.url) as (prometheus, alertmanager):
            yield Watch(owner, prometheus, alertmanager, webhook)


@contextmanager
def servers(deployment: Settings, folder: Path, webhook_url: str) -> Iterator[tuple[Prometheus, Alertmanager]]:
    with ExitStack() as stack:
        assidu = Assidu(deployment, folder)
        stack.callback(assidu.close)
        assidu.start("exporter")
        alertmanager = stack.enter_context(Alertmanager(alertmanager_configuration(folder, webhook_url)))
        file = prometheus_configuration(folder, f"127.0.0.1:{deployment.exporter_port}", alertmanager.address)
        yield stack.enter_context(Prometheus(file)), alertmanager


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


async def test_low_stickiness_is_told_and_told_again_when_it_is_over(watch: Watch) -> None:
    await watch.owner.add(active(customers=200, days_ago=10))
    await watch.hears(LOW, "firing", "app")

    await watch.owner.add(active(customers=50, days_ago=0))
    await watch.hears(LOW, "resolved", "app")
    assert {alert for alert, _, _ in watch.webhook.heard} == {LOW}


async def test_falling_first_weeks_are_told_and_told_again_when_they_are_better(watch: Watch) -> None:
    await watch.owner.add(first_weeks(customers=100, active_days=5))
    await watch.knows(f"engagement_first_week_ratio offset {FASTER['7d']}")
    assert watch.webhook.heard == []

    await watch.owner.add(first_weeks(customers=150, active_days=1))
    await watch.hears(FALLING, "firing", "app")

    await watch.owner.add(first_weeks(customers=5000, active_days=5))
    await watch.hears(FALLING, "resolved", "app")
    assert {alert for alert, _, _ in watch.webhook.heard} == {FALLING}


async def test_stale_data_are_told_alone_and_hold_back_what_is_said_of_numbers(watch: Watch) -> None:
    await watch.knows("assidu_data_age_seconds < 1")
    await watch.owner.fall_silent()
    await watch.hears(STALE, "firing")

    await watch.owner.add(active(customers=200, days_ago=10))
    await watch.is_in_state(LOW, "suppressed")
    assert watch.webhook.heard == [(STALE, "firing", "")]

    watch.owner.live()
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

"""The exporter: how often it refreshes (as soon as a part of a core allows, never too seldom), and its thresholds."""

from __future__ import annotations

import re

import pytest

from stream.core.definitions import DECLARED
from stream.exporter.app import Exporter, pause_seconds
from stream.indicators.config import Config, parsed
from stream.settings import Settings
from stream.store.connect import connect


@pytest.mark.parametrize(
    ("took", "cpu_seconds", "pause"),
    [
        pytest.param(0.02, 0.01, 0.23, id="a cheap one begins again after a quarter of a second"),
        pytest.param(0.15, 0.125, 0.35, id="a dearer one has a quarter of a core"),
        pytest.param(0.4, 0.35, 0.6, id="a dear one begins again after a second all the same"),
        pytest.param(1.5, 1.2, 0.2, id="one that needs longer lets others in between"),
        pytest.param(0.5, 0.01, 0.2, id="waiting for Redis or for a core costs nothing"),
    ],
)
def test_the_pause_after_a_refresh(took: float, cpu_seconds: float, pause: float) -> None:
    assert pause_seconds(took, cpu_seconds) == pytest.approx(pause)


async def test_every_alerts_threshold_is_shown_as_it_is_set_also_before_redis_was_read() -> None:
    chosen = parsed("alerts.EngagementHighRisk.threshold = 0.3", "indicators.toml", "/indicators.toml")
    settings = Settings(_env_file=None, indicators=chosen)
    exporter = Exporter(connect(settings), settings)

    shown = [
        line for line in exporter.exposition().decode().splitlines() if line.startswith("assidu_alert_threshold")
    ]
    assert shown == [
        'assidu_alert_threshold{alert="EngagementStickinessLow"} 0.1',
        'assidu_alert_threshold{alert="EngagementFirstWeekFalling"} 0.2',
        'assidu_alert_threshold{alert="EngagementNpsDrop"} 10.0',
        'assidu_alert_threshold{alert="EngagementResolutionSlow"} 172800.0',
        'assidu_alert_threshold{alert="EngagementTicketsReopened"} 0.2',
        'assidu_alert_threshold{alert="EngagementRepeatPurchaseFalling"} 0.1',
        'assidu_alert_threshold{alert="EngagementReturnsRising"} 0.03',
        'assidu_alert_threshold{alert="EngagementScoreFalling"} 0.1',
        'assidu_alert_threshold{alert="EngagementHighRisk"} 0.3',
        'assidu_alert_threshold{alert="EngagementHighRiskRising"} 0.05',
        'assidu_alert_threshold{alert="EngagementRevenueAtRisk"} 0.0',
    ]


async def test_every_definition_in_force_is_shown_with_a_hash_of_its_value() -> None:
    by_default, other = (
        definitions_shown(parsed(text, "indicators.toml", "/indicators.toml"))
        for text in ("", 'definitions.journey = ["signup", "purchase"]')
    )
    assert set(by_default) == set(other) == set(DECLARED)
    assert {name for name, hash_ in other.items() if hash_ != by_default[name]} == {"journey"}


def definitions_shown(chosen: Config) -> dict[str, str]:
    settings = Settings(_env_file=None, indicators=chosen)
    text = Exporter(connect(settings), settings).exposition().decode()
    found = re.findall(r'^assidu_definition_info\{hash="([0-9a-f]{12})",name="(\w+)"\} 1\.0$', text, re.MULTILINE)
    return {name: hash_ for hash_, name in found}

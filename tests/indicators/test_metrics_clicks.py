"""Clicks and content, worked out by hand: who was exposed, who clicked, who acted."""

from __future__ import annotations

import pytest

from tests.small_histories import DAY, Fields, assert_reads, event


def test_an_impression_or_a_click_exposes_a_customer_and_no_campaign_is_called_none() -> None:
    events = [
        event("impression", campaign="spring"),
        event("impression", campaign="spring", user="bob"),
        event("click", campaign="spring", user="cyd"),
        event("click", user="ann"),
    ]
    of_spring: Fields = {"campaign": "spring", "window": "24h"}
    assert_reads(events, "clickthrough_by_campaign_ratio", 1 / 2, **of_spring, basis="events")
    assert_reads(events, "clickthrough_by_campaign_ratio", 1 / 3, **of_spring, basis="customers")
    assert_reads(events, "clickthrough_by_campaign_ratio", None, campaign="none", window="24h", basis="events")
    assert_reads(events, "clickthrough_ratio", 2 / 3, window="24h", basis="customers")


def test_whoever_acts_on_a_content_was_exposed_to_it() -> None:
    events = [
        event("impression", content="film"),
        event("interaction", content="film", action="like", user="bob"),
        event("interaction", content="film", action="like", user="bob"),
        event("interaction", content="film", action="play", user="bob"),
    ]
    likes: Fields = {"content": "film", "action": "like", "window": "24h"}
    assert_reads(events, "action_ratio", 2.0, **likes, basis="events")
    assert_reads(events, "action_ratio", 1 / 2, **likes, basis="customers")
    assert_reads(events, "action_ratio", 1.0, **likes, basis="per_exposed")


@pytest.mark.parametrize(
    ("name", "value", "labels"),
    [
        ("impressions", 0, {"campaign": "spring"}),
        ("clickthrough_by_channel_ratio", None, {"channel": "store", "basis": "events"}),
        ("interactions", 0, {"content": "film", "action": "like"}),
    ],
)
def test_what_was_seen_once_is_shown_however_long_ago_it_was(name: str, value: int | None, labels: Fields) -> None:
    events = [
        event("impression", 200 * DAY, campaign="spring", channel="store"),
        event("interaction", 200 * DAY, content="film", action="like"),
        event("click"),
    ]
    assert_reads(events, name, value, **labels, window="30d")

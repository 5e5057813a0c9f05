"""Stories: what the terse notation stands for."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas import FAMILY_OF_TYPE
from stream.indicators.catalogue import FAMILIES
from stream.indicators.scenario import Scenario, event


def test_a_line_is_an_event_for_each_customer_and_each_moment() -> None:
    story = Scenario(
        "2024-03-01 09:30", "", (event("login", "ann bob", "02-29", "03-01 09:15"), event("login", "cyd", "03-01"))
    )
    assert [(each["event_id"], each["user_id"], each["timestamp"]) for each in story.events()] == [
        ("1", "ann", "2024-02-29T12:00:00+00:00"),
        ("2", "ann", "2024-03-01T09:15:00+00:00"),
        ("3", "bob", "2024-02-29T12:00:00+00:00"),
        ("4", "bob", "2024-03-01T09:15:00+00:00"),
        ("5", "cyd", "2024-03-01T12:00:00+00:00"),
    ]
    assert story.moment == datetime(2024, 3, 1, 9, 30, tzinfo=UTC)


def test_an_event_happens_on_the_web_unless_something_else_is_said_and_has_the_fields_that_are_said() -> None:
    lines = event("click", "ann", "03-01", campaign="spring"), event("click", "ann", "03-01", channel="ios")
    on_the_web, on_ios = Scenario("2026-03-31 12:00", "", lines).events()
    assert (on_the_web["channel"], on_the_web["campaign"]) == ("web", "spring")
    assert on_ios["channel"] == "ios"


def test_every_family_tells_a_story_that_is_over_by_its_moment() -> None:
    for family in FAMILIES:
        for each in family.scenario.events():
            assert each["type"] in FAMILY_OF_TYPE
            assert datetime.fromisoformat(each["timestamp"]) <= family.scenario.moment, family.slug

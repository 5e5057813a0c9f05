"""`assidu customer`: what is known of one customer, and in which numbers it counts."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.events import login
from tests.stack.command import Assidu
from tests.stack.story import NEWEST, Story


def test_a_customer_is_shown_with_what_is_known_and_where_it_counts(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    story.emit(
        [
            login("ada", NEWEST - timedelta(days=20), "1", channel="web"),
            login("ada", NEWEST - timedelta(days=19), "2", channel="ios"),
            login("bob", NEWEST, "3", channel="web"),
        ]
    )
    story.settle()

    done = assidu.run("customer", "ada", "--format", "json")
    assert done.returncode == 0, done.stderr
    [ada] = json.loads(done.stdout)["customers"]
    assert ada["customer"] == "u:ada"
    assert ada["first_channel"] == "web"
    assert ada["active_days"] == [str((NEWEST - timedelta(days=days)).date()) for days in (20, 19)]
    assert ada["risk"]["level"] in ("medium", "high")
    assert "; active on 2 days of the first week" in ada["risk"]["why"]
    assert ("engagement_risk_customers", ada["risk"]["level"]) in {
        (count["name"], count["labels"].get("level")) for count in ada["counts_in"]
    }
    counts = {(count["name"], tuple(sorted(count["labels"].items()))) for count in ada["counts_in"]}
    product = ("product", ada["product"])
    assert ("engagement_active_customers", (product, ("window", "30d"))) in counts
    assert ("engagement_active_customers", (product, ("window", "7d"))) not in counts
    assert ("engagement_active_days_customers", (("days", "2"), product)) in counts
    assert ("engagement_lifecycle_customers", (product, ("state", "new"))) in counts


def test_an_unknown_customer_is_said_to_be_unknown(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    story.emit([login("ada", NEWEST, "1")])
    story.settle()

    done = assidu.run("customer", "nobody")
    assert done.returncode == 2
    assert "customer 'nobody' was never seen" in done.stderr
    assert "Traceback" not in done.stderr

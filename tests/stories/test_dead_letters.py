"""A producer breaks its events: they become dead letters, are mended and sent again, and every number is right."""

from __future__ import annotations

import json

from tests.events import Event
from tests.stack.command import Assidu
from tests.stack.sending import KafkaRecord, record
from tests.stack.story import SOON, Story


def broken(event: Event) -> KafkaRecord:
    """As after a release of the product that nests the customer and has dropped the zone of its clock."""
    customer = {name: event[name] for name in ("user_id", "anonymous_id") if name in event}
    rest = {name: value for name, value in event.items() if name not in customer}
    return record({**rest, "customer": customer, "timestamp": event["timestamp"].removesuffix("+00:00")})


def test_broken_events_are_mended_and_retried_and_count_once(assidu: Assidu) -> None:
    story = Story(assidu)
    events = story.history(800)
    good, bad = events[:500], [event for event in events[500:] if event.get("user_id")]
    logins = [event for event in bad if event["type"] == "login"]
    visits = [event for event in bad if event["type"] in ("page_view", "session")]
    story.worker()
    story.emit(good)
    story.send(
        [*map(broken, logins), *map(broken, visits), KafkaRecord("logins", b"{", key=b"ann"), *map(broken, logins)]
    )
    story.settle()

    fix = ("--map", "user_id=customer.user_id", "--map", "timestamp=timestamp", "--topic", "logins")
    for retried, refused in ((2 * len(logins), 1), (0, 1)):
        done = assidu.run("dead-letters", "retry", *fix)
        assert (done.returncode, f"{retried} letters retried" in done.stdout) == (1, True), done.stdout
        assert f"{refused} cannot be retried" in done.stdout
    story.emitted += logins
    story.settle()
    story.assert_equals_the_recount(SOON)
    assert story.counter("repeats") == len(logins)

    assert assidu.run("dead-letters", "drop", "--reason", "not_json").returncode == 0
    assert letters(assidu) == {"open": len(visits), "retried": 2 * len(logins), "dropped": 1}


def letters(assidu: Assidu) -> dict[str, int]:
    """By state, as `assidu dead-letters list` counts them."""
    done = assidu.run("dead-letters", "list", "--format", "json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["letters"]
    found = {state: sum(each[state] for each in counts) for state in ("open", "retried", "dropped")}
    return {state: number for state, number in found.items() if number}

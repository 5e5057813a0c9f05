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
    done = assidu.run("dead-letters", "retry", *fix)
    assert (done.returncode, f"{2 * len(logins)} letters retried" in done.stdout) == (1, True), done.stdout
    assert "1 cannot be retried, and stay open: not_json 1" in done.stdout
    done = assidu.run("dead-letters", "retry", *fix)
    assert "0 letters retried" in done.stdout
    assert assidu.run("dead-letters", "drop", "--reason", "not_json").returncode == 0
    story.emitted += logins
    story.settle()
    story.assert_equals_the_recount(SOON)
    assert story.counter("repeats") == len(logins)

    done = assidu.run("dead-letters", "list", "--format", "json")
    counts = json.loads(done.stdout)["letters"]
    states = {state: sum(each[state] for each in counts) for state in ("open", "retried", "dropped")}
    assert states == {"open": len(visits), "retried": 2 * len(logins), "dropped": 1}

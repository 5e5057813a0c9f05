"""A bridge passes on what another topic holds: it counts once, however often the bridge is killed or begins again."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiokafka.admin import NewTopic

from stream.kafka.topics import kafka_admin
from stream.settings import Settings
from tests.events import Event
from tests.stack.command import Assidu
from tests.stack.sending import KafkaRecord
from tests.stack.story import SOON, Story

MAPPING = """
[[event]]
names = ["entered"]
type = "login"
map.user_id = "who.id"
"""


@pytest.mark.slow
def test_events_of_another_topic_count_once(assidu: Assidu) -> None:
    story = Story(assidu)
    logins = [event for event in story.history(3_000) if event["type"] == "login" and event.get("user_id")]
    logins = [event for event in logins if not (event.get("bot") or event.get("test"))]
    topic = f"{story.settings.topic_prefix}theirs"
    asyncio.run(create(story.settings, topic))
    (assidu.folder / "mapping.toml").write_text(MAPPING)
    story.worker()

    story.send([*map(entered, logins), KafkaRecord("theirs", b"[]", partition=1)], counting=logins)
    options = (topic, "--mapping", "mapping.toml", "--time", "at")
    killed = assidu.start("bridge", *options)
    story.wait_until_folded(0)
    killed.kill()
    done = assidu.run("bridge", *options, "--until-end")  # from where the other one was
    assert done.returncode in (0, 1), done.stderr
    done = assidu.run("bridge", *options, "--until-end", "--group", "another")  # as if its offsets were lost
    assert f"{len(logins)} events passed, 1 refused" in done.stdout, f"{done.stdout}\n{done.stderr}"
    story.settle()

    story.assert_equals_the_recount(SOON)
    assert story.counter("repeats") >= len(logins)
    [letters] = json.loads(assidu.run("dead-letters", "list", "--format", "json").stdout)["letters"]
    assert (letters["topic"], letters["reason"], letters["open"]) == (topic, "wrong_type", 1)


def entered(event: Event) -> KafkaRecord:
    """As somebody else says it."""
    theirs = {
        "type": "entered",
        "who": {"id": event["user_id"]},
        "at": event["timestamp"],
        "product": event["product"],
        "channel": event["channel"],
    }
    return KafkaRecord("theirs", json.dumps(theirs).encode())


async def create(settings: Settings, topic: str) -> None:
    async with kafka_admin(settings) as admin:
        await admin.create_topics([NewTopic(topic, 3, 1)])

"""Counting: whatever the order, the repetition and the way events come, every number equals the recount."""

from __future__ import annotations

import random
import pytest

from tests.stack.command import Assidu
from tests.stack.story import Story


@pytest.fixture
def story(assidu: Assidu) -> Story:
    return Story(assidu)


def test_every_gauge_equals_the_recount_whatever_order_and_repetition(story: Story) -> None:
    events = story.history(6_000)
    story.worker()
    story.emit(events)
    story.settle()
    story.assert_equals_the_recount()

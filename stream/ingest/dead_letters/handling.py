"""Retrying and dropping: what is done about the open letters of a selection, once for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from typing import NamedTuple, Protocol

from schemas import Rejected
from stream.ingest.checking import Accepted
from stream.ingest.dead_letters.letter import Letter, Place
from stream.ingest.dead_letters.selection import Selection
from stream.ingest.dead_letters.topic import Found, find, marking
from stream.ingest.event_producer import EventProducer
from stream.settings import Settings

SHOWN = 20

Say = Callable[[str], object]


class Mender(Protocol):
    """A fix of fields, or a mapping."""

    def mended(self, letter: Letter) -> Accepted | Rejected: ...


class Outcome(NamedTuple):
    """handled  letters that were retried or dropped, or would be
    topics   how many of them by topic
    refused  letters that cannot be retried, by reason
    missing  places that were asked for and have no letter
    """

    handled: int
    topics: Counter[str]
    refused: Counter[str]
    missing: list[Place]


async def retry(
    settings: Settings, selection: Selection, mender: Mender, say: Say, complain: Say, *, dry_run: bool
) -> Outcome:
    """Send the mended events of the open letters to their topics, and mark these letters as retried.

    A letter is marked when Kafka has its event. Who is interrupted in between sends some once more: the event_id
    stays, so workers count it once. `complain` hears why a letter cannot be retried, `say` what a dry run would send.
    """
    tally = _Tally(say, complain)
    emitter, marker = (nullcontext(), nullcontext()) if dry_run else (EventProducer(settings), marking(settings))
    async with emitter as sending, marker as marks:
        async for letters in _open(settings, selection, tally):
            good = list(_mended(settings, letters, mender, tally, dry_run))
            if sending is not None and marks is not None and good:
                await sending.send_many(event for _, event in good)
                await sending.flush()
                await marks.mark([letter for letter, _ in good], "retried")
    return tally.outcome(selection)


async def drop(settings: Settings, selection: Selection, say: Say, complain: Say, *, dry_run: bool) -> Outcome:
    """Mark the open letters as dropped: nothing is done about them any more."""
    tally = _Tally(say, complain)
    async with nullcontext() if dry_run else marking(settings) as marks:
        async for letters in _open(settings, selection, tally):
            for letter in letters:
                tally.handle(letter.said.topic, f"letter {letter.place}: {letter.said.reason}" if dry_run else None)
            if marks is not None and letters:
                await marks.mark(letters, "dropped")
    return tally.outcome(selection)


async def _open(settings: Settings, selection: Selection, tally: _Tally) -> AsyncIterator[list[Letter]]:
    async for found in find(settings, selection):
        yield [each.letter for each in found if tally.sees(each, selection)]


def _mended(
    settings: Settings, letters: list[Letter], mender: Mender, tally: _Tally, dry_run: bool
) -> Iterator[tuple[Letter, Accepted]]:
    for letter in letters:
        outcome = mender.mended(letter)
        if isinstance(outcome, Rejected):
            tally.refuse(letter, outcome)
        else:
            topic = settings.topic_prefix + outcome.family
            shown = f"letter {letter.place} to {topic}: {outcome.value.decode()}" if dry_run else None
            tally.handle(topic, shown)
            yield letter, outcome


class _Tally:
    """Counts, and says of the first letters of each kind what becomes of them."""

    def __init__(self, say: Say, complain: Say) -> None:
        self._say = say
        self._complain = complain
        self._places: set[Place] = set()
        self._topics: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def sees(self, found: Found, selection: Selection) -> bool:
        """Whether it is open."""
        place = found.letter.place
        if place in selection.places:
            self._places.add(place)
            if found.state != "open":
                self._complain(f"letter {place}: was {found.state} already")
        return found.state == "open"

    def handle(self, topic: str, shown: str | None) -> None:
        self._topics[topic] += 1
        if shown is not None and self._topics.total() <= SHOWN:
            self._say(shown)

    def refuse(self, letter: Letter, why: Rejected) -> None:
        self._refused[why.reason] += 1
        if self._refused.total() <= SHOWN:
            self._complain(f"letter {letter.place}: {why.reason}: {why.detail}")

    def outcome(self, selection: Selection) -> Outcome:
        missing = sorted(place for place in selection.places if place not in self._places)
        for place in missing:
            self._complain(f"letter {place}: there is none, or the other options leave it out")
        return Outcome(self._topics.total(), self._topics, self._refused, missing)

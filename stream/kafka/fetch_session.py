"""Fetch sessions (KIP-227): what a broker knows of a consumer's partitions is said to it once.

Without them, as aiokafka fetches, every request names all partitions and every answer all of them again, though
nothing is new: with hundreds of partitions and few events that is most of what a worker does. In a session a request
names what has changed since the one before, and an answer the partitions in which something has happened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any, NamedTuple

from aiokafka.protocol.fetch import FetchRequest
from faust.types import TP

_SINCE_VERSION = 7
_LAST_EPOCH = 2**31 - 1

_Topics = list[tuple[str, list[Any]]]


class FetchSessions:
    """The sessions of one client, one with each broker; `send` is the client's, and stands in for it."""

    def __init__(self, send: Callable[..., Awaitable[Any]]) -> None:
        self._send = send
        self._with: defaultdict[int, _Session] = defaultdict(_Session)

    async def send(self, node: int, request: Any, **options: Any) -> Any:
        """As the client's: only fetches go otherwise."""
        if not isinstance(request, FetchRequest):
            return await self._send(node, request, **options)
        session = self._with[node]
        try:
            response = await self._send(node, _SessionRequest(session, request), **options)
        except BaseException:  # who knows what the broker has heard
            session.restart()
            raise
        session.take(response)
        return response

    def restart(self) -> None:
        """Have every partition answered for again: whoever reads anew does not know what was said before."""
        for session in self._with.values():
            session.restart()

    def heard_of(self, within_seconds: float) -> set[tuple[str, int]]:
        """Of which (topic, partition) an answer has told lately; of most by saying nothing new."""
        since = monotonic() - within_seconds
        return {tp for session in [*self._with.values()] if session.heard_at > since for tp in session.said}


class _Said(NamedTuple):
    """What a request says of its session: the partitions that are read, or read from elsewhere, since the request
    before; and those that are not read any more."""

    id: int
    epoch: int
    changed: _Topics
    forgotten: _Topics


class _Session:
    """What one broker knows. A broker without place for it gives it the id 0, and is told all each time.

    said      (topic, partition) -> from where it is read, as it was said last; exchanged, never changed
    heard_at  when the broker answered last
    """

    def __init__(self) -> None:
        self.said: dict[tuple[str, int], int] = {}
        self.heard_at = float("-inf")
        self._id = self._epoch = 0
        self._anew = False

    def restart(self) -> None:
        self._anew = True

    def next(self, topics: _Topics) -> _Said:
        """What is to be said of these in the next request."""
        before, self.said = self.said, {(topic, part[0]): part[1] for topic, parts in topics for part in parts}
        if self._anew or not self._id:
            self._anew, self._epoch = False, 0
            return _Said(self._id, 0, topics, [])
        changed = self.said.items() - before.items()
        most_bytes = topics[0][1][0][2] if topics else 0  # the same for all
        return _Said(
            self._id,
            self._epoch,
            _by_topic((TP(*tp), (tp[1], offset, most_bytes)) for tp, offset in changed),
            _by_topic((TP(*tp), tp[1]) for tp in before.keys() - self.said.keys()),
        )

    def take(self, response: Any) -> None:
        """What the broker has answered: an error of the session, such as an id that it has forgotten, ends it."""
        if response.API_VERSION < _SINCE_VERSION or response.error_code:
            self._id = 0
            return
        self.heard_at = monotonic()
        self._id, self._epoch = response.session_id, 1 if self._epoch == _LAST_EPOCH else self._epoch + 1


class _SessionRequest(FetchRequest):  # type: ignore[misc]
    """A fetch request that continues a session, where the broker knows of them."""

    _topics: _Topics

    def __init__(self, session: _Session, request: FetchRequest) -> None:
        self.__dict__.update(vars(request))
        self._session = session

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class.API_VERSION < _SINCE_VERSION:
            return super().build(request_struct_class)
        said = self._session.next(self._topics)
        self._topics = said.changed
        struct = super().build(request_struct_class)
        struct.session_id, struct.session_epoch = said.id, said.epoch
        struct.forgotten_topics_data = said.forgotten
        return struct


def _by_topic(parts: Iterable[tuple[TP, Any]]) -> _Topics:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for tp, part in parts:
        found[tp.topic].append(part)
    return [*found.items()]

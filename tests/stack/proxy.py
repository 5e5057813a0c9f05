"""A Redis proxy that meddles with commits: holds them back, or lets them through and loses the answer."""

from __future__ import annotations

import re
import socket
import threading
from itertools import pairwise
from select import select
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Self

from stream.demo.embedded import EmbeddedRedis
from stream.demo.embedded.server import LOOPBACK

_COMMIT = b'"expected":'  # the header of a commit, and of nothing else that is sent to Redis
_CHUNK = 1 << 20


class RedisProxy:
    """A worker connects to `url`. Everything passes unchanged until one of the methods is called."""

    def __init__(self, redis: EmbeddedRedis) -> None:
        self.redis_port = redis.port
        self.answers: list[bytes] = []
        """Redis's answers to commits, in order; whether the worker got them or not."""
        self.losing = 0
        self.lost = 0
        self.free = 0
        self.passing = threading.Event()
        self.passing.set()
        self.holding = threading.Event()
        self._server = ThreadingTCPServer((LOOPBACK, 0), _Connection)
        self._server.daemon_threads = True
        self._server.proxy = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self._server.server_address[1]}/0"

    def lose_answers(self, commits: int) -> None:
        """Of the next commits that take effect, cut the connection instead of answering."""
        self.losing = commits

    def hold_commits(self, after: int = 0) -> None:
        """Keep every commit that comes from now on, but for the first `after`; `holding` is set once there is one."""
        self.free = after
        self.passing.clear()

    def release_commits(self) -> None:
        self.passing.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.release_commits()
        self._server.shutdown()
        self._server.server_close()


class _Connection(BaseRequestHandler):
    """One connection of a worker: one request at a time is on its way, as redis-py does it."""

    def handle(self) -> None:
        proxy: RedisProxy = self.server.proxy  # type: ignore[attr-defined]
        worker: socket.socket = self.request
        with socket.create_connection((LOOPBACK, proxy.redis_port)) as redis:
            committing = answered = False
            while True:
                ready, _, _ = select([worker, redis], [], [])
                if worker in ready:
                    if not (request := worker.recv(_CHUNK)):
                        return
                    committing, answered = committing and not answered, False
                    for part in _before_each_commit(request):
                        if _COMMIT in part:
                            committing = True
                            self._wait_to_pass(proxy)
                        redis.sendall(part)
                if redis in ready:
                    if not (answer := redis.recv(_CHUNK)):
                        return
                    if committing:
                        proxy.answers.append(answer)
                        if self._is_to_be_lost(proxy, answer):
                            return
                    answered = True
                    worker.sendall(answer)

    def _wait_to_pass(self, proxy: RedisProxy) -> None:
        if proxy.free:
            proxy.free -= 1
        elif not proxy.passing.is_set():
            proxy.holding.set()
            proxy.passing.wait()

    def _is_to_be_lost(self, proxy: RedisProxy, answer: bytes) -> bool:
        if b"committed" not in answer or proxy.lost >= proxy.losing:
            return False
        proxy.lost += 1
        return True


def _before_each_commit(request: bytes) -> list[bytes]:
    """Cut where the command of each commit begins: many may come at once."""
    cuts = [request.rfind(b"*", 0, found.start()) for found in re.finditer(re.escape(_COMMIT), request)]
    edges = [0, *(max(cut, 0) for cut in cuts), len(request)]
    return [request[start:end] for start, end in pairwise(edges) if start < end]

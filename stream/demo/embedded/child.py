"""A process of ours that never outlives us."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def _dying_with(parent_pid: int) -> Callable[[], None] | None:
    """What a new process has to run so that Linux kills it when its parent is gone, however that ended."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: nothing may be imported after it
    set_parent_death_signal = 1

    def run() -> None:
        prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent_pid:  # the parent was gone before we asked
            os._exit(1)

    return run


class Child:
    """A process of ours that never outlives us, with its output in a log file.

    It has a session of its own, so that Ctrl-C in the terminal reaches only us and we end it in order. Linux
    kills it when the *thread* that started it is gone: start it from one that lives as long as it should.
    """

    def __init__(
        self, command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_dying_with(os.getpid()),
            )
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def pause(self) -> None:
        """Freeze it (SIGSTOP); returns when all of it stands still."""
        self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def terminate(self, within_seconds: float = 30) -> int:
        """Ask it to end, and kill it when it does not in time; its exit code (-9: killed)."""
        self._signal(signal.SIGTERM)
        self.resume()
        try:
            return self.process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        self._signal(signal.SIGKILL)
        return self.process.wait()

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group, for a server may have children too."""
        if self.running:
            os.killpg(self.pid, number)

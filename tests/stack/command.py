"""The command `assidu` as a user runs it: a process of its own, with the settings as its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stream.demo.embedded import Child
from stream.settings import Settings

PROGRAM = Path(sys.executable).with_name("assidu")  # beside the Python that runs the tests


class Assidu:
    """Runs commands in an empty folder, so that no `.env` of the checkout has a say."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.children: list[Child] = []

    def environment(self, **changed: object) -> dict[str, str]:
        """This process's environment with ASSIDU_* replaced by the settings and then by what is changed."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("ASSIDU_")}
        other = {f"ASSIDU_{name.upper()}": str(value) for name, value in changed.items()}
        return inherited | self.settings.environment() | other

    def run(
        self, *arguments: str, stdin: str = "", within_seconds: float = 60, **changed: object
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit code: `assidu.run("topics", partitions=8)`."""
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment(**changed),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=within_seconds,
            check=False,
        )

    def start(self, *arguments: str, **changed: object) -> Child:
        """Start a command that goes on, such as `assidu.start("worker")`; its output goes to a log file."""
        log = self.folder / f"{len(self.children) + 1}-{arguments[0]}.log"
        child = Child([str(PROGRAM), *arguments], log, self.folder, self.environment(**changed))
        self.children.append(child)
        return child

    def close(self) -> None:
        """Kill what still runs and print the end of every log: pytest shows it when the test failed."""
        for child in self.children:
            child.kill()
            print(f"--- {child.log.name}, exit code {child.process.returncode}\n{child.log_tail(50)}")

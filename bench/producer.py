"""Benchmark of the producer side: `assidu emit FILE` on one core, until Kafka has acknowledged every event."""

from __future__ import annotations

import os
import random
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import click

from bench.measuring import Failed, Work
from bench.stack import BROKERS, leave_one_core
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.stack.command import Assidu

# The fields of their own that events of some types have; the browser's name fills them up to some 200 bytes.
OWN_FIELDS = {
    "click": '"campaign":"spring-sale","element":"buy","agent":"Mozilla/5.0 (X11; Linux) Chrome"',
    "login": '"method":"password","agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"',
    "page_view": '"page":"/offers","agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML)"',
    "survey_response": '"survey":"nps","survey_id":"q3","score":9,"scale":"0-10","agent":"Mozilla/5.0"',
}
CUSTOMERS = 100_000
_SEED = 20_260_301


class Produced(Work, frozen=True):
    """Events that Kafka has acknowledged; starting is left out."""


def measured(broker: str, events: int, core: int | None) -> Produced:
    """What sending so many events takes beyond sending one; acks=all, idempotent where the broker can.

    `core` is where the command runs; None: anywhere.
    """
    with BROKERS[broker]() as kafka, TemporaryDirectory(prefix="assidu-bench-") as name:
        folder = Path(name)
        assidu = Assidu(Settings(_env_file=None, kafka=kafka.servers), folder)
        if (topics := assidu.run("topics")).returncode != 0:
            raise Failed(topics.stderr)
        one, many = _written(folder / "one.jsonl", 1), _written(folder / "many.jsonl", events + 1)
        _emitted(assidu, one, 1, core)  # aside: the broker's first batches wait for its own beginnings
        started, all_sent = _emitted(assidu, one, 1, core), _emitted(assidu, many, events + 1, core)
    return Produced(events, all_sent.seconds - started.seconds, all_sent.cpu_seconds - started.cpu_seconds)


def _emitted(assidu: Assidu, file: Path, events: int, core: int | None) -> Produced:
    """One run of the command from start to end."""
    start, cpu = monotonic(), _cpu_seconds_of_ended_children()
    child = assidu.start("emit", str(file))
    if core is not None:
        os.sched_setaffinity(child.pid, {core})
    code = child.process.wait()
    seconds = monotonic() - start
    if code != 0 or f"sent {events} event" not in child.log_tail():
        raise Failed(f"assidu emit {file.name} ended with {code}:\n{child.log_tail()}")
    return Produced(events, seconds, _cpu_seconds_of_ended_children() - cpu)


def _cpu_seconds_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _written(file: Path, events: int) -> Path:
    with file.open("w") as lines:
        lines.writelines(_lines(events))
    return file


def _lines(events: int) -> Iterator[str]:
    chance, types = random.Random(_SEED), list(OWN_FIELDS)
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    for number in range(events):
        type_ = types[number % len(types)]
        yield (
            f'{{"event_id":"{number:012x}","type":"{type_}","user_id":"customer-{chance.randrange(CUSTOMERS):07}",'
            f'"timestamp":"{moment}","channel":"web",{OWN_FIELDS[type_]}}}\n'
        )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), multiple=True, help="Which broker.  [default: both]")
@click.option("--events", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
def main(broker: tuple[str, ...], events: int) -> None:
    """Measure `assidu emit FILE` on one core and print the rates."""
    click.echo(f"{events:,} events of some 200 bytes, acks=all, python {sys.version.split()[0]}")
    cores = leave_one_core()
    try:
        for name in broker or BROKERS:
            one = measured(name, events, cores[0] if cores else None)
            click.echo(
                f"{name}: {one.events_per_second:,.0f} events/s, {one.cpu_seconds_per_million:.1f} CPU seconds per "
                f"million events, {one.core_share:.2f} of the core used"
            )
    except (Failed, UserError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Imports point one way, and the pure middle knows no infrastructure and reads no clock."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INFRASTRUCTURE = {"redis", "aiokafka", "faust", "prometheus_client", "structlog"}
CLOCK_READINGS = {"now", "utcnow", "today"}
PURE = ("stream.core", "stream.indicators", "schemas")

# From the outside in: a room may import the rooms of the lines below its own, and nothing else of its line.
FLOORS = (
    {"bench"},
    {"stream.cli"},
    {"stream.demo", "stream.exporter"},
    {"stream.worker", "stream.query", "stream.ingest"},
    {"stream.store", "stream.kafka", "stream.render"},
    {"stream.settings"},
    {"stream.indicators"},
    {"stream.core", "stream.runtime", "schemas"},
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def name_of(path: Path) -> str:
    """The module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_of(path): path
    for package in ("stream", "schemas", "bench", "tests/recount")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def room_of(module: str) -> str:
    """stream.core.days -> stream.core; schemas and bench are one room each."""
    return ".".join(module.split(".")[: 2 if module.startswith("stream.") else 1])


def imports_of(module: str) -> Iterator[str]:
    """Every module named by an import, at the top or within a function."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: a relative import hides what it points to"
            assert node.module is not None
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                yield member if member in MODULES else node.module


def modules_of(*rooms: str) -> list[str]:
    return [module for module in MODULES if room_of(module) in rooms]


def test_every_module_is_in_a_room_and_every_room_on_a_floor() -> None:
    rooms = {room_of(module) for module in MODULES} - {"stream", "tests"}
    assert rooms == set(FLOOR_OF)
    assert len(rooms) <= 16
    assert len(FLOORS) <= 8


@pytest.mark.parametrize("module", modules_of(*FLOOR_OF))
def test_imports_point_inward(module: str) -> None:
    own = room_of(module)
    outward = {
        room
        for room in map(room_of, imports_of(module))
        if room != own and room in FLOOR_OF and FLOOR_OF[room] <= FLOOR_OF[own]
    }
    assert not outward, f"{module} imports {', '.join(sorted(outward))}"


def test_few_arrows_lead_from_room_to_room() -> None:
    arrows = {
        (room_of(module), room)
        for module in MODULES
        for room in map(room_of, imports_of(module))
        if room_of(module) in FLOOR_OF and room in FLOOR_OF and room != room_of(module)
    }
    assert len(arrows) <= 71


def reached(*rooms: str) -> set[str]:
    """The modules that those of the rooms import, directly or through others, and the rooms' own."""
    found: set[str] = set()
    waiting = modules_of(*rooms)
    while waiting:
        module = waiting.pop()
        if module in MODULES and module not in found:
            found.add(module)
            waiting += imports_of(module)
    return found


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("schemas", {"schemas"}),
        ("stream.runtime", {"stream.runtime"}),
        ("stream.core", {"stream.core"}),
        ("stream.indicators", {"stream.indicators", "stream.core", "schemas"}),
        (
            "stream.kafka",
            {"stream.kafka", "stream.settings", "stream.indicators", "stream.core", "stream.runtime", "schemas"},
        ),
    ],
)
def test_a_room_needs_only_what_lies_further_in(room: str, allowed: set[str]) -> None:
    assert {room_of(module) for module in reached(room)} - {"stream"} <= allowed


@pytest.mark.parametrize("module", modules_of("tests"))
def test_the_recount_shares_nothing_with_what_it_checks(module: str) -> None:
    assert {name.split(".")[0] for name in imports_of(module)}.isdisjoint({"stream", "schemas"})


@pytest.mark.parametrize("room", ["stream.settings", "stream.store", "stream.kafka"])
def test_whoever_only_keeps_and_carries_knows_no_indicator(room: str) -> None:
    within = {".".join(module.split(".")[:3]) for module in reached(room)}
    assert within.isdisjoint({"stream.indicators.catalogue", "stream.indicators.families"})


def test_nothing_but_the_command_imports_the_command() -> None:
    for module in MODULES:
        if room_of(module) not in ("stream.cli", "stream.__main__", "bench"):
            assert "stream.cli" not in map(room_of, imports_of(module)), module


@pytest.mark.parametrize("module", modules_of(*PURE))
def test_a_pure_module_reads_no_clock(module: str) -> None:
    assert "time" not in imports_of(module)
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CLOCK_READINGS, f"{module}, line {node.lineno}: take `now` as an argument"


def test_importing_the_pure_parts_brings_in_no_infrastructure() -> None:
    """Neither directly nor through a library."""
    pure = [module for module in modules_of(*PURE) if not module.endswith("__main__")]
    program = f"import sys, {', '.join(pure)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not INFRASTRUCTURE & set(loaded.stdout.split())

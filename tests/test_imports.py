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
PURE = ("stream.core", "stream.metrics", "schemas")

# From the outside in: a part may import the parts of the lines below its own, and nothing else of its line.
LAYERS = (
    {"stream.cli"},
    {"stream.worker", "stream.exporter", "stream.collector", "stream.render", "stream.fit"},
    {"stream.metrics", "stream.store"},
    {"stream.core", "schemas"},
)
LAYER_OF = {part: number for number, layer in enumerate(LAYERS) for part in layer}


def name_of(path: Path) -> str:
    """The module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_of(path): path
    for package in ("stream", "schemas", "tests/recount")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def part_of(module: str) -> str:
    """stream.core.days -> stream.core; a command split over stream/cli_*.py is stream.cli; schemas is one part."""
    if module.split(".")[0] != "stream":
        return module.split(".")[0]
    part = ".".join(module.split(".")[:2])
    return "stream.cli" if part.startswith("stream.cli_") else part


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


def modules_of(*parts: str) -> list[str]:
    return [module for module in MODULES if part_of(module) in parts]


@pytest.mark.parametrize("module", modules_of(*LAYER_OF))
def test_imports_point_inward(module: str) -> None:
    own = part_of(module)
    outward = {
        part
        for part in map(part_of, imports_of(module))
        if part != own and part in LAYER_OF and LAYER_OF[part] <= LAYER_OF[own]
    }
    assert not outward, f"{module} imports {', '.join(sorted(outward))}"


@pytest.mark.parametrize(
    ("part", "allowed"),
    [
        ("schemas", {"schemas"}),
        ("stream.core", {"stream.core"}),
        ("stream.metrics", {"stream.metrics", "stream.core", "schemas"}),
    ],
)
def test_a_pure_part_imports_of_the_project_only_what_lies_further_in(part: str, allowed: set[str]) -> None:
    for module in modules_of(part):
        ours = {part_of(name) for name in imports_of(module) if name.split(".")[0] in ("stream", "schemas")}
        assert ours <= allowed, f"{module} imports {', '.join(sorted(ours - allowed))}"


@pytest.mark.parametrize("module", modules_of("tests"))
def test_the_recount_shares_nothing_with_what_it_checks(module: str) -> None:
    assert {name.split(".")[0] for name in imports_of(module)}.isdisjoint({"stream", "schemas"})


def test_nothing_but_the_command_imports_the_command() -> None:
    for module in MODULES:
        if part_of(module) not in ("stream.cli", "stream.__main__"):
            assert "stream.cli" not in map(part_of, imports_of(module)), module


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

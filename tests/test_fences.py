"""Who may import whom, and where each large library stays.  DESIGN §3."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("schemas", "warehouse", "tasks", "flows")
FENCES = {
    "duckdb": ("warehouse/**/*.py", "warehouse/*.py"),
    "prefect": ("flows/*.py", "flows/cli/*.py", "tasks/stages/*.py"),
    "vllm": ("tasks/teachers/vllm.py",),
    "ray": (
        "tasks/runtime/*.py",
        "tasks/ingestion/*.py",
        "tasks/synthesis/*.py",
        "tasks/verification/stage.py",
    ),
    "datasets": ("tasks/sources/*.py", "warehouse/export/*.py"),
}
CIRCLES = {("warehouse/export", "warehouse/mix")}
"""An export may be drawn as a mix, which is published as an export."""
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            above = ("thoughtmill", *above) if above else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def sibling(layer: str, name: str) -> str | None:
    """The folder or module of a layer that an imported name lies in."""
    parts = name.split(".")
    if parts[:2] != ["thoughtmill", layer]:
        return None
    here = ROOT / layer / parts[2]
    exists = here.is_dir() or here.with_suffix(".py").is_file()
    return f"{layer}/{parts[2]}" if exists else layer


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_when_it_imports_then_it_looks_down_and_keeps_inside_the_fences(path):
    here = path.relative_to(ROOT)
    allowed = LAYERS[: LAYERS.index(here.parts[0]) + 1]
    for name in imported(path):
        package, *below = name.split(".")
        assert package not in LAYERS, f"{here} imports {name}: write thoughtmill.{name}"
        if package == "thoughtmill" and below:
            assert below[0] in allowed, f"{here} imports {name} from above"
        assert package not in ("tests", "benchmarks", "models"), f"{here} imports {name}"
        places = FENCES.get(package, (str(here),))
        assert any(here.match(place) for place in places), f"{here} imports {name}"


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_when_its_folders_import_each_other_then_in_one_order(layer):
    graph: dict[str, set[str]] = {}
    for path in (ROOT / layer).rglob("*.py"):
        here = path.relative_to(ROOT).with_suffix("").parts
        unit = layer if here[1] == "__init__" else f"{layer}/{here[1]}"
        for name in imported(path):
            other = sibling(layer, name)
            if other and other != unit and (unit, other) not in CIRCLES:
                graph.setdefault(unit, set()).add(other)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_fences_when_a_library_is_dropped_then_its_fence_goes_too():
    used = {name.split(".")[0] for path in MODULES for name in imported(path)}
    assert set(FENCES) <= used

"""Who may import whom, and where each large library stays.  DESIGN §3."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("schemas", "warehouse", "tasks", "flows")
FENCES = {
    "duckdb": ("warehouse/*.py",),
    "prefect": ("flows/*.py", "tasks/stage.py", "tasks/stages.py"),
    "vllm": ("tasks/teachers/vllm.py",),
    "ray": tuple(
        f"tasks/{name}.py"
        for name in ("cluster", "inbox", "ingest", "review", "stream", "synthesize", "worker")
    ),
    "datasets": ("tasks/sources/*.py", "warehouse/export*.py"),
}
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            yield ".".join([*above, *filter(None, [node.module])])


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_when_it_imports_then_it_looks_down_and_keeps_inside_the_fences(path):
    here = path.relative_to(ROOT)
    allowed = LAYERS[: LAYERS.index(here.parts[0]) + 1]
    for name in imported(path):
        package = name.split(".")[0]
        assert package not in LAYERS or package in allowed, f"{here} imports {name} from above"
        assert package not in ("tests", "benchmarks", "models"), f"{here} imports {name}"
        places = FENCES.get(package, (str(here),))
        assert any(here.match(place) for place in places), f"{here} imports {name}"


def test_fences_when_a_library_is_dropped_then_its_fence_goes_too():
    used = {name.split(".")[0] for path in MODULES for name in imported(path)}
    assert set(FENCES) <= used

"""What is published of a trace, by what it claims: read from every view and every layout."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.grading import attempt, land, problem, verdict
from tests.grading import review as reviewed
from tests.lakes import settings_of
from thoughtmill.schemas.claims import claim_of, without_private
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item, Segment, Trace
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.candidates import Candidates
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake

PRIVATE = "I was shown that the right one is B, so I make a case for it."
TOLD = "Explain why the right option is B."
RECIPES = ("solve", "code_integrated", "annotate", "thinking")
LAYOUTS = (
    "text", "chat", "sharegpt", "preference", "long_short", "rl", "tokens", "fenced_text",
    "tool_calls", "deepdistill", "rationale", "action_planning", "cot", "instruction",
)  # fmt: skip


def asked(recipe: str) -> Item:
    """The item of a recipe: the annotator has the step of an episode."""
    fields = {"choices": ("left", "right"), "reference": "B"}
    if recipe == "annotate":
        fields |= {"kind": "step", "meta": {"step": "0", "steps": "1", "episode": "e"}}
    return problem(RECIPES.index(recipe)).model_copy(update=fields)


def made(recipe: str, draw: int = 0) -> Trace:
    """A trace of a recipe; the annotator thinks in private before it explains."""
    base = attempt(asked(recipe), draw, "B")
    prompt, think, answer = base.segments
    think = think.model_copy(update={"text": f"Let me count to {draw + 1}."})
    code = Segment(kind="code", text="```python\nprint(2)\n```\n", token_ids=(8,), trainable=True)
    output = Segment(kind="output", text="```output\n2\n```\n", token_ids=(9,), trainable=False)
    hidden = Segment(kind="think", text=PRIVATE, token_ids=(5,) * 40, trainable=False)
    segments = {
        "solve": (prompt, think, answer),
        "code_integrated": (prompt, think, code, output, answer),
        "annotate": (prompt.model_copy(update={"text": TOLD}), hidden, think, answer),
        "thinking": (prompt, think),
    }[recipe]
    provenance = base.provenance.model_copy(update={"recipe": recipe, "recipe_fingerprint": recipe})
    update = {
        "trace_id": f"{recipe}-{draw}",
        "segments": segments,
        "provenance": provenance,
        "answer": None if recipe == "thinking" else "B",
        "meta": {},
    }
    return base.model_copy(update=update)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LakeSettings:
    settings = settings_of(tmp_path_factory.mktemp("published") / "lake")
    traces = [made(recipe, draw) for recipe in RECIPES for draw in range(2)]
    with Lake.create(settings) as lake:
        land(lake, [asked(recipe) for recipe in RECIPES], traces)
        told = [verdict(t, "correct" if t.draw == 0 else "incorrect") for t in traces]
        blind = [
            verdict(t, "correct" if t.draw == 0 else "incorrect", by="blind@3")
            for t in traces
            if t.provenance.recipe == "annotate"
        ]
        reviewed(lake, traces, [*told, *blind])
    return settings


def published(source: LakeSettings, folder: Path, layout: str, **more) -> list[dict]:
    """The rows of an export; none where no trace gives a row."""
    asked_for = {"folder": str(folder / "out"), "layout": layout, "jsonl": False, **more}
    try:
        export(source, ExportSettings.model_validate(asked_for))
    except ConfigError:
        return []
    return pl.read_parquet(folder / "out" / "data" / "*.parquet").to_dicts()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("prompt", ["item", "trace"])
def test_layout_when_the_gold_was_shown_then_neither_thought_nor_prompt_that_names_it_is_published(
    source, tmp_path, layout, prompt
):
    knobs = {"kind": layout}
    if layout in ("chat", "sharegpt", "preference", "long_short", "rl"):
        knobs["prompt"] = prompt
    rows = published(source, tmp_path, knobs, where="true")
    assert PRIVATE not in str(rows)
    assert TOLD not in str(rows)


@pytest.mark.parametrize("view", ["public_texts", "candidates", "samples", "thoughts", "segments"])
def test_view_when_the_gold_was_shown_then_no_text_of_it_is_there(source, view):
    with Lake.open(source) as lake:
        rows = str(lake.rows(f"FROM {view}"))
    assert PRIVATE not in rows
    assert TOLD not in rows


def test_thinking_tokens_when_a_thought_is_private_then_they_do_not_count_it(source):
    with Lake.open(source) as lake:
        found = lake.rows("SELECT DISTINCT recipe, thinking_tokens FROM thoughts ORDER BY 1")
    assert dict(found) == dict.fromkeys(sorted(RECIPES), 2)


def test_screens_when_a_thought_is_private_then_they_do_not_read_it(source):
    with Lake.open(source) as lake:
        seen = Candidates.choose(lake, lane="l", screen="s")
        texts = [row for chunk in seen.chunks() for row in chunk.to_pylist()]
    assert len(texts) == 2 * len(RECIPES)
    assert PRIVATE not in str(texts)


@pytest.mark.parametrize("recipe", RECIPES)
def test_claim_when_read_in_sql_and_in_python_then_it_is_the_same(source, recipe):
    trace = made(recipe)
    with Lake.open(source) as lake:
        claim, texts = lake.rows(
            "SELECT claim, list_transform(list_filter(segments, lambda s: s.kind <> 'prompt'), "
            f"lambda s: s.text) FROM public_texts WHERE trace_id = '{trace.trace_id}'"
        )[0]
    assert claim == claim_of(trace)
    kept = without_private(trace).segments
    assert texts == [s.text for s in kept if s.kind != "prompt"]


@pytest.mark.parametrize("recorded", ["answers", "explains", "muses"])
def test_claim_when_it_is_recorded_then_it_goes_before_the_recipe(recorded):
    trace = made("solve").model_copy(update={"meta": {"claim": recorded}})
    assert claim_of(trace) == recorded


@pytest.mark.parametrize("layout", ["chat", "sharegpt"])
def test_turns_when_a_thought_has_no_reply_then_no_row_has_an_empty_turn(source, tmp_path, layout):
    rows = published(source, tmp_path, layout, where="true")
    assert len(rows) == 6
    assert not any(row["trace_id"].startswith("thinking") for row in rows)


def test_preference_when_paired_then_both_sides_answer_by_one_recipe(source, tmp_path):
    rows = published(source, tmp_path, "preference", where="true")
    pairs = {(row["chosen_id"], row["rejected_id"]) for row in rows}
    assert pairs == {("solve-0", "solve-1"), ("code_integrated-0", "code_integrated-1")}


def test_deepdistill_when_published_then_options_code_and_outputs_are_kept(source, tmp_path):
    rows = {
        row["trace_id"]: row for row in published(source, tmp_path, "deepdistill", where="true")
    }
    row = rows["code_integrated-0"]
    assert "A. left\nB. right" in row["question"]
    assert "```python\nprint(2)\n```\n```output\n2\n```" in row["answer"]
    assert "<answer>" not in rows["thinking-0"]["answer"]
    assert row["pass_rates"] == [{"key": "pico", "value": 0.5}]

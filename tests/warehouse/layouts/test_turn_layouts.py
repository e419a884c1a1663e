"""Text, conversations, pairs and RL prompts, each read back by who would use it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import datasets
import polars as pl
import pytest
from transformers import AutoTokenizer

from tests.grading import attempt as drawn_at
from tests.grading import land
from tests.grading import problem as asked_for
from tests.mixes import DRAWS, PROBLEMS, attempt, document, mixed_lake, passes, problem
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Segment
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import Export, export
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake

PICO = str(Path(__file__).parents[3] / "models" / "pico")
LAST = PROBLEMS - 1


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LakeSettings:
    return mixed_lake(tmp_path_factory.mktemp("layouts") / "lake")


@pytest.fixture
def publish(source: LakeSettings, tmp_path: Path):
    """Export to `tmp_path/out` and return the rows."""

    def run(layout, where: str = "true", **more) -> list[dict]:
        asked = {"folder": str(tmp_path / "out"), "layout": layout, "where": where, **more}
        export(source, ExportSettings.model_validate(asked))
        return pl.read_parquet(tmp_path / "out" / "data" / "*.parquet").to_dicts()

    return run


def of_item(number: int, draw: int = 0) -> str:
    """The predicate of one trace of a problem."""
    return f"item_id = '{problem(number).item_id}' AND draw = {draw}"


def test_text_when_markers_are_asked_for_then_they_stand_before_the_document(publish):
    layout = {
        "kind": "text",
        "document": "whole",
        "metadata": ["domain", "outcome", "band", "pass_rate", "thinking_tokens"],
        "answer": True,
    }
    (row,) = publish(layout, of_item(8))
    tokens = 10 + (8 * 7) % 48
    assert row["text"] == (
        "domain: coding\noutcome: correct\nband: easy\npass_rate: 0.75\n"
        f"thinking_tokens: {tokens}\n\nWhat is 8 + 1?\n\n"
        "<think>\nThought 8.0.\n</think>\n\nIt is 9."
    )


def test_text_when_a_marker_is_null_then_it_is_left_out(publish):
    where = f"item_id = '{document(1).item_id}'"
    (row,) = publish({"kind": "text", "metadata": ["domain", "outcome"]}, where)
    assert row["text"].startswith("domain: hills\n\nDocument 1:")


def test_text_when_a_share_gets_markers_then_others_have_none_and_it_is_the_same_share_again(
    publish,
):
    layout = {"kind": "text", "metadata": ["domain"], "metadata_rate": 0.5}
    marked = [row["text"].startswith("domain: ") for row in publish(layout)]
    assert 0.3 < sum(marked) / len(marked) < 0.7
    assert [row["text"].startswith("domain: ") for row in publish(layout)] == marked


def test_chat_when_published_then_messages_are_problem_thought_and_answer(publish):
    (row,) = publish({"kind": "chat", "system": "Be brief."}, of_item(LAST, 1))
    assert row["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"What is {LAST} + 1?\n\nA. one\nB. two"},
        {
            "role": "assistant",
            "content": f"<think>\nThought {LAST}.1.\n</think>\n\nIt is {LAST + 1}.",
        },
    ]
    assert row["thinks"] is True


@pytest.mark.parametrize(("layout", "column"), [("chat", "messages"), ("deepdistill", "answer")])
def test_layout_when_a_thought_was_private_then_it_is_not_published(
    lake: Lake, tmp_path, layout, column
):
    one = drawn_at(asked := asked_for(0), 0)
    private = Segment(kind="think", text="I am told 7.", token_ids=(8, 9), trainable=False)
    prompt, *said = one.segments
    land(lake, [asked], [one.model_copy(update={"segments": (prompt, private, *said)})])
    settings = {"folder": str(tmp_path / "out"), "layout": layout}
    export(lake.settings, ExportSettings.model_validate(settings))
    (row,) = pl.read_parquet(tmp_path / "out" / "data" / "*.parquet").to_dicts()
    assert "Let me count." in str(row[column])
    assert "told" not in str(row)


def test_chat_when_the_thought_has_a_field_then_templates_find_it_there(publish):
    (row,) = publish({"kind": "chat", "thought": "field", "prompt": "trace"}, of_item(3))
    assert row["messages"] == [
        {"role": "user", "content": "Solve: What is 3 + 1?", "reasoning_content": None},
        {"role": "assistant", "content": "It is 4.", "reasoning_content": "Thought 3.0."},
    ]


def test_chat_when_answers_alone_are_asked_for_then_no_thought_is_published(publish):
    rows = publish({"kind": "chat", "thought": "none"}, "kind = 'problem'")
    assert {row["thinks"] for row in rows} == {False}
    assert all(row["messages"][-1]["content"].startswith("It is ") for row in rows)


def test_chat_when_a_share_goes_without_thought_then_it_is_flagged_and_the_same_again(publish):
    layout = {
        "kind": "chat",
        "no_think_share": 0.3,
        "think_flag": " /think",
        "no_think_flag": " /no_think",
        "no_think_opening": "<think>\n\n</think>\n\n",
    }
    rows = publish(layout, "kind = 'problem'")
    for row in rows:
        asked, said = (message["content"] for message in row["messages"])
        assert asked.endswith(" /think" if row["thinks"] else " /no_think")
        assert said.startswith("<think>\nThought " if row["thinks"] else "<think>\n\n</think>")
    silent = {row["trace_id"] for row in rows if not row["thinks"]}
    assert 0.15 < len(silent) / len(rows) < 0.45
    more = publish({**layout, "no_think_share": 0.6}, "kind = 'problem'")
    assert silent < {row["trace_id"] for row in more if not row["thinks"]}


def test_chat_when_pico_renders_it_then_the_template_takes_every_row(publish):
    tokenizer = AutoTokenizer.from_pretrained(PICO)
    rows = publish("chat", "kind = 'problem'", tokens=PICO)
    for row in rows:
        ids = tokenizer.apply_chat_template(row["messages"], return_dict=False)
        assert row["input_ids"] == ids
        assert row["tokens"] == len(ids) == len(row["loss_mask"])
        trained = [i for i, on in zip(ids, row["loss_mask"], strict=True) if on]
        said = row["messages"][-1]["content"].removeprefix("<think>\n")
        assert tokenizer.decode(trained) == f"{said}<|end|>\n"


def test_sharegpt_when_published_as_jsonl_then_each_line_is_a_conversation(publish, tmp_path):
    publish("sharegpt", of_item(4), columns=("conversations",))
    (line,) = (tmp_path / "out" / "jsonl" / "train.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "conversations": [
            {"from": "human", "value": "What is 4 + 1?"},
            {"from": "gpt", "value": "<think>\nThought 4.0.\n</think>\n\nIt is 5."},
        ]
    }


def test_chat_when_messages_alone_are_published_then_jsonl_lines_are_what_openai_takes(
    publish, tmp_path
):
    rows = publish("chat", "kind = 'problem'", columns=("messages",))
    lines = (tmp_path / "out" / "jsonl" / "train.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert all(set(message) == {"role", "content"} for row in rows for message in row["messages"])


def test_preference_when_published_then_right_and_wrong_of_one_item_are_paired_once(
    publish, tmp_path
):
    publish("preference")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    rows = loaded["train"].to_list()
    expected = Counter()
    for n in range(PROBLEMS):
        expected[problem(n).item_id] += min(passes(n), DRAWS - passes(n))
    assert Counter(row["item_id"] for row in rows) == +expected
    used = [row["chosen_id"] for row in rows] + [row["rejected_id"] for row in rows]
    assert len(set(used)) == len(used)
    by_id = {
        (made := attempt(problem(n), n, draw)).trace_id: (n, draw, made)
        for n in range(PROBLEMS)
        for draw in range(DRAWS)
    }
    for row in rows:
        number, right, _ = by_id[row["chosen_id"]]
        other, wrong, _ = by_id[row["rejected_id"]]
        assert number == other
        assert right < passes(number) <= wrong
        assert [message["role"] for message in row["prompt"]] == ["user"]
        assert f"Thought {number}.{right}." in row["chosen"][0]["content"]
        assert f"Thought {number}.{wrong}." in row["rejected"][0]["content"]


def test_long_short_when_a_short_correct_trace_exists_then_the_pair_is_published(publish):
    rows = publish({"kind": "long_short", "ratio": 0.5}, "kind = 'problem'")
    assert rows
    for row in rows:
        assert row["short_tokens"] <= 0.5 * row["long_tokens"]
        assert row["long_id"] != row["short_id"]
    best = {}
    for n in range(PROBLEMS):
        right = [10 + (n * 7 + draw * 13) % 48 for draw in range(passes(n))]
        if right:
            best[problem(n).item_id] = min(right)
    assert all(row["short_tokens"] == best[row["item_id"]] for row in rows)


def test_rl_when_published_then_an_item_is_a_row_with_reference_and_pass_rate(publish):
    rows = publish("rl", "kind = 'problem' AND pass_rate > 0 AND pass_rate < 1")
    assert len({row["item_id"] for row in rows}) == len(rows)
    number = {problem(n).item_id: n for n in range(PROBLEMS)}
    assert {number[row["item_id"]] for row in rows} == {
        n for n in range(PROBLEMS) if 0 < passes(n) < DRAWS
    }
    for row in rows:
        n = number[row["item_id"]]
        assert row["prompt"][0]["content"].startswith(f"What is {n} + 1?")
        assert row["reward_model"] == {"style": "rule", "ground_truth": str(n + 1)}
        assert (row["reference"], row["pass_rate"]) == (str(n + 1), passes(n) / DRAWS)
        assert row["data_source"] == f"set-{n % 2}"
        assert row["ability"] == row["domain"]


@pytest.mark.parametrize(
    "layout", ["text", "chat", "sharegpt", "preference", "long_short", "rl", "tokens"]
)
def test_layout_when_published_twice_then_files_are_the_same_and_every_field_is_described(
    source, tmp_path, layout
):
    found: list[Export] = []
    for name in ("one", "two"):
        asked = {"folder": str(tmp_path / name), "layout": layout, "where": "kind = 'problem'"}
        found.append(export(source, ExportSettings.model_validate(asked)))
    assert found[0].content_hash == found[1].content_hash
    card = (tmp_path / "one" / "README.md").read_text()
    for column in found[0].columns:
        described = next(line for line in card.splitlines() if line.startswith(f"| {column} | "))
        assert len(described) > len(f"| {column} |  |")


def test_layout_when_no_trace_fits_it_then_the_error_names_the_layout(publish):
    with pytest.raises(
        ConfigError, match="none of 12 chosen traces gives a row of the layout pref"
    ):
        publish("preference", "kind = 'document'")


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("chta", "Input tag 'chta'"),
        ({"kind": "chat", "sytem": "x"}, "Extra inputs"),
        ({"kind": "sharegpt", "thought": "field"}, "'inline' or 'none'"),
        ({"kind": "text", "metadata": ["colour"]}, "'kind', 'domain'"),
    ],
)
def test_layout_when_a_setting_is_wrong_then_it_is_refused(layout, message):
    with pytest.raises(ValueError, match=message):
        ExportSettings.model_validate({"folder": "x", "layout": layout})

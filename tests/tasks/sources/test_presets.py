"""One made row for each published layout: what arrives, and that `inspect` finds the preset."""

import csv
import json

import pytest

from thoughtmill.flows.cli.inspect_source import inspect_source
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.sources import JsonlSource
from thoughtmill.tasks.sources.csv_files import CsvSource
from thoughtmill.tasks.sources.json_array import JsonSource
from thoughtmill.tasks.sources.presets import PRESETS, fitting
from thoughtmill.tasks.verifiers.constraints import constraints_of
from thoughtmill.tasks.verifiers.multiple_choice import option_of
from thoughtmill.tasks.verifiers.suites import read_suite

ASK, THOUGHT, REPLY = "How many legs has a spider?", "Insects six, so more.", "\\boxed{8}"
TAGGED = f"<think>{THOUGHT}</think>{REPLY}"
CHAT = [{"role": "user", "content": ASK}, {"role": "assistant", "content": TAGGED}]
SHARE = [{"from": "human", "value": ASK}, {"from": "gpt", "value": TAGGED}]
SOLVED = "Two rows of four: $\\boxed{8}$."
STDIN = json.dumps({"inputs": ["4\n"], "outputs": ["8\n"]})

ROWS = {
    "gsm8k": {"question": ASK, "answer": "Two rows of <<2*4=8>>8.\n#### 8"},
    "math": {"problem": ASK, "solution": SOLVED, "level": "Level 1", "type": "Counting"},
    "numina_cot": {"source": "own", "problem": ASK, "solution": SOLVED, "messages": CHAT},
    "openr1_math": {
        "problem": ASK,
        "solution": SOLVED,
        "answer": "8",
        "problem_type": "Counting",
        "source": "own",
        "uuid": "u1",
        "is_reasoning_complete": [True, True],
        "generations": [TAGGED, "<think>no</think>6"],
        "correctness_math_verify": [True, False],
        "messages": CHAT,
    },
    "limo": {"question": ASK, "solution": THOUGHT, "answer": 8},
    "s1k": {
        "question": ASK,
        "solution": "8",
        "cot_type": "science",
        "source_type": "own",
        "thinking_trajectories": [THOUGHT],
        "attempt": REPLY,
    },
    "s1k_1_1": {
        "question": ASK,
        "solution": "8",
        "cot_type": "science",
        "source_type": "own",
        "deepseek_thinking_trajectory": THOUGHT,
        "deepseek_attempt": REPLY,
        "gemini_thinking_trajectory": "Eight.",
        "gemini_attempt": "8",
    },
    "openthoughts": {"system": "Think first.", "conversations": SHARE},
    "openthoughts_metadata": {
        "problem": ASK,
        "deepseek_reasoning": THOUGHT,
        "deepseek_solution": REPLY,
        "ground_truth_solution": SOLVED,
        "domain": "biology",
        "source": "own",
        "test_cases": None,
        "starter_code": None,
    },
    "openmathreasoning": {
        "problem": ASK,
        "expected_answer": "8",
        "generated_solution": TAGGED,
        "inference_mode": "cot",
        "problem_type": "has_answer_extracted",
        "problem_source": "own",
        "generation_model": "m",
        "pass_rate_72b_tir": "n/a",
    },
    "mixture_of_thoughts": {"messages": CHAT, "num_tokens": 9, "source": "own"},
    "nemotron": {
        "input": CHAT[:1],
        "output": TAGGED,
        "reasoning": "on",
        "category": "science",
        "generator": "m",
        "license": "cc-by-4.0",
        "system_prompt": "detailed thinking on",
    },
    "multilingual_thinking": {
        "reasoning_language": "German",
        "developer": "Be brief.",
        "user": ASK,
        "analysis": THOUGHT,
        "final": REPLY,
    },
    "alpaca": {"instruction": ASK, "input": "It is an arachnid.", "output": REPLY},
    "verl": {
        "data_source": "own",
        "prompt": [{"role": "system", "content": "Box it."}, *CHAT[:1]],
        "ability": "biology",
        "reward_model": {"style": "rule", "ground_truth": "8"},
        "extra_info": {"index": "7"},
    },
    "rlvr": {"messages": CHAT[:1], "ground_truth": "8", "dataset": "own"},
    "mmlu": {"question": ASK, "subject": "biology", "choices": ["2", "8", "1", "0"], "answer": 1},
    "mmlu_pro": {
        "question_id": 1,
        "question": ASK,
        "options": ["4", "6", "8", "10", "12"],
        "answer": "C",
        "answer_index": 2,
        "category": "biology",
    },
    "arc": {
        "question": ASK,
        "choices": {"text": ["4", "8", "6"], "label": ["1", "2", "3"]},
        "answerKey": "2",
    },
    "arc_raw": {
        "question": {
            "stem": ASK,
            "choices": [{"text": "six", "label": "A"}, {"text": "8", "label": "B"}],
        },
        "answerKey": "B",
    },
    "aqua": {
        "question": ASK,
        "options": ["A)4", "B)6", "C)8", "D)9", "E)5"],
        "rationale": THOUGHT,
        "correct": "C",
    },
    "gpqa": {
        "Question": ASK,
        "Correct Answer": "8\n",
        "Incorrect Answer 1": "6\n",
        "Incorrect Answer 2": "4\n",
        "Incorrect Answer 3": "10\n",
        "Explanation": THOUGHT,
        "Subdomain": "Zoology",
        "High-level domain": "Biology",
    },
    "ifeval": {
        "key": 1,
        "prompt": ASK,
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{}],
    },
    "mbpp": {
        "text": ASK,
        "code": "def legs():\n    return 8",
        "test_list": ["assert legs() == 8"],
        "test_setup_code": "",
    },
    "humaneval": {
        "prompt": 'def legs():\n    """Legs of a spider."""\n',
        "canonical_solution": "    return 8\n",
        "test": "def check(candidate):\n    assert candidate() == 8\n",
        "entry_point": "legs",
    },
    "apps": {
        "question": ASK,
        "solutions": '["print(8)"]',
        "input_output": STDIN,
        "starter_code": "",
        "difficulty": "interview",
    },
    "livecodebench": {
        "question_content": ASK,
        "starter_code": "",
        "platform": "own",
        "contest_date": "2024-01-01",
        "difficulty": "easy",
        "public_test_cases": '[{"input": "4", "output": "8", "testtype": "stdin"}]',
        "private_test_cases": "[]",
        "metadata": "{}",
    },
    "kodcode": {
        "question": ASK,
        "solution": "def legs():\n    return 8",
        "test": "from solution import legs\n\ndef test_legs():\n    assert legs() == 8\n",
        "test_info": [{"function_name": "legs"}],
        "subset": "Prefill",
        "style": "instruct",
    },
    "orz": [{"from": "human", "value": ASK}, {"from": "assistant", "ground_truth": {"value": "8"}}],
    "sharegpt": {"conversations": SHARE},
    "messages": {"messages": CHAT},
}
SOLUTIONS = {"gsm8k", "math", "numina_cot", "openr1_math", "openthoughts_metadata", "aqua", "gpqa"}
CODE = {"mbpp", "humaneval", "apps", "livecodebench", "kodcode"}
THOUGHTS = {"s1k", "s1k_1_1", "openthoughts_metadata", "multilingual_thinking"}
REPLIES = THOUGHTS | {
    "numina_cot",
    "openr1_math",
    "limo",
    "openthoughts",
    "openmathreasoning",
    "mixture_of_thoughts",
    "nemotron",
    "alpaca",
    "sharegpt",
    "messages",
}
GOLDLESS = CODE | {
    "ifeval",
    "openthoughts",
    "mixture_of_thoughts",
    "nemotron",
    "multilingual_thinking",
    "alpaca",
    "sharegpt",
    "messages",
}


def written(tmp_path, name):
    path = tmp_path / ("rows.csv" if name == "gpqa" else "rows.jsonl")
    row = ROWS[name]
    if name == "gpqa":
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, row)
            table.writeheader()
            table.writerow(row)
        return CsvSource(path=str(path), preset=name)
    path.write_text(json.dumps(row) + "\n")
    return JsonlSource(path=str(path), preset=name)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_when_a_row_has_its_layout_then_nothing_of_it_is_lost(tmp_path, read, name):
    got = read(written(tmp_path, name))
    assert not got.drops
    (item,) = got.items
    assert isinstance(item, Item)
    assert item.kind == "problem"
    assert item.text.startswith("def legs" if name == "humaneval" else ASK)
    gold = item.reference
    if item.choices:
        assert gold is not None
        assert item.choices[option_of(gold, item.choices) or 0] == "8"
    else:
        assert gold == (None if name in GOLDLESS else "8")
    meta = item.meta
    assert ("solution" in meta) == (name in SOLUTIONS | CODE - {"livecodebench"})
    assert meta.get("thought") == (THOUGHT if name in THOUGHTS else None)
    assert ("reply" in meta) == (name in REPLIES)
    if name in CODE:
        assert read_suite(meta["tests"]).cases
    if name == "ifeval":
        assert constraints_of(meta["constraints"]) == [("punctuation:no_comma", {})]


@pytest.mark.parametrize("name", PRESETS)
def test_inspect_when_a_file_has_a_known_layout_then_its_config_reads_it(tmp_path, name):
    source = written(tmp_path, name)
    lines = list(inspect_source(str(source.path)))
    assert fitting([ROWS[name]])[0] == name
    assert f"    preset: {name}" in lines
    assert "of the first 1 rows 1 make items" in lines


def test_alpaca_when_rows_have_an_input_then_it_is_part_of_the_problem(tmp_path, read):
    item = read(written(tmp_path, "alpaca")).items[0]
    assert item.text == f"{ASK}\n\nIt is an arachnid."


def test_preset_when_fields_are_given_too_then_they_stand(tmp_path, read):
    source = written(tmp_path, "openr1_math")
    changed = JsonlSource(path=source.path, preset="openr1_math", fields={"domain": "source"})
    item = read(changed).items[0]
    assert (item.domain, item.reference) == ("own", "8")


def test_preset_when_unknown_then_the_error_names_a_near_one():
    with pytest.raises(ValueError, match="did you mean 'gsm8k'"):
        JsonlSource(path="x", preset="gms8k")


def test_inspect_when_rows_lie_in_an_object_then_the_config_says_where(tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"data": [ROWS["limo"]]}, indent=1))
    lines = list(inspect_source(str(path)))
    assert "    records_at: data" in lines
    assert JsonSource(path=str(path), preset="limo", records_at="data").parts()


def test_inspect_when_there_is_no_file_then_the_error_says_so():
    with pytest.raises(ConfigError, match="no such file"):
        list(inspect_source("nowhere.jsonl"))

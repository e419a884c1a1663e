import io
import json
import shutil

import pytest

from thoughtmill.flows.cli.verify_file import verify_file
from thoughtmill.schemas.errors import ConfigError

LINES = [
    ('{"gold": "27.0", "response": "So \\\\boxed{27}", "id": "a"}', "a", "correct", "exact@3"),
    ('{"gold": "5 kg", "response": "5 g"}', 2, "incorrect", "exact@3"),
    ("not json", 3, "undecided", None),
    ('{"gold": "\\\\int_0^1 x dx", "response": "\\\\frac12"}', 4, "correct", "symbolic@3"),
    ('{"gold": 5, "response": "5"}', 5, "correct", "exact@3"),
    ('{"gold": 5, "response": null}', 6, "undecided", None),
    ('{"gold": "B", "response": "(B)", "choices": ["1", "2"]}', 7, "correct", "multiple_choice@3"),
    ('{"gold": "1", "response": "1", "verifier": "nope"}', 8, "undecided", None),
    ('{"gold": "1", "response": "1", "verifier": "judge"}', 9, "undecided", None),
    ('{"gold": "1/2", "response": "0.5", "verifier": "symbolic"}', 10, "correct", "symbolic@3"),
    ('{"gold": "83.3", "response": "250/3", '
     '"verifier": {"kind": "exact", "accept_rounded_gold": true}}',
     11, "correct", 'exact@3{"accept_rounded_gold":true}'),
    ('{"response": "no comma", "constraints": [{"id": "punctuation:no_comma"}]}',
     12, "correct", "constraints@2"),
    ('{"gold": null, "response": "5"}', 13, "undecided", "exact@3"),
    ('{"gold": "5", "response": "5", "verifier": "constraints"}', 14, "undecided", None),
    ("[1]", 15, "undecided", None),
    ('{"gold": ["5"], "response": "5"}', 16, "undecided", None),
    ('{"gold": "5", "response": "5", "choices": 3}', 17, "undecided", None),
]  # fmt: skip


def test_file_when_lines_are_mixed_then_each_has_a_row_in_order(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(line for line, *_ in LINES) + "\n\n")
    out = io.StringIO()
    tally = verify_file(path, out, workers=1)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [set(row) for row in rows] == [{"id", "outcome", "reason", "verifier", "score"}] * len(
        LINES
    )
    assert [(row["id"], row["outcome"], row["verifier"]) for row in rows] == [
        (id_, outcome, verifier) for _, id_, outcome, verifier in LINES
    ]
    assert all(row["reason"] for row in rows)
    assert sum(tally) == len(LINES)


def test_file_when_bytes_are_no_text_then_the_line_is_undecided(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b'{"gold": "1", "response": "\xff"}\n{"gold": "1", "response": "1"}\n')
    out = io.StringIO()
    assert verify_file(path, out, workers=1) == (1, 0, 1)


def test_file_when_it_is_not_there_then_one_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="missing"):
        verify_file(tmp_path / "missing.jsonl", io.StringIO())


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_file_when_lines_hold_code_then_the_sandbox_judges_and_columns_pass_through(tmp_path):
    path = tmp_path / "code.jsonl"
    tests = {"fn_name": "half", "inputs": [[8]], "outputs": [4]}
    right = {"response": "```python\ndef half(n):\n    return n // 2\n```", "tests": tests}
    wrong = {"response": "```python\ndef half(n):\n    return n\n```", "tests": tests}
    unknown = {**right, "tests": {"grader": "special"}}
    rows = [{**right, "level": 3}, wrong, unknown, {"gold": "7", "response": "7", "source": "a"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    out, summary = io.StringIO(), io.StringIO()
    verify_file(path, out, workers=1, summary=summary)
    done = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["outcome"] for row in done] == ["correct", "incorrect", "undecided", "correct"]
    assert done[2]["reason"] == "unknown_test_format"
    assert (done[0]["level"], done[3]["source"]) == (3, "a")
    assert "tests" not in done[0]
    assert "4 rows: 2 correct, 1 incorrect, 1 undecided" in summary.getvalue()
    assert "decided by execution@3: 2" in summary.getvalue()

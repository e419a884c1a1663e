"""What `fields` can say: paths, several columns, templates, golds, tests, and what is refused."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.ingestion.stage import _batches
from thoughtmill.tasks.sources.csv_files import CsvSource
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.json_array import JsonSource
from thoughtmill.tasks.sources.jsonl import JsonlSource
from thoughtmill.tasks.sources.parquet import ParquetSource
from thoughtmill.tasks.sources.text_files import TextSource


def jsonl(tmp_path, rows, kind="problem", **fields):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return JsonlSource(path=str(path), item_kind=kind, fields=Fields(**fields))


@pytest.mark.parametrize(
    ("written", "gold", "solution"),
    [
        ("Two pens at 3 make 6.\n#### 6", "6", True),
        ("It costs more. #### is no mark here", "It costs more. #### is no mark here", False),
        ("We add: $1+1=2$, so $\\boxed{2}$.", "2", True),
        ("so \\boxed{\\frac{1}{2}} holds", "\\frac{1}{2}", True),
        ("$\\boxed{7}$", "7", False),
        ("27.0", "27.0", False),
    ],
)
def test_reference_when_it_is_a_solution_then_its_answer_is_the_gold(
    tmp_path, read, written, gold, solution
):
    item = read(jsonl(tmp_path, [{"q": "?", "a": written}], text="q", reference="a")).items[0]
    assert item.reference == gold
    assert item.meta.get("solution") == (written if solution else None)


def test_reference_when_it_is_a_list_then_any_of_its_golds_will_do(tmp_path, read):
    rows = [{"q": "1", "a": ["5", "five", None]}, {"q": "2", "a": ["6"]}, {"q": "3", "a": []}]
    got = read(jsonl(tmp_path, rows, text="q", reference="a"))
    assert [(i.reference, i.meta) for i in got.items] == [
        ("5", {"golds": '["5", "five"]'}),
        ("6", {}),
        (None, {}),
    ]


def test_reference_when_it_holds_tests_then_they_are_tests(tmp_path, read):
    tests = '{"inputs": ["2\\n"], "outputs": ["4\\n"]}'
    item = read(jsonl(tmp_path, [{"q": "double", "a": tests}], text="q", reference="a")).items[0]
    assert (item.reference, item.meta) == (None, {"tests": tests})


def test_fields_when_a_text_is_built_then_empty_paragraphs_are_left_out(tmp_path, read):
    rows = [
        {"task": "Sum up.", "input": "a b c"},
        {"task": "Say hello.", "input": ""},
        {"task": "Say bye.", "input": None},
        {"task": "", "input": ""},
    ]
    got = read(jsonl(tmp_path, rows, text="{task}\n\nInput: {input}"))
    assert got.texts == ["Sum up.\n\nInput: a b c", "Say hello.", "Say bye."]
    assert got.reasons == [("no_text", 4)]


def test_fields_when_paths_reach_into_lists_then_their_values_are_read(tmp_path, read):
    rows = [
        {
            "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "ask"}],
            "scores": [[1, 2], [3, 4]],
            "info": '{"name": "inc"}',
            "gold": {"value": None},
            "answer": "4",
        }
    ]
    fields = {
        "text": "prompt.1.content",
        "reference": ("gold.value", "answer"),
        "meta": {"last": "scores.-1.0", "name": "info.name", "system": "prompt.system"},
    }
    item = read(jsonl(tmp_path, rows, **fields)).items[0]
    assert (item.text, item.reference) == ("ask", "4")
    assert item.meta == {"last": "3", "name": "inc", "system": "s"}


def test_fields_when_verifiers_read_columns_then_they_are_json_under_their_keys(tmp_path, read):
    rows = [{"q": "x", "io": {"inputs": ["1"], "outputs": ["2"]}, "ids": ["a:b"], "kw": [{}]}]
    fields = {"text": "q", "tests": "io", "constraints": {"ids": "ids", "kwargs": "kw"}}
    meta = read(jsonl(tmp_path, rows, **fields)).items[0].meta
    assert json.loads(meta["tests"]) == rows[0]["io"]
    assert json.loads(meta["constraints"]) == {"instruction_id_list": ["a:b"], "kwargs": [{}]}


def test_conversation_when_it_asks_once_then_that_is_the_text_and_the_reply_is_kept(tmp_path, read):
    once = [{"from": "human", "value": "hi?"}, {"from": "gpt", "value": "<think>t</think>yo"}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "in parts"}]}]
    rows = [{"m": once}, {"m": parts}, {"m": [*once, *once]}]
    got = read(jsonl(tmp_path, rows, text="m"))
    assert [(i.text, i.meta) for i in got.items] == [
        ("hi?", {"reply": "<think>t</think>yo"}),
        ("in parts", {}),
    ]
    assert got.reasons == [("several_turns", 3)]


def test_source_when_no_row_fits_then_it_is_refused_with_columns_and_preset(tmp_path):
    rows = [{"instruction": "do", "input": "", "output": "done", "text": None}]
    with pytest.raises(ConfigError, match=r"columns: instruction.*preset: alpaca fits"):
        jsonl(tmp_path, rows).parts()
    path = tmp_path / "pretty.jsonl"
    path.write_text(json.dumps({"text": "a"}, indent=1))
    with pytest.raises(ConfigError, match="kind: json reads"):
        JsonlSource(path=str(path)).parts()


def test_columns_when_they_come_late_then_they_are_read_and_a_typo_is_refused(tmp_path, read):
    rows = [{"text": f"t{n}"} | ({"größe": {"cm": n}} if n > 120 else {}) for n in range(130)]
    got = read(jsonl(tmp_path, rows, kind="document", meta=("größe.cm",)))
    assert len(got.items) == 130
    assert got.items[-1].meta == {"größe.cm": "129"}
    with pytest.raises(ConfigError, match=r"größe\.mm"):
        jsonl(tmp_path, rows, kind="document", meta=("größe.mm",)).parts()
    for name, columns in (("a", {"text": ["x"]}), ("b", {"text": ["y"], "tag": ["z"]})):
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    late = ParquetSource(path=str(tmp_path / "*.parquet"), fields=Fields(meta=("tag",)))
    assert [item.meta for item in read(late).items] == [{}, {"tag": "z"}]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_file_when_it_is_not_utf_8_then_the_error_names_the_encoding(tmp_path, codec):
    path = tmp_path / "wide.csv"
    path.write_bytes("text,n\r\nhello,1\r\n".encode(codec))
    for kind in (CsvSource, JsonlSource, TextSource):
        with pytest.raises(ConfigError, match="UTF-16"):
            kind(path=str(path)).parts()


def test_file_when_lines_end_in_carriage_returns_then_the_error_says_so(tmp_path):
    path = tmp_path / "mac.csv"
    path.write_bytes(b"text,n\rone,1\rtwo,2\r")
    with pytest.raises(ConfigError, match="carriage return"):
        CsvSource(path=str(path)).parts()


def test_columns_when_two_have_one_name_then_neither_is_guessed(tmp_path, read):
    path = tmp_path / "twice.csv"
    path.write_text("text,a,a,,\nx,1,2,,\n")
    with pytest.raises(ConfigError, match="two columns named 'a'"):
        CsvSource(path=str(path)).parts()
    lines = tmp_path / "twice.jsonl"
    lines.write_text('{"text": "one"}\n{"text": "two", "text": "three"}\n')
    got = read(JsonlSource(path=str(lines)))
    assert got.texts == ["one"]
    assert got.reasons == [("duplicate_columns", 2)]


@pytest.mark.parametrize(
    ("content", "settings", "texts"),
    [
        ({"data": [{"text": "a"}, {"text": "b"}]}, {"records_at": "data"}, ["a", "b"]),
        ({"x": {"rows": [{"text": "a"}]}}, {"records_at": "x.rows"}, ["a"]),
        ({"text": "alone"}, {}, ["alone"]),
        ({"text": {"0": "a", "7": "b"}, "n": {"0": 1, "7": 2}}, {"by_column": True}, ["a", "b"]),
        ({"text": ["a", "b"], "n": [1, 2]}, {"by_column": True}, ["a", "b"]),
    ],
)
def test_json_when_the_file_is_an_object_then_its_rows_are_read(
    tmp_path, read, content, settings, texts
):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(content, indent=1))
    assert read(JsonSource(path=str(path), **settings)).texts == texts


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ({"data": [{"text": "a"}]}, "records_at: data"),
        ({"text": {"0": "a"}, "n": {"0": 1}}, "by_column: true"),
    ],
)
def test_json_when_the_object_holds_rows_then_the_error_says_how(tmp_path, content, advice):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=advice):
        JsonSource(path=str(path)).parts()


def test_text_when_files_are_latex_or_plain_then_each_is_a_document(tmp_path, read):
    (tmp_path / "a.tex").write_text("\\section{One}\nText.")
    (tmp_path / "b.tex").write_text("")
    got = read(TextSource(path=str(tmp_path / "*.tex")))
    assert got.texts == ["\\section{One}\nText."]
    assert got.reasons == [("no_text", 1)]


def test_batch_when_rows_repeat_then_items_drops_and_repeats_make_up_the_rows(tmp_path):
    rows = [{"text": text} for text in ["a", "b", "a", "", "a"]]
    source = jsonl(tmp_path, rows, kind="document")
    (batch,) = _batches(row for part in source.parts() for row in source.read(part, "r"))
    assert (len(batch.items), len(batch.drops), batch.repeats) == (2, 1, 2)

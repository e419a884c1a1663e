import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.json_array import JsonSource
from thoughtmill.tasks.sources.jsontext import Flaw, Number, elements, parse


def test_json_when_an_array_of_problems_then_items_in_order(tmp_path, read):
    path = tmp_path / "mixed.json"
    rows = [
        {"instruction": "1+1?", "output": None, "golden_answer": "2", "source": "synth"},
        {"instruction": 'say "]}" \\', "golden_answer": "", "source": "synth"},
    ]
    path.write_text(json.dumps(rows, indent=4))
    fields = Fields(text="instruction", reference="golden_answer", meta=("source",))
    got = read(JsonSource(path=str(path), fields=fields, item_kind="problem"))
    assert [(i.text, i.reference) for i in got.items] == [("1+1?", "2"), ('say "]}" \\', None)]
    assert got.items[0].meta == {"source": "synth"}
    assert not got.drops


def test_json_when_elements_are_bad_then_each_costs_itself_alone(tmp_path, read):
    path = tmp_path / "bad.json"
    path.write_bytes(
        b'\xef\xbb\xbf [{"text": "one"}, {"text": "caf\xe9"}, {"text": }, {"text": "\\udc00"},'
        b' 7, {"text": "six"}, , {"text": "eight"}] '
    )
    got = read(JsonSource(path=str(path)))
    assert got.texts == ["one", "six", "eight"]
    assert got.reasons == [
        ("not_utf8", 2),
        ("bad_json", 3),
        ("not_utf8", 4),
        ("wrong_type", 5),
        ("bad_json", 7),
    ]


@pytest.mark.parametrize(
    "tail", [b', {"text": "cut', b', {"text": 1', b"] and more", b", ", b'}, {"text": "b"}]']
)
def test_json_when_the_tail_is_garbled_then_what_came_before_is_kept(tmp_path, read, tail):
    path = tmp_path / "cut.json"
    path.write_bytes(b'[{"text": "one"}, {"text": "two"}' + tail)
    got = read(JsonSource(path=str(path)))
    assert got.texts[:1] == ["one"]
    assert [reason for reason, _ in got.reasons] == ["bad_json"] * len(got.drops)
    assert got.drops


def test_json_when_an_element_is_too_long_to_hold_then_it_is_skipped(tmp_path, read, monkeypatch):
    monkeypatch.setattr("thoughtmill.tasks.sources.files.MAX_ROW_BYTES", 1000)
    path = tmp_path / "long.json"
    path.write_text(json.dumps([{"text": "a"}, {"text": "b" * 5000}, {"text": "c"}]))
    got = read(JsonSource(path=str(path), max_chars=100))
    assert got.texts == ["a", "c"]
    assert got.reasons == [("too_long", 2)]


@pytest.mark.parametrize("content", ['{"text": "a"}\n{"text": "b"}', "text"])
def test_json_when_the_file_is_no_array_then_the_error_names_the_kind(tmp_path, content):
    path = tmp_path / "lines.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigError, match="kind: jsonl"):
        JsonSource(path=str(path)).parts()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=60)
@given(
    rows=st.lists(_JSON, max_size=6),
    size=st.integers(1, 7),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_elements_when_chunks_fall_anywhere_then_they_are_those_of_json(
    rows, size, indent, ascii_only
):
    data = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode()
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert [json.loads(raw) for raw in elements(chunks, 10**6)] == rows


@given(data=st.binary() | st.text(alphabet='[]{}",\\ a1').map(str.encode), size=st.integers(1, 9))
def test_elements_when_bytes_are_arbitrary_then_nothing_raises(data, size):
    found = list(elements([data[n : n + size] for n in range(0, len(data), size)], 5))
    assert all(isinstance(one, (bytes, Flaw)) for one in found)


def test_parse_when_numbers_are_odd_then_they_stay_as_written():
    found = parse(b'{"a": 27.10, "b": 123456789012345678901234567890, "c": 1e999, "d": NaN}', 1)
    assert found == {"a": "27.10", "b": "123456789012345678901234567890", "c": "1e999", "d": None}
    assert isinstance(found["a"], Number)

import gzip
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.ids import content_hash
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.jsonl import JsonlSource

BAD_LINES = {
    b'{"text": "caf\xe9"}': "not_utf8",
    b'{"text": "\\ud800 alone"}': "not_utf8",
    b'{"text": "a\\u0000b"}': "nul_byte",
    b'{"text": ""}': "no_text",
    b'{"text": " \\n\\t"}': "no_text",
    b'{"text": 12}': "wrong_type",
    b'{"text": ["a"]}': "wrong_type",
    b'{"text": null}': "wrong_type",
    b'"only text"': "wrong_type",
    b"[1, 2]": "wrong_type",
    b'{"other": 1}': "missing_column",
    b'{"text": "cut off': "bad_json",
    b'{"text": "a"} {"text": "b"}': "bad_json",
    b"[" * 5000: "bad_json",
    b'{"text": "' + b"x" * 101 + b'"}': "too_long",
}


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.items())
def test_jsonl_when_a_line_does_not_fit_then_it_is_one_drop_and_the_rest_goes_on(
    tmp_path, read, line, reason
):
    path = tmp_path / "docs.jsonl"
    path.write_bytes(b'{"text": "one"}\n' + line + b'\r\n\n{"text": "four"}')
    got = read(JsonlSource(path=str(path), max_chars=100))
    assert got.texts == ["one", "four"]
    assert got.reasons == [(reason, 2)]
    drop = got.drops[0]
    assert (drop.stage, drop.run_id, drop.item_id) == ("ingest", "run-1", None)
    assert drop.detail.startswith(f"{path}:2: ")


def test_jsonl_when_problems_have_golds_then_items_carry_them_as_written(tmp_path, read):
    path = tmp_path / "amc.jsonl"
    path.write_text(
        '{"problem": "p1", "gt_answer": 27.0, "source": "amc", "meta": {"url": "u", "n": 1.50}}\n'
        '{"problem": "p2", "gt_answer": "14", "meta": {"url": null}}\n'
        '{"problem": "p3", "gt_answer": null}\n'
        '{"problem": "p4", "gt_answer": {"a": 1}}\n'
        '{"problem": "p5"}\n'
        '{"problem": "p6", "gt_answer": NaN}\n'
    )
    fields = Fields(
        text="problem", reference="gt_answer", domain="source", meta=("meta.url", "meta")
    )
    source = JsonlSource(path=str(path), item_kind="problem", domain="math", fields=fields)
    got = read(source)
    assert [(i.text, i.reference, i.domain) for i in got.items] == [
        ("p1", "27.0", "amc"),
        ("p2", "14", "math"),
        ("p3", None, "math"),
        ("p6", None, "math"),
    ]
    assert got.items[0].meta == {"meta.url": "u", "meta": '{"url": "u", "n": 1.50}'}
    assert got.items[1].meta == {"meta": '{"url": null}'}
    assert got.reasons == [("wrong_type", 4), ("missing_column", 5)]
    assert {item.source for item in got.items} == {str(path)}
    assert got.items[0].item_id == content_hash("item", "problem", "p1", "27.0", [], [])


def test_jsonl_when_choices_and_images_are_mapped_then_they_are_lists_of_text(tmp_path, read):
    path = tmp_path / "quiz.jsonl"
    rows = [
        {"text": "a", "options": {"text": ["x", 2]}, "image": "id1"},
        {"text": "b", "options": {"text": '["x", "y"]'}, "image": ["id1", "id2"]},
        {"text": "c", "options": {"text": None}, "image": None},
        {"text": "d", "options": {"text": ["x", None]}, "image": []},
        {"text": "e", "options": {"text": {"x": 1}}, "image": []},
        {"text": "f", "options": {"text": "[x"}, "image": []},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    source = JsonlSource(path=str(path), fields=Fields(choices="options.text", images="image"))
    got = read(source)
    assert [(i.choices, i.images) for i in got.items] == [
        (("x", "2"), ("id1",)),
        (("x", "y"), ("id1", "id2")),
        ((), ()),
    ]
    assert got.reasons == [("wrong_type", 4), ("options_unclear", 5), ("options_unclear", 6)]


def test_jsonl_when_a_line_is_longer_than_memory_allows_then_it_is_skipped(
    tmp_path, read, monkeypatch
):
    monkeypatch.setattr("thoughtmill.tasks.sources.files.MAX_ROW_BYTES", 1000)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"text": "' + b"y" * 5000 + b'"}\n{"text": "short"}\n' + b"z" * 2000)
    got = read(JsonlSource(path=str(path), max_chars=100))
    assert got.texts == ["short"]
    assert got.reasons == [("too_long", 1), ("too_long", 3)]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_jsonl_when_compressed_then_read_alike_and_a_cut_is_a_drop(tmp_path, read, codec):
    lines = b"".join(b'{"text": "line %d"}\n' % n for n in range(20_000))
    packed = gzip.compress(lines) if codec == "gzip" else _zstd(lines)
    (tmp_path / "a.packed").write_bytes(packed)
    (tmp_path / "b.packed").write_bytes(packed[: len(packed) * 9 // 10])
    whole = read(JsonlSource(path=str(tmp_path / "a.packed")))
    assert len(whole.items) == 20_000
    assert not whole.drops
    cut = read(JsonlSource(path=[str(tmp_path / "b.packed"), str(tmp_path / "a.packed")]))
    assert 20_000 < len(cut.items) < 40_000
    assert cut.reasons == [("unreadable_file", len(cut.items) - 20_000 + 1)]


def _zstd(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as out:
        for start in range(0, len(data), 10_000):
            out.write(data[start : start + 10_000])
            out.flush()
    return packed.getvalue().to_pybytes()


def test_jsonl_when_it_opens_with_a_byte_order_mark_then_the_first_row_is_read(tmp_path, read):
    path = tmp_path / "bom.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\n')
    assert read(JsonlSource(path=str(path))).texts == ["one"]


def test_jsonl_when_the_file_is_an_array_then_the_error_names_the_kind(tmp_path):
    path = tmp_path / "array.json"
    path.write_text('[\n{"text":\n"one"}\n]')
    with pytest.raises(ConfigError, match="use kind: json"):
        JsonlSource(path=str(path)).parts()


_LINE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([*BAD_LINES, b'{"text": "good"}', b'{"text": "x", "m": [[[1]]]}']),
)


@settings(max_examples=150, deadline=None)
@given(content=st.lists(_LINE, max_size=8).map(b"\n".join))
def test_jsonl_when_bytes_are_arbitrary_then_every_line_is_an_item_or_a_drop(
    tmp_path_factory, read, content
):
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    path.write_bytes(b"{}\n" + content)  # no mark of a codec or of UTF-16 at the start
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    source = JsonlSource(path=str(path), max_chars=100, fields=Fields(meta=("m",)))
    rows = [row for piece in source.pieces() for row in source.records(piece)]
    mapped = [source.mapper()(row.number, getattr(row, "row", None)) for row in rows]
    assert len(mapped) == sum(1 for line in lines if line.strip())
    (tmp_path_factory.getbasetemp() / "seed.jsonl").write_text('{"text": "a", "m": 1}')
    seed = str(tmp_path_factory.getbasetemp() / "seed.jsonl")
    got = read(source.model_copy(update={"path": (seed, str(path))}))
    assert len(got.items) - 1 + len(got.drops) == len(mapped)

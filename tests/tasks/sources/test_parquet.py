import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.parquet import ParquetSource


def test_parquet_when_columns_have_many_types_then_items_hold_text(tmp_path, read):
    path = tmp_path / "rows.parquet"
    table = pa.table(
        {
            "problem": ["p1", None, "", "p4"],
            "answer": pa.array([27.0, 1.5, 2.0, float("nan")]),
            "options": [["a", "b"], [], None, None],
            "meta": [{"url": "u", "n": 1}] * 4,
            "tags": pa.array([[("k", "v")]] * 4, pa.map_(pa.string(), pa.string())),
            "day": [datetime.date(2024, 2, 3)] * 4,
            "unused": [b"\xff"] * 4,
        }
    )
    pq.write_table(table, path)
    fields = Fields(
        text="problem",
        reference="answer",
        choices="options",
        meta=("meta.url", "tags.k", "day", "meta"),
    )
    got = read(ParquetSource(path=str(path), fields=fields))
    assert [(i.text, i.reference, i.choices) for i in got.items] == [
        ("p1", "27.0", ("a", "b")),
        ("p4", None, ()),
    ]
    assert got.items[0].meta == {
        "meta.url": "u",
        "tags.k": "v",
        "day": "2024-02-03",
        "meta": '{"url": "u", "n": 1}',
    }
    assert got.reasons == [("wrong_type", 2), ("no_text", 3)]


def test_parquet_when_a_string_is_not_utf8_then_its_row_alone_is_dropped(tmp_path, read):
    path = tmp_path / "bytes.parquet"
    raw = pa.array([b"one", b"caf\xe9", b"three"] * 200)
    text = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    pq.write_table(pa.table({"text": text, "raw": raw}), path)
    for column in ("text", "raw"):
        got = read(ParquetSource(path=str(path), fields=Fields(text=column)))
        assert len(got.items) == 400
        assert got.reasons == [("not_utf8", n) for n in range(2, 600, 3)]


@pytest.mark.parametrize(
    ("kind", "values", "dropped"),
    [
        (pa.timestamp("us"), [0, 2**63 - 1, 1], [2]),
        (pa.timestamp("s"), [0, 10**15, 1], [2]),
        (pa.timestamp("us", tz="Mars/Olympus"), [0, None, 1], [1, 3]),
    ],
    ids=str,
)
def test_parquet_when_a_time_can_not_be_held_then_its_row_alone_is_dropped(
    tmp_path, read, kind, values, dropped
):
    path = tmp_path / "times.parquet"
    pq.write_table(pa.table({"text": ["one", "two", "three"], "at": pa.array(values, kind)}), path)
    got = read(ParquetSource(path=str(path), fields=Fields(meta=("at",))))
    assert got.reasons == [("wrong_type", number) for number in dropped]
    assert len(got.items) == 3 - len(dropped)


def test_parquet_when_a_row_group_is_broken_then_the_others_are_read(tmp_path, read):
    path = tmp_path / "broken.parquet"
    texts = [f"text {n}" for n in range(3000)]
    pq.write_table(
        pa.table({"text": texts}),
        path,
        row_group_size=1000,
        compression="gzip",
        use_dictionary=False,
    )
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 200] = b"\xff" * 200
    path.write_bytes(data)
    got = read(ParquetSource(path=str(path)))
    assert got.texts == texts[:1000] + texts[2000:]
    assert got.reasons == [("unreadable_file", 1001)]
    assert "rows 1001 to 2000" in got.drops[0].detail


def test_parquet_when_a_file_is_no_parquet_then_it_is_one_drop(tmp_path, read):
    pq.write_table(pa.table({"text": ["good"]}), tmp_path / "b.parquet")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "c.parquet").write_bytes(b"")
    got = read(ParquetSource(path=str(tmp_path / "*.parquet")))
    assert got.texts == ["good"]
    assert [reason for reason, _ in got.reasons] == ["unreadable_file"] * 2


def test_parquet_when_a_nested_column_is_missing_then_the_error_names_a_near_one(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": ["a"], "meta": [{"url": "u"}]}), path)
    with pytest.raises(ConfigError, match=r"no column 'meta.ulr'; did you mean 'meta.url'"):
        ParquetSource(path=str(path), fields=Fields(meta=("meta.ulr",))).parts()

from __future__ import annotations

import io
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thoughtmill.schemas.arrow import MODELS, SCHEMAS, from_table, to_table
from thoughtmill.schemas.rows import (
    Drop,
    Exclusion,
    GoldCheck,
    Image,
    Item,
    Label,
    Provenance,
    Reviewed,
    Score,
    Segment,
    Trace,
    Verdict,
)

TEXT = st.text(max_size=40) | st.sampled_from(["", "\n", "a\r\nb\tc", "🧠 思考 é", "\x00", "'\"\\"])
MAYBE = st.none() | TEXT
META = st.dictionaries(TEXT, TEXT, max_size=3)
INT32 = st.integers(0, 2**31 - 1)
INT64 = st.integers(0, 2**63 - 1)
FLOAT = st.floats(allow_nan=False)


def tuples(of: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(of, max_size=3).map(tuple)


SEGMENT = st.builds(Segment, text=TEXT, token_ids=tuples(INT32))
PROVENANCE = st.builds(
    Provenance,
    **{
        name: TEXT
        for name, field in Provenance.model_fields.items()
        if field.annotation in (str, "str")
    },
    seed=INT64,
    requests=INT32,
    prompt_tokens=INT64,
    completion_tokens=INT64,
    started_at=FLOAT,
    seconds=FLOAT,
)
ROWS = {
    "items": st.builds(
        Item,
        item_id=TEXT,
        text=TEXT,
        reference=MAYBE,
        choices=tuples(TEXT),
        images=tuples(TEXT),
        domain=MAYBE,
        source=TEXT,
        meta=META,
    ),
    "traces": st.builds(
        Trace,
        trace_id=TEXT,
        item_id=TEXT,
        draw=INT32,
        parent_trace_id=MAYBE,
        segments=tuples(SEGMENT),
        answer=MAYBE,
        provenance=PROVENANCE,
        meta=META,
    ),
    "drops": st.builds(
        Drop,
        trace_id=MAYBE,
        item_id=MAYBE,
        draw=st.none() | INT32,
        reason=TEXT,
        detail=TEXT,
        run_id=TEXT,
        recipe_fingerprint=MAYBE,
        teacher_fingerprint=MAYBE,
        completion_tokens=INT64,
    ),
    "verdicts": st.builds(Verdict, trace_id=TEXT, verifier=TEXT, reason=TEXT, score=FLOAT),
    "scores": st.builds(Score, trace_id=TEXT, scorer=TEXT, value=FLOAT),
    "exclusions": st.builds(Exclusion, trace_id=TEXT, screen=TEXT, reason=TEXT, detail=TEXT),
    "labels": st.builds(
        Label, trace_id=TEXT, position=INT32, labeller=TEXT, label=TEXT, score=st.none() | FLOAT
    ),
    "reviewed": st.builds(Reviewed, trace_id=TEXT, review=TEXT),
    "gold_checks": st.builds(GoldCheck, item_id=TEXT, verifier=TEXT, reason=TEXT),
    "images": st.builds(
        Image, image_id=TEXT, path=TEXT, format=TEXT, width=INT32, height=INT32, bytes=INT64
    ),
}


def test_round_trip_when_a_table_is_added_then_it_is_covered_here():
    assert set(ROWS) == set(MODELS) == set(SCHEMAS)


@pytest.mark.parametrize("name", list(MODELS))
def test_rows_when_written_to_parquet_and_read_then_they_are_equal(name):
    @settings(max_examples=30)
    @given(st.lists(ROWS[name], max_size=4))
    def check(rows):
        stored = io.BytesIO()
        pq.write_table(to_table(name, rows), stored)
        table = pq.read_table(stored)
        assert table.schema.equals(SCHEMAS[name])
        assert from_table(MODELS[name], table) == rows

    check()


def test_to_table_when_every_value_is_null_then_column_types_stay_pinned():
    rows = [Item(item_id="a", kind="document", text="x", source="s")]
    table = to_table("items", rows)
    assert table.schema == SCHEMAS["items"]
    assert table.schema.field("reference").type == pa.string()


def test_to_table_when_a_score_is_not_a_number_then_it_stays_one_of_its_kind():
    table = to_table("scores", [Score(trace_id="t", scorer="s@1", value=v) for v in (math.inf, 0)])
    assert [row.value for row in from_table(Score, table)] == [math.inf, 0.0]


def test_from_table_when_a_column_is_unknown_then_it_is_refused():
    table = to_table("scores", [Score(trace_id="t", scorer="s@1", value=0.5)])
    with pytest.raises(ValueError, match="surprise"):
        from_table(Score, table.append_column("surprise", pa.array(["?"])))

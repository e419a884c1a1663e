"""Counted, encoded and packed rows, checked with the tokenizer itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from tests.mixes import mix_of, mixed_lake
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.packing import Encoded, pack
from thoughtmill.warehouse.export.settings import ExportSettings, Tokenize
from thoughtmill.warehouse.export.tokens import RowTokenizer

PICO = str(Path(__file__).parents[3] / "models" / "pico")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LakeSettings:
    return mixed_lake(tmp_path_factory.mktemp("tokens") / "lake")


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(PICO)


def publish(source, folder: Path, tokens, mix=None, **more) -> pl.DataFrame:
    asked = {"folder": str(folder), "tokens": tokens, **more}
    export(source, ExportSettings.model_validate(asked), mix)
    return pl.read_parquet(folder / "data" / "*.parquet")


def rows_of(sizes: list[int]) -> list[Encoded]:
    """Rows whose ids say which row and which place they are."""
    return [
        Encoded(np.arange(1000 * n, 1000 * n + size, dtype=np.int32), np.ones(size, dtype=np.int8))
        for n, size in enumerate(sizes)
    ]


@given(st.lists(st.integers(1, 64), min_size=1, max_size=80), st.integers(8, 64))
def test_pack_when_rows_are_packed_then_each_is_there_once_whole_and_no_sequence_is_too_long(
    sizes, length
):
    packed = pack(rows_of(sizes), length, split=False)
    fitting = [n for n, size in enumerate(sizes) if size <= length]
    assert packed.left_out == len(sizes) - len(fitting)
    assert sorted(p.row for some in packed.sequences for p in some.pieces) == fitting
    for some in packed.sequences:
        row = some.row([str(n) for n in range(len(sizes))], None, 0)
        assert row["tokens"] == len(row["input_ids"]) <= length
        for segment, piece in enumerate(some.pieces, start=1):
            mine = row["segment_ids"] == segment
            assert row["input_ids"][mine].tolist() == piece.encoded.ids.tolist()
            assert row["position_ids"][mine].tolist() == list(range(len(piece.encoded.ids)))


@given(st.lists(st.integers(1, 64), min_size=1, max_size=80), st.integers(8, 64))
def test_pack_when_packed_then_no_two_sequences_would_fit_into_one(sizes, length):
    packed = pack(rows_of(sizes), length, split=False)
    used = sorted(sum(len(p.encoded.ids) for p in some.pieces) for some in packed.sequences)
    assert len(used) < 2 or used[0] + used[1] > length


def test_pack_when_long_rows_are_split_then_all_tokens_are_there_in_order():
    packed = pack(rows_of([25, 3]), 10, split=True)
    assert packed.left_out == 0
    pieces = [p for some in packed.sequences for p in some.pieces]
    ids = np.concatenate(
        sorted((p.encoded.ids for p in pieces if p.row == 0), key=lambda ids: ids[0])
    )
    assert ids.tolist() == list(range(25))
    assert [len(some.pieces) for some in packed.sequences] == [1, 1, 2]


def test_text_when_encoded_then_ids_are_the_text_and_its_end_with_loss_on_all(
    source, tokenizer, tmp_path
):
    rows = publish(source, tmp_path / "out", PICO, layout="text")
    for row in rows.to_dicts():
        assert tokenizer.decode(row["input_ids"]) == f"{row['text']}<|end|>"
        assert set(row["loss_mask"]) == {1}
        assert row["tokens"] == len(row["input_ids"])


def test_tokens_when_only_counted_then_no_ids_are_published(source, tokenizer, tmp_path):
    asked = {"tokenizer": PICO, "ids": False, "end": False}
    rows = publish(source, tmp_path / "out", asked, layout="text")
    assert "input_ids" not in rows.columns
    for row in rows.to_dicts():
        assert row["tokens"] == len(tokenizer.encode(row["text"], add_special_tokens=False))


@pytest.mark.parametrize("pad", [False, True])
def test_text_when_packed_then_sequences_hold_whole_rows_and_name_their_traces(
    source, tokenizer, tmp_path, pad
):
    asked = {"tokenizer": PICO, "pack": 128, "pad": pad, "window": 50}
    plain = publish(source, tmp_path / "plain", PICO, layout="text")
    packed = publish(source, tmp_path / "packed", asked, layout="text", shard_rows=7)
    texts = {row["trace_id"]: row["text"] for row in plain.to_dicts()}
    seen = Counter()
    for row in packed.to_dicts():
        assert len(row["input_ids"]) == (128 if pad else row["tokens"]) <= 128
        ids, segments = np.array(row["input_ids"]), np.array(row["segment_ids"])
        for number, name in enumerate(row["rows"], start=1):
            seen[name] += 1
            assert tokenizer.decode(ids[segments == number]) == f"{texts[name]}<|end|>"
        assert not np.array(row["loss_mask"])[segments == 0].any()
    assert seen == Counter(texts.keys())
    assert packed["tokens"].sum() == plain["tokens"].sum()
    # 108 rows in three windows: best fit leaves at most one half-empty sequence in each.
    assert packed.height <= plain["tokens"].sum() / 128 * 1.1 + 3
    files = sorted((tmp_path / "packed" / "data").iterdir())
    assert [pl.read_parquet(file).height for file in files[:-1]] == [7] * (len(files) - 1)


def test_text_when_rows_are_longer_than_a_sequence_then_they_are_counted_or_cut(source, tmp_path):
    plain = publish(source, tmp_path / "plain", PICO, layout="text")
    limit = int(plain["tokens"].max()) - 1
    longer = plain.filter(pl.col("tokens") > limit).height
    asked = {"tokenizer": PICO, "pack": limit}
    result = export(
        source,
        ExportSettings.model_validate({"folder": str(tmp_path / "drop"), "tokens": asked}),
    )
    assert result.left_out == longer > 0
    assert f"{longer} longer rows were left out" in (tmp_path / "drop" / "README.md").read_text()
    cut = publish(source, tmp_path / "cut", {**asked, "long": "split"})
    assert cut["tokens"].sum() == plain["tokens"].sum()


@pytest.mark.parametrize(("layout", "smaller"), [("text", "documents"), ("chat", "set-0")])
def test_mix_when_a_tokenizer_is_named_then_the_budget_is_met_in_its_tokens(
    source, tmp_path, layout, smaller
):
    """Documents have thoughts without a reply, of which a conversation can't be made."""
    found = []
    for budget in (800, 2_000):
        asked = mix_of(
            stage="pretraining",
            budget=budget,
            components=[
                {"name": "others", "where": f"source <> '{smaller}'", "weight": 3},
                {"name": "smaller", "where": f"source = '{smaller}'", "weight": 1},
            ],
        )
        rows = publish(source, tmp_path / str(budget), PICO, asked, layout=layout)
        assert budget - rows["tokens"].max() < rows["tokens"].sum() <= budget
        share = rows.filter(pl.col("source") == smaller)["tokens"].sum() / rows["tokens"].sum()
        assert abs(share - 0.25) < rows["tokens"].max() / budget
        found.append(rows["trace_id"].to_list())
    assert found[1][: len(found[0])] == found[0]


def test_mix_when_rows_are_longer_than_a_sequence_then_they_do_not_count_towards_the_budget(
    source, tmp_path
):
    plain = publish(source, tmp_path / "plain", PICO, where="kind = 'problem'", layout="text")
    asked = {"tokenizer": PICO, "pack": int(plain["tokens"].median())}
    all_problems = [{"name": "all", "where": "kind = 'problem'", "weight": 1}]
    mix = mix_of(stage="pretraining", budget=1_000, components=all_problems)
    folder = tmp_path / "packed"
    result = export(
        source, ExportSettings.model_validate({"folder": str(folder), "tokens": asked}), mix
    )
    rows = pl.read_parquet(folder / "data" / "*.parquet")
    assert result.left_out == 0
    assert 1_000 - asked["pack"] < rows["tokens"].sum() <= 1_000


def test_mix_when_counted_rows_run_out_then_the_error_is_in_counted_tokens(source, tmp_path):
    asked = mix_of(stage="sft", budget=100_000, components=[{"name": "all", "weight": 1}])
    with pytest.raises(ConfigError, match="all falls short: 46 rows") as refused:
        publish(source, tmp_path / "out", PICO, asked, layout="chat")
    held = int(str(refused.value).split("46 rows of ")[1].split()[0].replace(",", ""))
    rows = publish(source, tmp_path / "all", PICO, where="outcome = 'correct'", layout="chat")
    assert held == rows["tokens"].sum()


def test_tokens_when_a_template_drops_the_thought_then_the_export_refuses(source, tmp_path):
    asked = {"layout": {"kind": "chat", "thought": "field"}, "where": "kind = 'problem'"}
    with pytest.raises(ConfigError, match="leaves out a part of the assistant's turn"):
        publish(source, tmp_path / "out", PICO, **asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("tokens", "layout", "message"),
    [
        ("no/where/at-all", "text", "neither a folder"),
        (PICO, "preference", "neither `messages` nor `text`"),
    ],
)
def test_tokens_when_they_can_not_be_counted_then_the_error_says_why(
    source, tmp_path, monkeypatch, tokens, layout, message
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match=message):
        publish(source, tmp_path / "out", tokens, layout=layout, where="kind = 'problem'")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"pack": 10, "ids": False}, "remove `ids: false`"),
        ({"pad": True}, "give `pack` their length"),
        ({"pack": 0}, "greater than 0"),
    ],
)
def test_tokens_when_settings_do_not_fit_together_then_they_are_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        Tokenize.model_validate({"tokenizer": PICO, **asked})


def test_tokenizer_when_the_assistant_speaks_twice_then_both_turns_carry_loss(tokenizer):
    import pyarrow as pa

    turns = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "<think>\nA.\n</think>\n\nTwo."},
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": "<think>\nB.\n</think>\n\nThree."},
    ]
    rows = RowTokenizer(Tokenize(tokenizer=PICO))
    (encoded,) = rows.encode(rows.render(pa.table({"messages": [turns]})))
    trained = tokenizer.decode(encoded.ids[encoded.mask == 1])
    assert trained == "A.\n</think>\n\nTwo.<|end|>\nB.\n</think>\n\nThree.<|end|>\n"

"""Each format read back by its own reader, uploads refused, and exports that are killed."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pytest
import webdataset
import yaml

from tests.mixes import mix_of, mixed_lake
from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.export.hub import push_to_hub
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.mix.config import MixConfig
from thoughtmill.warehouse.mix.record import publish_mix

PARTS = [
    {"name": "problems", "where": "kind = 'problem'", "weight": 2},
    {"name": "documents", "where": "kind = 'document'", "weight": 1},
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LakeSettings:
    return mixed_lake(tmp_path_factory.mktemp("formats") / "lake")


def publish(source: LakeSettings, folder: Path, mix=None, **asked):
    return export(source, ExportSettings.model_validate({"folder": str(folder), **asked}), mix)


def rows_of(folder: Path) -> list[dict]:
    return pl.read_parquet(folder / "data" / "*.parquet").to_dicts()


@pytest.mark.parametrize("layout", ["text", "chat", "tool_calls", "tokens", "deepdistill"])
def test_webdataset_when_read_by_its_own_reader_then_rows_are_those_of_the_parquet_files(
    source, tmp_path, layout
):
    publish(source, tmp_path / "out", layout=layout, where="kind = 'problem'", webdataset=True)
    shards = sorted(str(path) for path in (tmp_path / "out" / "webdataset").iterdir())
    read = list(webdataset.WebDataset(shards, shardshuffle=False).decode())
    assert [sample["json"] for sample in read] == json.loads(json.dumps(rows_of(tmp_path / "out")))
    assert [sample["__key__"] for sample in read] == [f"{n:09}" for n in range(len(read))]
    if layout == "text":
        assert [sample["txt"] for sample in read] == [
            row["text"] for row in rows_of(tmp_path / "out")
        ]


def test_webdataset_when_written_twice_then_the_bytes_are_the_same(source, tmp_path):
    found = []
    for name in ("one", "two"):
        publish(source, tmp_path / name, webdataset=True)
        (shard,) = (tmp_path / name / "webdataset").iterdir()
        found.append(hashlib.sha256(shard.read_bytes()).hexdigest())
    assert found[0] == found[1]


def test_parquet_when_rows_fill_several_files_then_their_order_holds_for_every_reader(
    source, tmp_path
):
    publish(source, tmp_path / "whole")
    publish(source, tmp_path / "parts", shard_rows=7)
    files = sorted((tmp_path / "parts" / "data").iterdir())
    assert [pl.read_parquet(file).height for file in files] == [7] * 15 + [3]
    assert rows_of(tmp_path / "parts") == rows_of(tmp_path / "whole")
    loaded = datasets.load_dataset(str(tmp_path / "parts"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].to_list() == rows_of(tmp_path / "whole")


def test_columns_when_named_then_they_are_published_in_that_order(source, tmp_path):
    result = publish(source, tmp_path / "out", columns=("trace_id", "text"))
    assert result.columns == ("trace_id", "text")
    ids = [row["trace_id"] for row in rows_of(tmp_path / "out")]
    assert ids == sorted(ids)


@pytest.mark.parametrize("layout", ["text", "tool_calls"])
def test_columns_when_one_is_not_there_then_the_error_names_those_that_are(
    source, tmp_path, layout
):
    with pytest.raises(ConfigError, match=r"no column colour; there are .*trace_id"):
        publish(source, tmp_path / "out", layout=layout, columns=("trace_id", "colour"))


def test_mix_when_published_then_rows_stand_in_the_order_of_the_draw(source, tmp_path):
    mix = mix_of(stage="pretraining", budget=1_500, seed=5, components=PARTS)
    result = publish(source, tmp_path / "out", mix)
    drawn = pl.read_parquet(tmp_path / "out" / "draw.parquet")
    rows = rows_of(tmp_path / "out")
    assert [row["trace_id"] for row in rows] == drawn["trace_id"].to_list()
    assert drawn["tokens"].sum() == result.mix.tokens
    assert drawn["position"].to_list() == list(range(len(rows)))
    record = json.loads((tmp_path / "out" / "thoughtmill.json").read_text())
    assert record["content_hash"] == result.content_hash
    assert record["draw_hash"] == result.mix.draw_hash
    for name, digest in record["sha256"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest


def test_mix_when_rows_repeat_then_they_are_published_as_often(source, tmp_path):
    mix = mix_of(
        stage="pretraining",
        budget=2_000,
        components=[{**PARTS[1], "epochs": 6}],
    )
    publish(source, tmp_path / "out", mix, shard_rows=10)
    drawn = pl.read_parquet(tmp_path / "out" / "draw.parquet")
    assert drawn["epoch"].max() > 2
    assert [row["trace_id"] for row in rows_of(tmp_path / "out")] == drawn["trace_id"].to_list()


def test_mix_when_drawn_again_from_its_own_file_and_snapshot_then_the_bytes_are_the_same(tmp_path):
    lake = mixed_lake(tmp_path / "lake")
    asked = {
        "name": "again",
        "stage": "sft",
        "lake": str(tmp_path / "lake"),
        "budget": 600,
        "components": [{"name": "all", "weight": 1, "order": "halving"}],
        "publish": {"folder": str(tmp_path / "first")},
    }
    first = publish_mix(MixConfig.model_validate(asked))
    with Lake.create(lake) as opened:
        opened.connection.execute("DELETE FROM verdicts")
    kept = yaml.safe_load((tmp_path / "first" / "mix.yaml").read_text())
    kept["lake"] = str(tmp_path / "lake")
    kept["publish"] |= {"folder": str(tmp_path / "again"), "snapshot": first.snapshot}
    again = publish_mix(MixConfig.model_validate(kept))
    assert again.content_hash == first.content_hash
    assert again.mix == first.mix
    with Lake.open(lake) as opened:
        booked = opened.rows("SELECT name, snapshot_id, rows, tokens, draw_hash FROM mixes")
        spec = json.loads(opened.one("SELECT spec FROM mixes"))
    assert booked == [("again", first.snapshot, first.rows, first.mix.tokens, first.mix.draw_hash)]
    assert spec["components"][0]["order"] == "halving"


def test_mix_when_published_then_the_card_tells_shares_and_how_to_draw_it_again(source, tmp_path):
    mix = mix_of(stage="pretraining", budget=1_500, seed=5, components=PARTS)
    result = publish(source, tmp_path / "out", mix)
    card = (tmp_path / "out" / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["size_categories"] == ["n<1K"]
    assert f"{result.mix.tokens:,} of 1,500 tokens, stage pretraining, seed 5." in card
    part = result.mix.parts[1]
    assert f"| documents | 0.333 | 12 | {part.rows} | {part.tokens} |" in card
    assert f"thoughtmill mix mix.yaml --snapshot {result.snapshot} --lake LAKE" in card
    assert result.content_hash in card


def test_mix_when_publish_also_selects_then_it_is_refused(source, tmp_path):
    mix = mix_of(stage="pretraining", budget=100, components=PARTS)
    with pytest.raises(ConfigError, match="remove `where` and `query`"):
        publish(source, tmp_path / "out", mix, where="kind = 'problem'")


def test_mix_when_it_can_not_be_met_then_nothing_is_written(source, tmp_path):
    mix = mix_of(stage="sft", budget=10**9, components=[PARTS[0]])
    with pytest.raises(ConfigError, match="falls short"):
        publish(source, tmp_path / "out", mix)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stage", "layout"),
    [("pretraining", "text"), ("mid-training", "text"), ("sft", "chat"), ("rl", "rl")],
)
def test_mix_config_when_no_layout_is_named_then_it_is_the_stages(stage, layout):
    values = {"name": "m", "stage": stage, "budget": 1, "components": [PARTS[0]]}
    assert MixConfig.model_validate({**values, "publish": {"folder": "x"}}).publish.layout.kind == (
        layout
    )
    named = MixConfig.model_validate({**values, "publish": {"folder": "x", "layout": "sharegpt"}})
    assert named.publish.layout.kind == "sharegpt"


def publish_forever(source: LakeSettings, folder: str) -> None:
    """Child process: publish again and again until it is killed."""
    while True:
        publish(source, Path(folder), tokens=None, webdataset=True, shard_rows=5)


@pytest.mark.parametrize("part", ["data", "webdataset", "jsonl"])
def test_export_when_killed_at_any_moment_then_the_folder_is_whole_or_not_there(
    source, tmp_path, wait_until, part
):
    spawn = multiprocessing.get_context("spawn")
    out = tmp_path / "out"
    writer = spawn.Process(target=publish_forever, args=(source, str(out)), daemon=True)
    writer.start()
    wait_until((tmp_path / "out.partial" / part).exists)
    writer.kill()
    writer.join()
    if out.exists():
        record = json.loads((out / "thoughtmill.json").read_text())
        assert len(rows_of(out)) == record["rows"] == 108
        for name, digest in record["sha256"].items():
            assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert publish(source, out).rows == 108
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


class FakeHub:
    """Keeps what it is asked to do; refuses a dataset named `taken`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def create_repo(self, repo_id: str, **more: Any) -> None:
        if repo_id.endswith("/taken"):
            raise OSError("403 Forbidden: no rights\nrequest id 7")
        self.asked.append((repo_id, more))

    def upload_folder(self, *, repo_id: str, **more: Any) -> None:
        self.asked.append((repo_id, more))


def test_push_when_an_export_is_finished_then_its_folder_goes_to_a_private_dataset(
    source, tmp_path
):
    publish(source, tmp_path / "out")
    hub = FakeHub()
    address = push_to_hub(tmp_path / "out", "me/thoughts", hub=hub)
    assert address == "https://huggingface.co/datasets/me/thoughts"
    (_, made), (_, sent) = hub.asked
    assert (made["repo_type"], made["private"]) == ("dataset", True)
    assert (sent["repo_type"], sent["folder_path"]) == ("dataset", str(tmp_path / "out"))


def test_push_when_something_is_missing_then_it_is_refused_before_anything_is_sent(
    source, tmp_path, monkeypatch
):
    hub = FakeHub()
    with pytest.raises(ConfigError, match="no finished export"):
        push_to_hub(tmp_path, "me/thoughts", hub=hub)
    publish(source, tmp_path / "out")
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        push_to_hub(tmp_path / "out", "thoughts", hub=hub)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="set HF_TOKEN"):
        push_to_hub(tmp_path / "out", "me/thoughts")
    assert hub.asked == []


def test_push_when_the_hub_refuses_then_the_error_is_one_line_without_the_key(
    source, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    publish(source, tmp_path / "out")
    with pytest.raises(LakeError) as refused:
        push_to_hub(tmp_path / "out", "me/taken", hub=FakeHub())
    assert str(refused.value) == "the hub refuses me/taken: 403 Forbidden: no rights"

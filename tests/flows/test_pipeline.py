"""What a run publishes from a lake that other runs share."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.lakes import committer, draws_shard, item, land_items, settings_of, trace
from thoughtmill.flows.config import RunConfig, parse_config
from thoughtmill.flows.pipeline import own_work
from thoughtmill.schemas.rows import Trace
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.warehouse.export.export import export
from thoughtmill.warehouse.lake import Lake


def config_of(lake: LakeSettings, folder: Path, **changes) -> RunConfig:
    values = {
        "name": "own",
        "lake": lake.model_dump(),
        "sources": [{"kind": "jsonl", "path": "documents.jsonl", "name": "the owner's"}],
        "items": "domain = 'hills' -- not the rivers",
        "recipe": {"kind": "thinking"},
        "teacher": [{"kind": "scripted", "model": "weak"}, {"kind": "scripted", "model": "strong"}],
        "draws": 2,
        "publish": {"folder": str(folder), "jsonl": False, "columns": ["trace_id"]},
        **changes,
    }
    return parse_config(values, "own.yaml")


def published(config: RunConfig) -> set[str]:
    """Ids of the traces that a run of this config publishes."""
    assert config.publish is not None
    done = export(config.lake, own_work(config, config.publish))
    return set(pq.read_table(done.folder / "data").column("trace_id").to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> LakeSettings:
    """Three items, of which one has another domain and one comes from another source."""
    settings = settings_of(tmp_path / "lake")
    with Lake.create(settings) as opened:
        land_items(
            opened, [item(0, domain="hills"), item(1, domain="rivers")], source="the owner's"
        )
        land_items(opened, [item(2, domain="hills")], source="elsewhere")
    return settings


def test_publish_when_a_lake_is_shared_then_only_what_the_config_asks_for_is_published(
    lake, tmp_path
):
    config = config_of(lake, tmp_path / "out")
    recipe = config.recipe.fingerprint
    weak, strong = (identify(one).fingerprint(config.recipe.sampling) for one in config.teacher)

    def made(name: str, number: int, draw: int, recipe: str, teacher: str) -> Trace:
        plain = trace(number, draw)
        by = {"recipe_fingerprint": recipe, "teacher_fingerprint": teacher}
        provenance = plain.provenance.model_copy(update=by)
        return plain.model_copy(update={"trace_id": name, "provenance": provenance})

    traces = [
        made("first", 0, 0, recipe, weak),
        made("second", 0, 1, recipe, strong),
        made("a third draw", 0, 2, recipe, weak),
        made("another recipe", 0, 0, "other", weak),
        made("another teacher", 0, 0, recipe, "other"),
        made("an item that does not fit", 1, 0, recipe, weak),
        made("another source", 2, 0, recipe, weak),
    ]
    with Lake.create(lake) as opened:
        committer(opened).commit(draws_shard(lake, traces, range(len(traces))))
    assert published(config) == {"first", "second"}
    chosen = config_of(
        lake,
        tmp_path / "chosen",
        publish={
            "folder": str(tmp_path / "chosen"),
            "columns": ["trace_id"],
            "where": "draw = 2",
        },
    )
    assert published(chosen) == {"a third draw"}

from __future__ import annotations

import pytest
from pydantic import ValidationError

from thoughtmill.schemas.arrow import MODELS
from thoughtmill.schemas.manifest import Manifest, ShardFile
from thoughtmill.schemas.rows import Drop, Item, Score
from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling

GOOD = {"item_id": "a", "kind": "document", "text": "x", "source": "s"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"colour": "red"}, "colour"),
        ({"text": 3}, "text"),
        ({"text": None}, "text"),
        ({"kind": "poem"}, "kind"),
        ({"choices": ["a"]}, "choices"),
        ({"meta": {"level": 3}}, "meta"),
    ],
)
def test_item_when_a_value_is_wrong_then_it_is_refused(change, place):
    with pytest.raises(ValidationError) as refused:
        Item(**{**GOOD, **change})
    assert refused.value.errors()[0]["loc"][0] == place


@pytest.mark.parametrize("value", ["0.5", True, None])
def test_score_when_value_is_no_number_then_it_is_refused(value):
    with pytest.raises(ValidationError):
        Score(trace_id="t", scorer="s@1", value=value)


def test_drop_when_draw_is_a_text_then_it_is_refused():
    with pytest.raises(ValidationError, match="draw"):
        Drop(
            trace_id=None,
            item_id=None,
            draw="0",
            stage="ingest",
            reason="x",
            detail="",
            run_id="r",
        )


def test_row_when_changed_then_it_refuses():
    item = Item(**GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        item.text = "y"


@pytest.mark.parametrize("model", [MODELS["items"], MODELS["traces"], MODELS["drops"]])
def test_row_when_it_is_published_then_every_field_is_described(model):
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_manifest_when_counting_a_table_then_all_its_files_count():
    files = tuple(
        ShardFile(table=t, path=f"{t}/{n}", rows=n) for t, n in [("traces", 2), ("drops", 3)]
    )
    manifest = Manifest(shard_id="s", run_id="r", lane="l", files=(*files, files[0]))
    assert [manifest.rows(table) for table in ("traces", "drops", "scores")] == [4, 3, 0]


def test_sampling_when_merged_then_ours_win_and_defaults_fill_the_rest():
    defaults = Sampling(temperature=1.0, top_k=20, max_tokens=100, stop=("END",))
    merged = Sampling(temperature=0.0, top_p=0.9).merged(defaults)
    assert merged == Sampling(temperature=0.0, top_p=0.9, top_k=20, max_tokens=100, stop=("END",))
    assert Sampling(stop=("MINE",)).merged(defaults).stop == ("MINE",)
    assert Sampling().merged(Sampling()) == Sampling()


@pytest.mark.parametrize(
    "values", [{"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"top_k": -2}, {"topp": 0.9}]
)
def test_sampling_when_a_value_makes_no_sense_then_it_is_refused(values):
    with pytest.raises(ValidationError):
        Sampling(**values)


def test_lake_settings_when_a_folder_is_named_then_catalog_and_files_lie_in_it():
    expected = LakeSettings(catalog="sqlite:x/lake/catalog.sqlite", data="x/lake/data")
    assert LakeSettings.model_validate("x/lake/") == expected


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (LakeSettings, {"catalog": "mysql:host=x", "data": "lake/data"}),
        (EngineSettings, {"workers": 0}),
        (EngineSettings, {"error_budget": 1.5}),
        (EngineSettings, {"wrokers": 1}),
        (EndpointTeacher, {"model": "m", "base_url": "example.org/v1"}),
        (EndpointTeacher, {"model": "m", "base_url": "http://x/v1", "api_key_env": "sk-1234"}),
    ],
)
def test_settings_when_a_value_makes_no_sense_then_they_are_refused(model, values):
    with pytest.raises(ValidationError):
        model(**values)

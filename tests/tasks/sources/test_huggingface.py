import pyarrow as pa
import pyarrow.parquet as pq
import pytest

datasets = pytest.importorskip("datasets")

from thoughtmill.schemas.errors import ConfigError  # noqa: E402
from thoughtmill.tasks.sources import huggingface  # noqa: E402
from thoughtmill.tasks.sources.fields import Fields  # noqa: E402
from thoughtmill.tasks.sources.huggingface import HuggingFaceSource  # noqa: E402

ROWS = {"q": ["one", "", None, "four"], "a": [1, 2, 3, 4], "meta": [{"url": "u"}] * 4}
FIELDS = Fields(text="q", reference="a", meta=("meta.url",))


@pytest.fixture
def saved(tmp_path):
    data = datasets.Dataset.from_dict(ROWS)
    data.save_to_disk(tmp_path / "one", num_shards=2)
    datasets.DatasetDict(train=data, test=data.select([0])).save_to_disk(tmp_path / "both")
    return tmp_path


def test_huggingface_when_saved_to_disk_then_rows_are_mapped_and_numbered(saved, read, monkeypatch):
    monkeypatch.setattr(huggingface, "PART_ROWS", 3)
    source = HuggingFaceSource(dataset=f"{saved}/one", fields=FIELDS, item_kind="problem")
    assert len(source.parts()) == 2
    got = read(source)
    assert [(i.text, i.reference, i.meta) for i in got.items] == [
        ("one", "1", {"meta.url": "u"}),
        ("four", "4", {"meta.url": "u"}),
    ]
    assert got.reasons == [("no_text", 2), ("wrong_type", 3)]


def test_huggingface_when_saved_with_splits_then_the_split_is_picked(saved, read):
    source = HuggingFaceSource(dataset=f"{saved}/both", split="test", fields=FIELDS)
    assert read(source).texts == ["one"]
    with pytest.raises(ConfigError, match=r"no split 'valid' \(splits: train, test\)"):
        HuggingFaceSource(dataset=f"{saved}/both", split="valid").parts()


def test_huggingface_when_a_folder_of_files_then_each_shard_is_a_part(tmp_path, read):
    for n in range(2):
        pq.write_table(pa.table({"q": [f"{n} one", "", f"{n} three"]}), tmp_path / f"{n}.parquet")
    source = HuggingFaceSource(dataset=str(tmp_path), fields=Fields(text="q"))
    assert len(source.parts()) == 2
    got = read(source)
    assert got.texts == ["0 one", "0 three", "1 one", "1 three"]
    assert got.reasons == [("no_text", 2), ("no_text", 2)]
    assert "shard 2/2" in got.drops[1].detail
    assert read(source.model_copy(update={"limit": 3})).texts == ["0 one", "0 three", "1 one"]


def test_huggingface_when_columns_are_wrong_then_the_error_lists_those_there(saved):
    with pytest.raises(ConfigError, match=r"no column 'text' \(columns: q, a, meta, meta.url\)"):
        HuggingFaceSource(dataset=f"{saved}/one").parts()


@pytest.mark.parametrize("setting", [{}, {"split": "valid"}, {"config": "other"}])
def test_huggingface_when_there_is_no_such_data_then_the_error_says_so(tmp_path, setting):
    folder = tmp_path / "data"
    folder.mkdir()
    if setting:
        pq.write_table(pa.table({"text": ["a"]}), folder / "train.parquet")
    with pytest.raises(ConfigError, match="dataset: can't open"):
        HuggingFaceSource(dataset=str(folder), **setting).parts()


def test_huggingface_when_the_hub_is_out_of_reach_then_the_error_says_so(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="dataset: can't open no/such-data"):
        HuggingFaceSource(dataset="no/such-data").parts()

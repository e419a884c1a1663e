"""Hugging Face data sets: on the Hub, streamed, or saved in a folder.  Alone imports `datasets`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources import arrow
from thoughtmill.tasks.sources.base import MappedSource, Piece, Record
from thoughtmill.tasks.sources.files import READ_ERRORS, one_line
from thoughtmill.tasks.sources.jsontext import Flaw

if TYPE_CHECKING:
    from datasets import Dataset, Features, IterableDataset

PART_ROWS = 50_000
"""Rows of a saved data set that are one part."""


class HuggingFaceSource(MappedSource):
    """Rows of a data set: a part for each shard on the Hub, or for a stretch of a saved one."""

    kind: Literal["huggingface"] = "huggingface"
    dataset: str
    """Id on the Hub, a folder of `save_to_disk`, or a folder of data files."""
    config: str | None = None
    """Configuration (subset) of the data set."""
    split: str = "train"
    """Split to read; a folder that `save_to_disk` wrote of one split alone has no other."""
    revision: str | None = None
    """Branch, tag or commit on the Hub."""

    @property
    def label(self) -> str:
        config = f"/{self.config}" if self.config else ""
        return f"{self.dataset.rstrip('/')}{config}[{self.split}]"

    def pieces(self) -> list[Piece]:
        from datasets import Dataset

        data = self._load()
        if isinstance(data, Dataset):
            ends = range(0, data.num_rows, PART_ROWS)
            return [
                Piece(self.label, start=n, stop=min(n + PART_ROWS, data.num_rows)) for n in ends
            ]
        shards = data.num_shards
        return [
            Piece(f"{self.label} shard {n + 1}/{shards}", start=n, stop=shards)
            for n in range(shards)
        ]

    def records(self, piece: Piece) -> Iterator[Record | Flaw]:
        """Rows of a piece, numbered from 1 in a saved data set, or in the shard.

        Raises `ConfigError`, or the network's own error, where the Hub can't be reached: rows that
        were never seen are no drops.
        """
        from datasets import Dataset
        from datasets.exceptions import DatasetsError
        from huggingface_hub.errors import HfHubHTTPError

        data, number = self._load(), 1
        if isinstance(data, Dataset):
            number = piece.start + 1
            data = data.select(range(piece.start, piece.stop))
        else:
            data = data.shard(num_shards=piece.stop, index=piece.start)
        if data.column_names:
            data = data.select_columns(arrow.wanted(self.fields, data.column_names))
        batches = data.with_format("arrow").iter(batch_size=arrow.BATCH_ROWS)
        try:
            for found in arrow.records(batches, number):
                yield found
                number = found.number + 1
        except (ConnectionError, TimeoutError, HfHubHTTPError):
            raise
        except (*READ_ERRORS, ValueError, TypeError, DatasetsError) as exc:
            yield Flaw(number, "unreadable_file", f"the rest is lost: {one_line(exc)}")

    def sample(self, pieces: Sequence[Piece]) -> list[Mapping[str, Any]]:
        data = self._load()
        if data.features is not None:
            return [arrow.blank_row(data.features.arrow_schema)]
        rows = data.with_format("arrow").iter(batch_size=1)
        return [arrow.blank_row(next(iter(rows)).schema)]

    def _streamed(self, features: Features | None) -> IterableDataset:
        import datasets

        folder = Path(self.dataset).expanduser()
        return datasets.load_dataset(
            str(folder) if folder.is_dir() else self.dataset,
            self.config,
            split=self.split,
            revision=self.revision,
            features=features,
            streaming=True,
        )

    def _load(self) -> Dataset | IterableDataset:
        """The data set, opened but not read.  Raises `ConfigError` where there is none."""
        import datasets
        from datasets.exceptions import DatasetsError

        folder = Path(self.dataset).expanduser()
        try:
            if (folder / "state.json").is_file():
                return datasets.Dataset.load_from_disk(str(folder))
            if (folder / "dataset_dict.json").is_file():
                splits = datasets.DatasetDict.load_from_disk(str(folder))
                if self.split not in splits:
                    raise ConfigError(
                        f"split: {self.dataset} has no split {self.split!r}"
                        f" (splits: {', '.join(splits)})"
                    )
                return splits[self.split]
            data = self._streamed(None)
            if data.features and (features := _without_nulls(data.features)) != data.features:
                return self._streamed(features)
            return data
        except (*READ_ERRORS, ValueError, RuntimeError, DatasetsError) as exc:
            raise ConfigError(f"dataset: can't open {self.label}: {one_line(exc)}") from exc


def _without_nulls(features: Features) -> Features:
    """Features in which a column that is null in the first rows is text: later rows may have it."""
    import datasets

    return datasets.Features(
        {
            name: datasets.Value("string")
            if isinstance(kind, datasets.Value) and kind.dtype == "null"
            else kind
            for name, kind in features.items()
        }
    )

"""Where items come from.  A source is settings; `parts()` cuts up the work, `read()` does a part.

Adding a kind: one file here, one line in `AnySource`, one test.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tasks.sources.base import Part, Source
from tasks.sources.csv_files import CsvSource
from tasks.sources.episodes import EpisodeSource
from tasks.sources.fields import Fields
from tasks.sources.huggingface import HuggingFaceSource
from tasks.sources.json_array import JsonSource
from tasks.sources.jsonl import JsonlSource
from tasks.sources.parquet import ParquetSource
from tasks.sources.reasoning_gym import ReasoningGymSource
from tasks.sources.text_files import TextSource

AnySource = Annotated[
    JsonlSource
    | JsonSource
    | ParquetSource
    | CsvSource
    | TextSource
    | HuggingFaceSource
    | ReasoningGymSource
    | EpisodeSource,
    Field(discriminator="kind"),
]

__all__ = ["AnySource", "Fields", "Part", "Source"]

"""Where items come from.  A source is settings; `parts()` cuts up the work, `read()` does a part.

Adding a kind: one file here, one line in `AnySource`, one test.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thoughtmill.tasks.sources.base import Part, Source
from thoughtmill.tasks.sources.csv_files import CsvSource
from thoughtmill.tasks.sources.episodes import EpisodeSource
from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.huggingface import HuggingFaceSource
from thoughtmill.tasks.sources.json_array import JsonSource
from thoughtmill.tasks.sources.jsonl import JsonlSource
from thoughtmill.tasks.sources.parquet import ParquetSource
from thoughtmill.tasks.sources.reasoning_gym import ReasoningGymSource
from thoughtmill.tasks.sources.text_files import TextSource

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

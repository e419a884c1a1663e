"""Gold answers as published: one, several of which any will do, or at the end of a solution."""

from __future__ import annotations

import re
from typing import NamedTuple

from thoughtmill.tasks.answers.extract import boxes

_HASHES = re.compile(r"^[ \t]*####[ \t]*(\S[^\n]*?)[ \t]*$", re.MULTILINE)


class Gold(NamedTuple):
    """The answer itself, and the worked solution it was taken from."""

    answer: str
    solution: str | None = None


def gold_of(text: str) -> Gold:
    """The gold of a text: what follows the last `####`, else the last box, else the text as it is.

    Sources: GSM8K ends its solutions in `#### 7`, MATH puts the answer into a box.
    """
    if "####" not in text and "box" not in text:
        return Gold(text)
    marks = _HASHES.findall(text)
    if marks and text.rstrip().endswith(marks[-1]):
        return Gold(marks[-1].strip(), text)
    boxed = boxes(text)
    if not boxed:
        return Gold(text)
    alone = text.strip().strip("$").strip() == f"\\boxed{{{boxed}}}"
    return Gold(boxed, None if alone else text)

"""The failures that a person or a caller is meant to tell apart.

A failure of one item is not here: it is a `Drop`.
"""

from __future__ import annotations

import re

_ADVICE = re.compile(
    r"DataContext|^To (?:change|disable|ignore|debug)|^You can |^For more |^See https?://"
)
"""Lines in which Ray and others advise the programmer; the cause stands in another line."""


class ThoughtmillError(Exception):
    """Base of every error this project raises on purpose; its text is one line for a person."""


class ConfigError(ThoughtmillError):
    """The user asked for something that cannot be; the message says what to change."""


class RayNotStarted(ThoughtmillError):
    """A local Ray did not come up on this machine."""


class LakeError(ThoughtmillError):
    """The lake cannot be opened, written or understood."""


class TeacherError(ThoughtmillError):
    """A teacher gave no completion for one request, after its retries."""


class TeacherDown(ThoughtmillError):
    """A teacher can serve nobody any more: its engine died or its endpoint is gone."""


class ReplyRefused(TeacherError):
    """A reply that is no completion and would not be one if asked for again.

    `reason` is the drop reason, such as `content_filter`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class PromptTooLong(TeacherError):
    """The prompt leaves no room for a completion in the teacher's context."""


class BudgetSpent(ThoughtmillError):
    """More items failed than the run's error budget allows."""


class RowsMissing(ThoughtmillError):
    """A stage came to its end and rows of its plan have neither landed nor been accounted for."""


def in_one_line(error: BaseException) -> str:
    """What went wrong, for a person: our errors as they are, others with the name of their type.

    Of an error that Ray passes on it is the cause that counts, without Ray's advice.
    """
    while not isinstance(error, ThoughtmillError):
        inner = getattr(error, "cause", None) or (
            error.__cause__ if isinstance(error.__cause__, ThoughtmillError) else None
        )
        if not isinstance(inner, BaseException):
            break
        error = inner
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not _ADVICE.search(line)]
    if isinstance(error, ThoughtmillError):
        return " ".join(lines)
    traceback = any(line.startswith("Traceback (") for line in lines)
    text = (told[-1] if traceback else told[0]) if told else ""
    name = type(error).__name__
    return f"{name}: {text}" if text and not text.startswith(name) else text or name

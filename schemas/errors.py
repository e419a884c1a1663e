"""The failures that a person or a caller is meant to tell apart.

A failure of one item is not here: it is a `Drop`.
"""

from __future__ import annotations


class ThoughtmillError(Exception):
    """Base of every error this project raises on purpose; its text is one line for a person."""


class ConfigError(ThoughtmillError):
    """The user asked for something that cannot be; the message says what to change."""


class LakeError(ThoughtmillError):
    """The lake cannot be opened, written or understood."""


class TeacherError(ThoughtmillError):
    """A teacher gave no completion for one request, after its retries."""


class TeacherDown(ThoughtmillError):
    """A teacher can serve nobody any more: its engine died or its endpoint is gone."""


class PromptTooLong(TeacherError):
    """The prompt leaves no room for a completion in the teacher's context."""


class BudgetSpent(ThoughtmillError):
    """More items failed than the run's error budget allows."""


class RowsMissing(ThoughtmillError):
    """A stage came to its end and rows of its plan have neither landed nor been accounted for."""

"""What a recipe may ask of any teacher, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from thoughtmill.schemas.base import Row
from thoughtmill.schemas.ids import content_hash
from thoughtmill.schemas.rows import FinishReason
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.teachers.formats import ReasoningFormat

Message = dict[str, Any]
"""One chat message in OpenAI form: `role`, and `content` as text or a list of parts."""


class TeacherIdentity(Row):
    """What makes two teachers the same teacher, whatever hardware they run on."""

    name: str
    revision: str
    """Commit or content hash; empty where an endpoint does not tell."""
    behaviour: str
    """JSON of further settings that change what is written: dtype, quantization, template."""
    defaults: Sampling
    """The model's own generation config."""

    def fingerprint(self, sampling: Sampling) -> str:
        """Hash over model, revision and every sampling parameter after defaults are merged."""
        merged = sampling.merged(self.defaults).model_dump(mode="json")
        return content_hash("teacher", self.name, self.revision, self.behaviour, merged)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a teacher wrote in one request."""

    text: str
    """The text up to, not including, the stop string."""
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    prompt_ids: tuple[int, ...] = ()
    """Token ids the model read; empty where an endpoint does not tell."""
    token_ids: tuple[int, ...] = ()
    """Token ids the model wrote, stop tokens included; empty where an endpoint does not tell."""
    reasoning: str | None = None
    """The thought, where an endpoint's reasoning parser has split it from the answer."""
    hidden_tokens: int = 0
    """Tokens of a thought that the server counts and does not show."""
    reasoning_tokens: int | None = None
    """Tokens of the thought, where a server counts them apart."""
    stopped_by: str | None = None
    """The stop string that ended it, where that is known."""
    stop_told: bool = False
    """Whether `stopped_by` is a server's word; null then means the end of the turn."""


class Tokens(Protocol):
    """A tokenizer with its chat template."""

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text, no special tokens added."""
        ...

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids; special tokens are left out."""
        ...

    def cut(self, text: str, max_tokens: int) -> str:
        """The longest start of `text` of at most `max_tokens` tokens that is whole characters."""
        ...

    def render(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a chat that ends where the assistant is to speak."""
        ...


class Teacher(Protocol):
    """A model behind one interface.  Raises `TeacherError` for a request, `TeacherDown` for all."""

    identity: TeacherIdentity

    @property
    def format(self) -> ReasoningFormat:
        """How the model marks its reasoning."""
        ...

    @property
    def tokens(self) -> Tokens:
        """The teacher's tokenizer; `ConfigError` where an endpoint names none."""
        ...

    async def chat(
        self, messages: Sequence[Message], sampling: Sampling, *, seed: int
    ) -> Completion:
        """Answer a chat.  Raises `PromptTooLong` where the prompt leaves no room."""
        ...

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling, *, seed: int
    ) -> Completion:
        """Go on token-exactly after `prompt_ids`, wherever they end, inside a thought too."""
        ...

    async def score(self, token_ids: Sequence[int], *, from_position: int) -> list[float]:
        """Log-probabilities of `token_ids[from_position:]`, each given all before it; prefill only.

        `from_position` is at least 1: the first token has nothing before it.
        """
        ...

    async def close(self) -> None:
        """Free the engine or the connections."""
        ...

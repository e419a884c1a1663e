"""Settings of the teachers and of sampling; the teachers themselves live in `tasks/teachers`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import Field, field_validator

from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError

ReasoningFormatName = Literal[
    "auto",
    "think",
    "mistral",
    "seed",
    "minimax",
    "kimi",
    "exaone",
    "cohere",
    "gemma",
    "harmony",
    "none",
]
"""How a teacher marks its reasoning (`tasks/teachers/formats.py`); `auto` finds it out."""
_USER_IN_URL = re.compile(r"https?://[^/?#]*@")
_SECRET_NAME = re.compile(r"key|token|secret|passw|(?<![a-z])sig", re.IGNORECASE)


class Sampling(Frozen):
    """Sampling parameters.  `None` leaves a parameter to the model's own generation config."""

    temperature: float | None = Field(default=None, ge=0)
    """Softmax temperature; 0 is greedy."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Nucleus mass."""
    top_k: int | None = Field(default=None, ge=-1)
    """Candidates kept; -1 keeps all."""
    min_p: float | None = Field(default=None, ge=0, le=1)
    """Least probability relative to the best candidate."""
    repetition_penalty: float | None = Field(default=None, gt=0)
    """Divides the logits of tokens already seen."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Most tokens to write in one request."""
    stop: tuple[str, ...] = ()
    """Strings that end the completion; not part of the text that comes back."""

    def merged(self, defaults: Sampling) -> Sampling:
        """These parameters, with `defaults` where this leaves one open."""
        ours = self.model_dump(exclude_none=True, exclude_defaults=True)
        return Sampling(**{**defaults.model_dump(exclude_none=True), **ours})


class Price(Frozen):
    """What a teacher's tokens cost, per million, in any one currency."""

    prompt: float = Field(default=0.0, ge=0)
    """Price of a million tokens read."""
    completion: float = Field(default=0.0, ge=0)
    """Price of a million tokens written."""

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The cost of so many tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


class VllmTeacher(Frozen):
    """A model run by vLLM inside the Ray workers."""

    kind: Literal["vllm"] = "vllm"
    model: str
    """Hugging Face id, or a folder."""
    revision: str | None = None
    """Branch, tag or commit of the model; a folder is identified by its content."""
    tokenizer: str | None = None
    """Id or folder of the tokenizer where it is not the model's."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of weights and activations."""
    quantization: str | None = None
    """vLLM's quantization method, where the model's config does not name it."""
    max_model_len: int | None = Field(default=None, gt=0)
    """Context length in tokens; the model's own where null."""
    max_num_seqs: int = Field(default=256, gt=0)
    """Sequences the engine decodes at once."""
    tensor_parallel_size: int = Field(default=1, gt=0)
    """GPUs that share one copy of the model."""
    gpus_per_engine: float | None = Field(default=None, ge=0)
    """GPUs Ray reserves for one engine; `tensor_parallel_size` where null, 0 on the CPU build."""
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    """Share of GPU memory the engine may take."""
    cpu_kv_cache_gib: int = Field(default=2, gt=0)
    """KV cache on the CPU build, in GiB."""
    enforce_eager: bool | None = None
    """Skip graph capture and compilation; true on the CPU build where null: it starts sooner."""
    trust_remote_code: bool = False
    """Run code that ships with the model."""
    chat_template_args: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the chat template, such as `enable_thinking`."""
    price: Price | None = None
    """What a million tokens cost, such as `{prompt: 0.1, completion: 0.4}`; for reckoning only."""
    reasoning_format: ReasoningFormatName = "auto"
    """How the model marks its reasoning; `auto` reads it off the chat template."""
    engine_args: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of vLLM's `AsyncEngineArgs`, by name."""


class EndpointTeacher(Frozen):
    """A model behind an OpenAI-compatible HTTP API."""

    kind: Literal["endpoint"] = "endpoint"
    model: str
    """Model name sent with each request."""
    base_url: str = Field(pattern=r"^https?://")
    """URL up to and including `/v1`; without user, password and key: configs are stored."""
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name of the environment variable that holds the key; the key itself never enters a config."""
    revision: str = ""
    """What you know of the model's version; part of the fingerprint."""
    tokenizer: str | None = None
    """Tokenizer to count, cut and continue by tokens with: Hugging Face id or folder."""
    reasoning_format: ReasoningFormatName = "auto"
    """How the model marks its reasoning; `auto` reads it off the chat template."""
    max_concurrency: int = Field(default=128, gt=0)
    """Most requests in flight from one worker; fewer while the endpoint pushes back."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Longest wait for one answer."""
    tries: int = Field(default=6, gt=0)
    """Attempts for one request before it becomes a drop."""
    price: Price | None = None
    """What a million tokens cost, such as `{prompt: 0.1, completion: 0.4}`; for reckoning only."""
    outage_s: float = Field(default=600.0, gt=0)
    """How long an endpoint that has served may be out of reach, or answer 502, 503 or 504, before
    the run gives it up; long enough for a server to load its model again."""
    api_key_header: str = Field(default="Authorization", pattern=r"^[A-Za-z0-9-]+$")
    """Header that carries the key; any but `Authorization` carries it bare, such as `api-key`."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """Name of the token limit in the body of a chat."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body."""

    @field_validator("base_url")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        """Raise `ConfigError`, since pydantic prints the value with every other error."""
        query = value.partition("#")[0].partition("?")[2]
        names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
        if _USER_IN_URL.match(value):
            found = "a user or a password"
        elif any(_SECRET_NAME.search(name) for name in names):
            found = "a key, token, secret, signature or password in its query"
        else:
            return value
        raise ConfigError(
            f"teacher.base_url: holds {found}, and configs are stored in the lake and in Prefect;"
            " take it out, and name in teacher.api_key_env the environment variable with the key"
        )


class ScriptedTeacher(Frozen):
    """A teacher without a model: it answers from its prompt by a fixed rule, at once or late.

    For trying a recipe or a pipeline where no engine may run; not a stand-in for results.
    """

    kind: Literal["scripted"] = "scripted"
    model: str = "scripted"
    """The name that its traces carry."""
    replies: tuple[str, ...] = ("Let me go through it: {prompt}</think>",)
    """Replies, chosen by seed; `{prompt}` is replaced by the last words of the prompt."""
    reasoning_format: ReasoningFormatName = "auto"
    """How the model marks its reasoning; `auto` reads it off the chat template."""
    delay_s: float = Field(default=0.0, ge=0)
    """Wait before each reply, in seconds."""
    price: Price | None = None
    """What a million tokens cost, such as `{prompt: 0.1, completion: 0.4}`; for reckoning only."""


TeacherConfig = Annotated[
    VllmTeacher | EndpointTeacher | ScriptedTeacher, Field(discriminator="kind")
]

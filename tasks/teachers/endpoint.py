"""A teacher behind an OpenAI-compatible HTTP API.

It owns what a request and an answer look like; how requests travel is `endpoint_http`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import orjson

from thoughtmill.schemas.errors import (
    ConfigError,
    PromptTooLong,
    TeacherDown,
    TeacherError,
    ThoughtmillError,
)
from thoughtmill.schemas.teachers import EndpointTeacher, Sampling
from thoughtmill.tasks.steps.images import image_urls
from thoughtmill.tasks.teachers.endpoint_http import Line
from thoughtmill.tasks.teachers.endpoint_reply import (
    Usage,
    finish_in,
    ids_in,
    prompt_logprobs_in,
    said_in,
    stop_in,
    text_in,
    usage_in,
)
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion, Message, Tokens
from thoughtmill.tasks.teachers.refusals import RefusalError
from thoughtmill.tasks.teachers.tokens import HfTokens, found_format

_TOKEN_FIELDS = frozenset({"return_token_ids", "stop_token_ids"})
_NO_MODELS_ROUTE = (404, 405, 501)
_TAIL = 8


class Endpoint:
    """An OpenAI-compatible server as a teacher; build it where its event loop will run.

    `config.extra_body` goes into every request and wins over the fields made here; a field it sets
    to null is left out, for servers that refuse one (`{seed: null}`).
    Raises `ConfigError` where the key or the tokenizer is not to be had.
    """

    def __init__(self, config: EndpointTeacher, *, backoff_s: float = 1.0) -> None:
        self.identity = identify(config)
        self._config = config
        self._line = Line(config, backoff_s=backoff_s)
        self.throttle = self._line.throttle
        """Requests in flight and their present limit."""
        self._tokens: HfTokens | None = None
        self._plain = False
        """Whether the server refuses vLLM's fields for token ids."""
        self._context: int | None = None
        self._looked_up = False
        if config.tokenizer is not None:
            template_args = config.extra_body.get("chat_template_kwargs")
            self._tokens = HfTokens(config.tokenizer, chat_template_args=template_args)
        self.format = found_format(config.reasoning_format, self._tokens)

    @property
    def tokens(self) -> Tokens:
        """The tokenizer the config names; `ConfigError` where it names none."""
        if self._tokens is None:
            raise ConfigError(
                "teacher.tokenizer: this recipe counts, cuts or continues by tokens, and an"
                " endpoint does not say how it makes them; name the tokenizer of its model"
            )
        return self._tokens

    async def chat(
        self, messages: Sequence[Message], sampling: Sampling, *, seed: int
    ) -> Completion:
        """Answer a chat.

        Where a tokenizer is named, token ids are asked for and stop strings that are tokens are
        sent as `stop_token_ids` too; a server that refuses these fields is asked without them.
        """
        body = self._body({"messages": messages}, sampling, seed)
        length = None
        if self._tokens is not None and not image_urls(messages):
            body = {**self._token_fields(sampling), **body}
            length = len(self._tokens.render(messages)) if self._context is not None else None
        answer = await self._ask("chat/completions", body, length)
        choice = answer["choices"][0]
        said = said_in(choice.get("message"))
        return self._completion(
            answer,
            sampling,
            text=said.text,
            token_ids=ids_in(choice.get("token_ids")),
            reasoning=said.reasoning,
        )

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling, *, seed: int
    ) -> Completion:
        """Go on token-exactly after `prompt_ids`, by `/completions` with a prompt of token ids.

        Servers that do not return the ids they wrote (`return_token_ids`, a vLLM field) give text
        only.  It is then spelled by our tokenizer, and taken only where that spelling, read after
        the prompt, is the text again, and where it has as many tokens as the server counted in an
        unstopped completion; the end-of-text token is not in it.  Otherwise `TeacherError`.
        Raises `ConfigError` without `max_tokens`: `/completions` would stop after 16 tokens.
        """
        if sampling.max_tokens is None and self._config.extra_body.get("max_tokens") is None:
            raise ConfigError(
                "sampling.max_tokens: an endpoint stops continuations after 16 tokens unless told"
                " otherwise; set it"
            )
        body = self._body({"prompt": prompt_ids}, sampling, seed)
        body = {"return_token_ids": True, **body}
        answer = await self._ask("completions", body, len(prompt_ids))
        choice = answer["choices"][0]
        text = text_in(choice)
        token_ids = ids_in(choice.get("token_ids"))
        if choice.get("token_ids") is None:
            token_ids = self._spelled(prompt_ids, text, choice, usage_in(answer))
        return self._completion(
            answer, sampling, text=text, prompt_ids=tuple(prompt_ids), token_ids=token_ids
        )

    async def score(self, token_ids: Sequence[int], *, from_position: int) -> list[float]:
        """Log-probabilities of `token_ids[from_position:]`, from `echo` or `prompt_logprobs`.

        One token is generated and thrown away, since servers refuse to generate none.
        Raises `TeacherError` where the server does not give the log-probabilities of a prompt.
        """
        assert from_position >= 1
        fields = {
            "prompt": token_ids,
            "echo": True,
            "logprobs": 1,
            "max_tokens": 1,
            "temperature": 0,
        }
        body = {**self._body({}, Sampling(), None), **fields}
        try:
            answer = await self._line.post("completions", body)
        except RefusalError as exc:
            raise TeacherError(
                f"{exc}; scoring needs /completions with echo and logprobs, as vLLM serves them"
            ) from exc
        scores = (prompt_logprobs_in(answer["choices"][0], token_ids) or [])[from_position:]
        known = [score for score in scores if score is not None]
        if len(known) != len(token_ids) - from_position:
            raise TeacherError(
                f"{self._line.label}: does not return one log-probability for each prompt token;"
                " scoring needs /completions with echo and logprobs, as vLLM serves them"
            )
        return known

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()

    def _token_fields(self, sampling: Sampling) -> dict[str, Any]:
        """Fields of vLLM's that ask for token ids, and stop at tokens that leave no text."""
        assert self._tokens is not None
        stops = [self._tokens.added_id(text) for text in sampling.stop]
        ids = [id_ for id_ in stops if id_ is not None]
        return {"return_token_ids": True, **({"stop_token_ids": ids} if ids else {})}

    async def _ask(self, path: str, body: dict[str, Any], length: int | None) -> dict[str, Any]:
        """Post a request; where it is refused for what can be left out or cut, once more without.

        `length`: tokens of the prompt, where known.
        """
        try:
            return await self._line.post(path, self._fitted(body, length))
        except (RefusalError, PromptTooLong) as exc:
            limited = self._limit_field(body) in body
            known = limited and await self._look_up_context()
            fitted = self._fitted(body, length)
            refused = isinstance(exc, RefusalError)
            if refused and not self._plain and _TOKEN_FIELDS & body.keys():
                answer = await self._line.post(path, _without_token_fields(fitted))
                self._plain = True
                return answer
            if not known or fitted == self._fitted(body, length, context=None):
                raise
            return await self._line.post(path, fitted)

    def _fitted(
        self, body: dict[str, Any], length: int | None, *, context: int | None = -1
    ) -> dict[str, Any]:
        """A body without the fields that the server refuses, its limit within the context."""
        if self._plain:
            body = _without_token_fields(body)
        context = self._context if context == -1 else context
        asked, field = body.get(self._limit_field(body)), self._limit_field(body)
        if context is None or asked is None:
            return body
        if length is not None and length >= context:
            raise PromptTooLong(f"{length} prompt tokens, the server's context holds {context}")
        if length is not None:
            return {**body, field: min(asked, context - length)}
        # Without a tokenizer the room is unknown; left open, a chat may fill it.
        return body if asked < context else {k: v for k, v in body.items() if k != field}

    def _limit_field(self, body: dict[str, Any]) -> str:
        return self._config.max_tokens_field if "messages" in body else "max_tokens"

    async def _look_up_context(self) -> bool:
        """Ask the server once how long its context is; whether that is known."""
        if not self._looked_up:
            self._looked_up = True
            self._context = await _served_context(self._line, self._config.model)
        return self._context is not None

    def _body(self, fields: dict[str, Any], sampling: Sampling, seed: int | None) -> dict[str, Any]:
        """The request body: `top_k`, `min_p` and `repetition_penalty` as vLLM names them."""
        body = {
            "model": self._config.model,
            **fields,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repetition_penalty": sampling.repetition_penalty,
            self._limit_field(fields): sampling.max_tokens,
            "stop": sampling.stop or None,
            "seed": seed,
            **self._config.extra_body,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _spelled(
        self, prompt_ids: Sequence[int], text: str, choice: dict[str, Any], usage: Usage
    ) -> tuple[int, ...]:
        """The ids of a continuation that came as text (see `extend`)."""
        tokens = self.tokens
        token_ids = tuple(tokens.encode(text))
        tail = list(prompt_ids[-_TAIL:])
        same = tokens.decode([*tail, *token_ids]) == tokens.decode(tail) + text
        written = usage.completion_tokens
        if finish_in(choice) == "length" and written is not None:
            same = same and len(token_ids) == written
        if not same or "\ufffd" in text:
            raise TeacherError(
                f"{self._line.label}: returned no token ids, and its text does not tell them;"
                " token-exact continuation needs a server with return_token_ids, such as vLLM"
            )
        return token_ids

    def _completion(
        self,
        answer: dict[str, Any],
        sampling: Sampling,
        *,
        text: str,
        token_ids: tuple[int, ...],
        prompt_ids: tuple[int, ...] = (),
        reasoning: str | None = None,
    ) -> Completion:
        """The completion, with tokens counted here where the server sends no usage."""
        usage = usage_in(answer)
        prompt_ids = prompt_ids or ids_in(answer.get("prompt_token_ids"))
        written = usage.completion_tokens
        if written is None:
            written = len(token_ids)
            if not written and self._tokens is not None:
                written = len(self._tokens.encode((reasoning or "") + text))
        choice = answer["choices"][0]
        finish = finish_in(choice)
        stopped_by, told = self._stop(choice, sampling)
        text, kept = _until_stop(text, sampling.stop)
        thought = usage.reasoning_tokens
        shown = reasoning is not None or (self.format.marked and self.format.close in text)
        return Completion(
            text=text,
            finish_reason="stop" if kept else finish,
            prompt_tokens=usage.prompt_tokens or len(prompt_ids),
            completion_tokens=written,
            prompt_ids=prompt_ids,
            token_ids=token_ids,
            reasoning=reasoning,
            hidden_tokens=0 if shown or kept else thought or 0,
            reasoning_tokens=thought,
            stopped_by=kept or stopped_by,
            stop_told=told,
        )

    def _stop(self, choice: dict[str, Any], sampling: Sampling) -> tuple[str | None, bool]:
        """The stop string that ended a completion, and whether the server says what did."""
        value, told = stop_in(choice)
        if isinstance(value, int) and self._tokens is not None:
            return next((s for s in sampling.stop if self._tokens.added_id(s) == value), None), told
        return (value if isinstance(value, str) else None), told


async def check_endpoint(config: EndpointTeacher, *, timeout_s: float = 5.0) -> None:
    """Ask the server for its models before a run starts.

    Raises `ConfigError` that says what to change, `TeacherDown` where the server answers with an
    error of its own.  A server without `/models` passes, and so does `name:variant` where `name`
    is listed.
    """
    line = Line(config)
    try:
        status, raw = await _models(line, timeout_s)
    finally:
        await line.close()
    if status in _NO_MODELS_ROUTE:
        return
    if status in (401, 403):
        raise ConfigError(f"teacher.api_key_env: {line.label}: HTTP {status}, {line.key_advice}")
    if status != 200:
        await _try_one_token(config, f"HTTP {status} at the question for its models")
        return
    try:
        answer = orjson.loads(raw)
        listed = answer if isinstance(answer, list) else answer["data"]
        names = sorted(str(model["id"]) for model in listed or ())
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ConfigError(
            f"teacher.base_url: {line.label} answers, but not as an OpenAI-compatible API; the URL"
            " ends in /v1 as a rule"
        ) from None
    if names and not {config.model, config.model.rpartition(":")[0]} & set(names):
        few = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        wrong = f"teacher.model: {line.label} is not served there; it serves {few}"
        try:
            await _try_one_token(config, wrong)
        except ThoughtmillError as exc:
            raise ConfigError(wrong) from exc


async def _try_one_token(config: EndpointTeacher, doubt: str) -> None:
    """Ask for one token, where a server's list of models leaves a doubt.

    Raises `TeacherDown`, with the doubt in it, where there is no answer.
    """
    line = Line(config.model_copy(update={"tries": 1}), backoff_s=0.0)
    body = {"model": config.model, "messages": [{"role": "user", "content": "Hi"}]}
    try:
        await line.post("chat/completions", {**body, config.max_tokens_field: 1})
    except ThoughtmillError as exc:
        raise TeacherDown(
            f"{line.label}: {doubt}, and a request for one token fails: {exc}"
        ) from exc
    finally:
        await line.close()
    logging.getLogger(__name__).warning("%s; a request for one token is answered", doubt)


async def _served_context(line: Line, model: str) -> int | None:
    """The longest context that the server's list of models names for a model, as vLLM's does."""
    try:
        status, raw = await line.get("models", timeout_s=5.0)
    except (OSError, TimeoutError):
        return None
    if status != 200:
        return None
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    listed = answer.get("data") if isinstance(answer, dict) else answer
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and entry.get("id") == model:
            limit = entry.get("max_model_len")
            return limit if isinstance(limit, int) and limit > 0 else None
    return None


def _until_stop(text: str, stops: Sequence[str]) -> tuple[str, str | None]:
    """A text up to the first stop string that a server has left in it, and that string."""
    found = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop


def _without_token_fields(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _TOKEN_FIELDS}


async def _models(line: Line, timeout_s: float) -> tuple[int, bytes]:
    for last in (False, True):
        try:
            return await line.get("models", timeout_s=timeout_s)
        except (OSError, TimeoutError) as exc:
            failure = exc
        if last:
            raise ConfigError(
                f"teacher.base_url: nothing answers at {line.url}: start the server or change"
                " base_url"
            ) from failure
    raise AssertionError("unreachable")

"""vLLM as pico's evaluation uses it: whole turns, or stretches of a turn that others interrupt."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turns import Conversation


@dataclass(frozen=True)
class Draw:
    """One sampled turn: its thought (None when never closed), its reply, its cost in tokens."""

    thought: str | None
    written: str
    reply: str
    tokens: int
    cut: bool


@dataclass(frozen=True)
class Stretch:
    """Ids and text of one continuation; `stopped` at its stop string, `ended` at the turn's end."""

    ids: list[int]
    text: str
    stopped: bool
    ended: bool


@dataclass(frozen=True)
class Engine:
    llm: Any
    temperature: float
    top_p: float

    def sample(self, asked: Sequence[Conversation], max_tokens: int) -> list[Draw]:
        from vllm import SamplingParams

        sampling = SamplingParams(
            temperature=self.temperature, top_p=self.top_p, max_tokens=max_tokens
        )
        began = time.monotonic()
        prompts = [{"prompt": one.opened} for one in asked]
        outputs = self.llm.generate(prompts, sampling, use_tqdm=False)
        draws = []
        for one, output in zip(asked, outputs, strict=True):
            made = output.outputs[0]
            thought, closed, reply = made.text.partition("</think>")
            if not one.thinking:
                thought, closed, reply = "", "</think>", made.text
            draws.append(
                Draw(
                    thought if closed else None,
                    thought,
                    reply.strip(),
                    len(made.token_ids),
                    made.finish_reason == "length",
                )
            )
        total = sum(draw.tokens for draw in draws)
        print(f"<!-- {len(draws)} draws, {total / (time.monotonic() - began):.0f} tokens/s -->")
        return draws

    def go_on(
        self, opened: Sequence[list[int]], max_tokens: Sequence[int], stop: str
    ) -> list[Stretch]:
        """Continuations of token ids, each up to `stop` (kept), the turn's end or its limit."""
        from vllm import SamplingParams

        sampling = [
            SamplingParams(
                temperature=self.temperature, top_p=self.top_p, max_tokens=limit, stop=[stop],
                include_stop_str_in_output=True,
            )
            for limit in max_tokens
        ]  # fmt: skip
        prompts = [{"prompt_token_ids": ids} for ids in opened]
        stretches = []
        for output in self.llm.generate(prompts, sampling, use_tqdm=False):
            made = output.outputs[0]
            stopped = made.finish_reason == "stop" and made.stop_reason == stop
            stretches.append(
                Stretch(
                    list(made.token_ids),
                    made.text,
                    stopped,
                    made.finish_reason == "stop" and not stopped,
                )
            )
        return stretches

    def encode(self, text: str) -> list[int]:
        return list(self.llm.get_tokenizer().encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.llm.get_tokenizer().decode(ids, skip_special_tokens=True))


def start(model: Path, temperature: float, top_p: float, seed: int, dtype: str) -> Engine:
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from vllm import LLM

    llm = LLM(
        model=str(model), dtype=dtype, max_model_len=2048, max_num_seqs=256,
        enforce_eager=True, seed=seed, disable_log_stats=True,
    )  # fmt: skip
    return Engine(llm, temperature, top_p)


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")

"""Published layouts: which column of a well-known data set is what.

The one table behind `preset:`, `thoughtmill inspect` and `docs/reference/layouts.md`.  Columns were
looked up in the place that `seen` names; a layout that could not be looked up has no row here.
Worked solutions go to `meta.solution`, thoughts to `meta.thought`, replies to `meta.reply`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.paths import ABSENT, value_at
from thoughtmill.tasks.sources.preset import Preset
from thoughtmill.tasks.sources.presets_checked import CHECKED

_MESSAGES: dict[str, str | tuple[str, ...]] = {
    "system": "messages.system",
    "reply": "messages.assistant",
}

PRESETS: dict[str, Preset] = {
    "gsm8k": Preset(
        "GSM8K: the solution ends in `#### 7`",
        "Megatron Bridge's processor of openai/gsm8k",
        ("question", "answer"),
        Fields(text="question", reference="answer"),
        holds=(("answer", r"####"),),
    ),
    "math": Preset(
        "MATH: the solution holds a box",
        "loader of hendrycks/competition_math",
        ("problem", "solution", "level", "type"),
        Fields(text="problem", reference="solution", domain="type", meta={"level": "level"}),
    ),
    "numina_cot": Preset(
        "NuminaMath-CoT",
        "card of skyzos/NuminaMath-CoT",
        ("problem", "solution", "source", "messages"),
        Fields(
            text="problem",
            reference="solution",
            meta={"source": "source", "reply": "messages.assistant"},
        ),
    ),
    "openr1_math": Preset(
        "OpenR1-Math-220k: several generations a problem",
        "card of open-r1/OpenR1-Math-220k",
        ("problem", "solution", "answer", "generations", "correctness_math_verify"),
        Fields(
            text="problem",
            reference=("answer", "solution"),
            domain="problem_type",
            meta={
                "solution": "solution",
                "generations": "generations",
                "correctness_math_verify": "correctness_math_verify",
                "is_reasoning_complete": "is_reasoning_complete",
                "reply": "messages.assistant",
                "source": "source",
                "uuid": "uuid",
            },
        ),
    ),
    "limo": Preset(
        "LIMO",
        "an adapter in public code (question, solution, answer)",
        ("question", "solution", "answer"),
        Fields(text="question", reference="answer", meta={"reply": "solution"}),
    ),
    "s1k": Preset(
        "s1K",
        "card of a set of the same features (dbaeka/deepseek1k)",
        ("question", "solution", "thinking_trajectories", "attempt"),
        Fields(
            text="question",
            reference="solution",
            domain="cot_type",
            meta={
                "thought": "thinking_trajectories.0",
                "reply": "attempt",
                "source": "source_type",
            },
        ),
    ),
    "s1k_1_1": Preset(
        "s1K-1.1",
        "card of voidful/zh-s1K-1.1",
        ("question", "solution", "deepseek_thinking_trajectory", "deepseek_attempt"),
        Fields(
            text="question",
            reference="solution",
            domain="cot_type",
            meta={
                "thought": "deepseek_thinking_trajectory",
                "reply": "deepseek_attempt",
                "gemini_thought": "gemini_thinking_trajectory",
                "gemini_reply": "gemini_attempt",
                "source": "source_type",
            },
        ),
    ),
    "openthoughts": Preset(
        "OpenThoughts-114k, ready to train on",
        "card of ryanmarten/OpenThoughts-1k-sample, config default",
        ("system", "conversations"),
        Fields(
            text="conversations.user",
            meta={"system": "system", "reply": "conversations.assistant"},
        ),
    ),
    "openthoughts_metadata": Preset(
        "OpenThoughts-114k, config metadata",
        "card of ryanmarten/OpenThoughts-1k-sample, config metadata",
        ("problem", "deepseek_reasoning", "deepseek_solution", "ground_truth_solution"),
        Fields(
            text="{problem}\n\n{starter_code}",
            reference="ground_truth_solution",
            domain="domain",
            tests="test_cases",
            meta={
                "thought": "deepseek_reasoning",
                "reply": "deepseek_solution",
                "starter_code": "starter_code",
                "source": "source",
            },
        ),
    ),
    "openmathreasoning": Preset(
        "OpenMathReasoning",
        "public code that reads nvidia/OpenMathReasoning",
        ("problem", "expected_answer", "generated_solution"),
        Fields(
            text="problem",
            reference="expected_answer",
            meta={
                "reply": "generated_solution",
                "inference_mode": "inference_mode",
                "problem_type": "problem_type",
                "problem_source": "problem_source",
                "generation_model": "generation_model",
                "pass_rate_72b_tir": "pass_rate_72b_tir",
            },
        ),
    ),
    "mixture_of_thoughts": Preset(
        "Mixture-of-Thoughts",
        "card of yuccaaa/dataset, folder cot",
        ("messages", "num_tokens", "source"),
        Fields(text="messages.user", meta={**_MESSAGES, "source": "source"}),
    ),
    "nemotron": Preset(
        "Llama-Nemotron-Post-Training-Dataset",
        "public code that converts its SFT config (`input` as messages)",
        ("input", "output", "reasoning", "category"),
        Fields(
            text="input.user",
            domain="category",
            meta={
                "system": ("system_prompt", "input.system"),
                "reply": "output",
                "reasoning": "reasoning",
                "generator": "generator",
                "license": "license",
            },
        ),
    ),
    "multilingual_thinking": Preset(
        "Multilingual-Thinking, the channels of gpt-oss",
        "card of AIGym/Multilingual-Thinking",
        ("user", "analysis", "final"),
        Fields(
            text="user",
            meta={
                "system": "developer",
                "thought": "analysis",
                "reply": "final",
                "reasoning_language": "reasoning_language",
            },
        ),
    ),
    "alpaca": Preset(
        "Alpaca, and LLaMA-Factory's alpaca format",
        "card of danielkorat/alpaca",
        ("instruction", "input", "output"),
        Fields(text="{instruction}\n\n{input}", meta={"reply": "output"}),
    ),
    "verl": Preset(
        "verl and DAPO: prompts for reinforcement learning",
        "card of LuyiCui/DAPO-Math-17k",
        ("data_source", "prompt", "reward_model.ground_truth"),
        Fields(
            text="prompt.user",
            reference="reward_model.ground_truth",
            domain="ability",
            meta={
                "system": "prompt.system",
                "data_source": "data_source",
                "extra_info": "extra_info",
            },
        ),
    ),
    "rlvr": Preset(
        "Tülu 3 RLVR, mathematics",
        "card of hamishivi/SimpleQA-RLVR",
        ("messages", "ground_truth", "dataset"),
        Fields(
            text="messages.user",
            reference="ground_truth",
            meta={"system": "messages.system", "dataset": "dataset"},
        ),
    ),
    **CHECKED,
    "orz": Preset(
        "Open-Reasoner-Zero: a row is a list of two messages",
        "public code that reads its JSON",
        ("0.value", "1.ground_truth.value"),
        Fields(text="0.value", reference="1.ground_truth.value"),
    ),
    "sharegpt": Preset(
        "ShareGPT: one question and its reply",
        "card of mlfoundations-dev/openthoughts_code (from, value)",
        ("conversations",),
        Fields(
            text="conversations.user",
            meta={"system": "conversations.system", "reply": "conversations.assistant"},
        ),
        holds=(("conversations.user", r"\S"),),
    ),
    "messages": Preset(
        "Chat rows of one question, as TRL and open-r1 have them",
        "card of allenai/RLVR-IFeval (role, content)",
        ("messages",),
        Fields(text="messages.user", meta=_MESSAGES),
        holds=(("messages.user", r"\S"),),
    ),
}
"""Layouts by the name that `preset:` takes."""


def fitting(rows: Sequence[Any]) -> list[str]:
    """Presets whose columns all the rows have, the most particular first."""
    if not rows:
        return []
    found = [name for name, preset in PRESETS.items() if all(_fits(preset, row) for row in rows)]
    return sorted(found, key=lambda name: -len(PRESETS[name].needs))


def _fits(preset: Preset, row: Any) -> bool:
    if any(value_at(row, column) is ABSENT for column in preset.needs):
        return False
    shown = ((value_at(row, column), pattern) for column, pattern in preset.holds)
    return all(isinstance(text, str) and re.search(pattern, text) for text, pattern in shown)

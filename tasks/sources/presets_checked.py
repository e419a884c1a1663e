"""Published layouts whose answers are checked by options, constraints or tests."""

from __future__ import annotations

from thoughtmill.tasks.sources.fields import Fields
from thoughtmill.tasks.sources.preset import Preset

CHECKED: dict[str, Preset] = {
    "mmlu": Preset(
        "MMLU: the answer is an index from 0",
        "loader of lighteval/mmlu and card of hgissbkh/MMMLU",
        ("question", "subject", "choices", "answer"),
        Fields(
            text="question", choices="choices", reference="answer", gold="index", domain="subject"
        ),
    ),
    "mmlu_pro": Preset(
        "MMLU-Pro: the answer is a letter, with its index beside it",
        "public code that samples TIGER-Lab/MMLU-Pro",
        ("question", "options", "answer", "answer_index"),
        Fields(
            text="question", choices="options", reference="answer", gold="letter", domain="category"
        ),
    ),
    "arc": Preset(
        "ARC: labels A to D, or 1 to 4",
        "public code that reads allenai/ai2_arc",
        ("question", "choices.text", "choices.label", "answerKey"),
        Fields(text="question", choices="choices", reference="answerKey", gold="label"),
    ),
    "arc_raw": Preset(
        "ARC and OpenBookQA as first published",
        "public code that reads their JSON lines",
        ("question.stem", "question.choices", "answerKey"),
        Fields(
            text="question.stem", choices="question.choices", reference="answerKey", gold="label"
        ),
    ),
    "aqua": Preset(
        "AQuA-RAT: options carry their letters",
        "card of aqua_rat, config raw",
        ("question", "options", "rationale", "correct"),
        Fields(
            text="question",
            choices="options",
            reference="correct",
            gold="letter",
            meta={"solution": "rationale"},
        ),
    ),
    "gpqa": Preset(
        "GPQA: the right option is always the first, so options are put in another order",
        "public code that reads Idavidrein/gpqa",
        ("Question", "Correct Answer", "Incorrect Answer 1"),
        Fields(
            text="Question",
            choices=(
                "Correct Answer",
                "Incorrect Answer 1",
                "Incorrect Answer 2",
                "Incorrect Answer 3",
            ),
            reference="Correct Answer",
            gold="text",
            shuffle=True,
            domain="High-level domain",
            meta={"solution": "Explanation", "subdomain": "Subdomain"},
        ),
    ),
    "ifeval": Preset(
        "IFEval: instructions that a program can check",
        "public code that reads google/IFEval",
        ("prompt", "instruction_id_list", "kwargs"),
        Fields(text="prompt", constraints={"ids": "instruction_id_list", "kwargs": "kwargs"}),
    ),
    "mbpp": Preset(
        "MBPP",
        "card of zsqzz/mbpp-new-dataset",
        ("text", "code", "test_list"),
        Fields(
            text="text",
            tests={"test_list": "test_list", "test_setup_code": "test_setup_code"},
            meta={"solution": "code"},
        ),
    ),
    "humaneval": Preset(
        "HumanEval",
        "public code that reads openai/openai_humaneval",
        ("prompt", "canonical_solution", "test", "entry_point"),
        Fields(
            text="prompt",
            tests={"test": "test", "entry_point": "entry_point", "prompt": "prompt"},
            meta={"solution": "canonical_solution"},
        ),
    ),
    "apps": Preset(
        "APPS and TACO",
        "APPS's own evaluation code (question, input_output, starter_code)",
        ("question", "input_output", "starter_code"),
        Fields(
            text="{question}\n\n{starter_code}",
            tests="input_output",
            meta={
                "solution": "solutions",
                "difficulty": "difficulty",
                "starter_code": "starter_code",
            },
        ),
    ),
    "livecodebench": Preset(
        "LiveCodeBench",
        "public code that reads its rows",
        ("question_content", "public_test_cases", "starter_code"),
        Fields(
            text="{question_content}\n\n{starter_code}",
            tests={
                "public_test_cases": "public_test_cases",
                "private_test_cases": "private_test_cases",
                "metadata": "metadata",
            },
            meta={
                "difficulty": "difficulty",
                "platform": "platform",
                "contest_date": "contest_date",
                "starter_code": "starter_code",
            },
        ),
    ),
    "kodcode": Preset(
        "KodCode",
        "card of Blueyyds/KodCode-7K-RL",
        ("question", "solution", "test", "test_info"),
        Fields(
            text="question",
            tests="test",
            domain="subset",
            meta={
                "solution": "solution",
                "test_info": "test_info",
                "style": "style",
                "reply": "conversations.assistant",
                "difficulty": "gpt_difficulty",
            },
        ),
    ),
}
"""Multiple choice, instruction following and code."""

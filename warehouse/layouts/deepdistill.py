"""DeepDistill's row: a question with one response, its verdict and how hard teachers find it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from thoughtmill.warehouse.extensions import quoted
from thoughtmill.warehouse.lake import SQL
from thoughtmill.warehouse.layouts.layout import SqlLayout

_KNOWN = ("1.5b", "7b", "r1")
"""The paper's three teachers, from weak to strong: readers of the dataset look for these names."""


class DeepDistill(SqlLayout):
    """The columns of DeepDistill (arXiv 2504.17565), the response as thought and answer in tags."""

    kind: Literal["deepdistill"] = "deepdistill"
    teachers: tuple[str, ...] = Field(default=(), max_length=16)
    """Teachers from weak to strong.  Three give `pass_rate_1.5b`, `pass_rate_7b`, `pass_rate_r1`;
    any other number `pass_rate_1`, `pass_rate_2` …; none one list `pass_rates` by teacher."""
    think_tags: tuple[str, str] = ("<think>\n", "\n</think>\n\n")
    """Around the thought."""
    answer_tags: tuple[str, str] = ("<answer>\n", "\n</answer>")
    """Around the answer."""
    ppl_teacher: str | None = None
    """Whose perplexity `ppl` is, by the start of its name; the first by name where null."""

    fields: ClassVar[Mapping[str, str]] = {
        "question": "The document, or the statement of the problem with its options.",
        "answer": "The thought, with its code and outputs, and the answer, each between its tags.",
        "question_source": "Name of the source the question was read from.",
        "answer_source": "Name of the model that wrote the answer.",
        "category": "maths, code, science, instructions, closed or other.",
        "ground_truth": "The gold answer, where there is one.",
        "test_case": "Tests of a code problem, as JSON.",
        "instruction_constrain": "Constraints of an instruction, as JSON.",
        "pass_rate_r1": "Share of passes of the strongest teacher's draws.",
        "pass_rate_7b": "Share of passes of the middle teacher's draws.",
        "pass_rate_1.5b": "Share of passes of the weakest teacher's draws.",
        "pass_rates": "Share of passes of each teacher's draws.",
        "verify_score": "Score of the verdict that stands, on the category's scale.",
        "ppl": "Perplexity of what the model wrote, given the question.",
        "model_name": "Name of the model that wrote the answer.",
        "item_id": "The item.",
        "trace_id": "The trace.",
        **{f"pass_rate_{n}": f"Share of passes of teacher {n}, from weak." for n in range(1, 17)},
    }

    @field_validator("teachers")
    @classmethod
    def _named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("each teacher once, from weak to strong")
        return value

    @property
    def rate_columns(self) -> tuple[str, ...]:
        """Names of the columns of pass rates, from weak to strong."""
        if len(self.teachers) == len(_KNOWN):
            return tuple(f"pass_rate_{name}" for name in _KNOWN)
        return tuple(f"pass_rate_{n}" for n, _ in enumerate(self.teachers, start=1))

    def query(self) -> str:
        columns = [
            f"""p.rates['{quoted(teacher)}'] AS "{name}\""""
            for teacher, name in zip(self.teachers, self.rate_columns, strict=True)
        ]
        # Strong first, as in the paper's table.
        rates = ",\n    ".join(reversed(columns)) or "p.rates AS pass_rates"
        picked = (SQL / "layouts" / "picked.sql").read_text().rstrip().replace("{ids}", "chosen")
        return super().query().replace("{pass_rates}", rates).replace("{picked}", picked)

    def parameters(self) -> dict[str, Any]:
        return {
            "open_think": self.think_tags[0],
            "close_think": self.think_tags[1],
            "open_answer": self.answer_tags[0],
            "close_answer": self.answer_tags[1],
            "ppl_teacher": self.ppl_teacher,
        }

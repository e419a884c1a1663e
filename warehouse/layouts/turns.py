"""What layouts of thought and answer share: the parts of a drawn trace, turns, and markers."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field

from thoughtmill.warehouse.lake import SQL
from thoughtmill.warehouse.layouts.layout import SqlLayout

Marker = Literal[
    "kind",
    "domain",
    "source",
    "recipe",
    "teacher",
    "thinking_tokens",
    "outcome",
    "band",
    "pass_rate",
]
_JUDGED = ("outcome", "band", "pass_rate")
FIELDS = {
    "thinks": "Whether the thought is there; else the answer stands alone.",
    "thinking_tokens": "Length of the thought in the teacher's tokens.",
    "recipe": "Kind of the recipe that made the trace.",
    "teacher": "Name of the model that wrote the trace.",
}


class TurnLayout(SqlLayout):
    """A SQL layout over the parts of drawn traces.

    What stands between prompt and answer is the thought, with the hints, code and outputs in it.
    """

    metadata: tuple[Marker, ...] = ()
    """Markers before the row, each as `name: value` on a line of its own; nulls are left out."""
    metadata_rate: float = Field(default=1.0, ge=0, le=1)
    """Share of the rows that get markers, chosen by a hash of the trace's id (MeCo, arXiv
    2501.01956, ends its training without)."""

    def parameters(self) -> dict[str, Any]:
        """Values for the named parameters that the query has."""
        there = set(re.findall(r"\$(\w+)", self.query()))
        return {name: value for name, value in super().parameters().items() if name in there}

    def query(self) -> str:
        return self._filled(super().query(), ids="chosen")

    def _filled(self, text: str, *, ids: str) -> str:
        """SQL with its shared pieces in place; `ids` (position, trace_id) names the rows."""
        return (
            text.replace("{picked}", _piece("picked"))
            .replace("{marked}", _piece("marked") if self.metadata else "''")
            .replace("{judgements}", self._judgements())
            .replace("{ids}", ids)
        )

    def _judgements(self) -> str:
        """Where markers find what was judged: joined only where one asks for it."""
        if set(self.metadata) & set(_JUDGED):
            return (
                f"LEFT JOIN (SELECT trace_id, {', '.join(_JUDGED)} FROM samples "
                "WHERE trace_id IN (SELECT trace_id FROM {ids})) AS j USING (trace_id)"
            )
        nulls = ", ".join(f"NULL::VARCHAR AS {name}" for name in _JUDGED[:-1])
        return f"CROSS JOIN (SELECT {nulls}, NULL::DOUBLE AS pass_rate) AS j"


class ConversationLayout(TurnLayout):
    """A SQL layout of turns: the problem, then thought and answer."""

    system: str = ""
    """System message; none where empty."""
    prompt: Literal["item", "trace"] = "item"
    """The user's turn: the item with its choices, or the prompt that the teacher was given."""
    thought: Literal["inline", "field", "none"] = "inline"
    """Between its tags before the answer, in `reasoning_content`, or left out of every row."""
    open_tag: str = "<think>\n"
    """Before an inline thought."""
    close_tag: str = "\n</think>\n\n"
    """Between an inline thought and the answer."""
    no_think_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the rows that go without their thought, chosen by a hash of the trace's id."""
    think_flag: str = ""
    """Ends the user's turn of a row with its thought, such as ` /think`."""
    no_think_flag: str = ""
    """Ends the user's turn of a row without, as ` /no_think` (Qwen3, arXiv 2505.09388, §4.3)."""
    no_think_opening: str = ""
    """Before the answer of a row without its thought, such as an empty thought between tags."""

    def query(self) -> str:
        message = "'role': m.role, 'content': m.content"
        if self.thought == "field":
            message += ", 'reasoning_content': m.reasoning_content"
        text = super().query().replace("{message}", f"{{{message}}}")
        for place, ids in self.conversations().items():
            text = text.replace(place, self._filled(_piece("conversation"), ids=ids))
        return text

    def conversations(self) -> dict[str, str]:
        """The places in the query where conversations stand, and whose."""
        return {"{conversation}": "chosen"}


def _piece(name: str) -> str:
    return (SQL / "layouts" / f"{name}.sql").read_text().rstrip()

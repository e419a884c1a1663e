"""Chat with tool calls: OpenAI messages; each block is a call, each output its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import orjson
import pyarrow as pa

from thoughtmill.schemas.fences import code_at, opens, output_of
from thoughtmill.schemas.rows import Item, Trace
from thoughtmill.warehouse.layouts.layout import RowLayout

_FUNCTION = pa.struct([("name", pa.string()), ("arguments", pa.string())])
_CALL = pa.struct([("id", pa.string()), ("type", pa.string()), ("function", _FUNCTION)])
_MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.string()),
        ("reasoning_content", pa.string()),
        ("tool_calls", pa.list_(_CALL)),
        ("tool_call_id", pa.string()),
    ]
)


class ToolCalls(RowLayout):
    """One row a trace: its messages, and the one tool they call.

    A thought between two calls is one assistant message that ends with the call; hints are part of
    the thought they stand in.  A block that was never run is part of it too, as text.
    """

    kind: Literal["tool_calls"] = "tool_calls"
    tool: str = "python"
    """Name of the tool."""
    description: str = "Runs Python in a session that keeps its names, and returns what it prints."
    """What the tool is said to do."""
    thought: Literal["content", "reasoning_content"] = "reasoning_content"
    """Where thoughts go: a field of their own, or the content, before the answer."""

    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("trace_id", pa.string()),
            ("messages", pa.list_(_MESSAGE)),
            ("tools", pa.string()),
            ("answer", pa.string()),
        ]
    )
    fields: ClassVar[Mapping[str, str]] = {
        "trace_id": "Id of the trace in the lake.",
        "messages": "OpenAI chat messages; `arguments` of a call is JSON with the key `code`.",
        "tools": "OpenAI tool definitions, as JSON.",
        "answer": "The final answer.",
    }

    def rows(self, trace: Trace, item: Item) -> Iterable[dict[str, Any]]:
        yield {
            "trace_id": trace.trace_id,
            "messages": self._messages(trace),
            "tools": orjson.dumps([self._definition()]).decode(),
            "answer": trace.answer,
        }

    def _messages(self, trace: Trace) -> list[dict[str, Any]]:
        segments = trace.segments
        messages = []
        said, answer, calls = "", "", 0
        for position, segment in enumerate(segments):
            ran = position + 1 < len(segments) and segments[position + 1].kind == "output"
            if segment.kind == "prompt":
                messages.append(_message("user", content=segment.text))
            elif segment.kind == "code" and ran:
                calls += 1
                messages.append(
                    self._calling(_without_opening(said), code_at(segments, position), calls)
                )
                said = ""
            elif segment.kind == "output":
                result = output_of(segment.text)
                messages.append(_message("tool", content=result, tool_call_id=f"call_{calls}"))
            elif segment.kind == "answer":
                answer += segment.text
            else:
                said += segment.text
        messages.append(self._spoken(said, answer.strip()))
        return messages

    def _calling(self, said: str, code: str, number: int) -> dict[str, Any]:
        arguments = orjson.dumps({"code": code}).decode()
        function = {"name": self.tool, "arguments": arguments}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        return {**self._spoken(said, ""), "tool_calls": [call]}

    def _spoken(self, said: str, answer: str) -> dict[str, Any]:
        thought = said.strip()
        if self.thought == "content":
            return _message("assistant", content="\n\n".join(filter(None, (thought, answer))))
        return _message("assistant", content=answer, reasoning_content=thought)

    def _definition(self) -> dict[str, Any]:
        code = {"type": "string", "description": "Python code."}
        parameters = {"type": "object", "properties": {"code": code}, "required": ["code"]}
        function = {
            "name": self.tool,
            "description": self.description,
            "parameters": parameters,
        }
        return {"type": "function", "function": function}


def _message(role: str, **fields: Any) -> dict[str, Any]:
    return {**dict.fromkeys(_MESSAGE.names), "role": role, **fields}


def _without_opening(said: str) -> str:
    """A thought without the opening fence that a hint has left at its end."""
    if not opens(said):
        return said
    return said.rstrip("\n").rpartition("\n")[0] if "\n" in said.rstrip("\n") else ""

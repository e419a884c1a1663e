"""Code-integrated reasoning: a thought that computes in Python as it goes, helped by hints.

Source: CoRT, arXiv 2506.09820, §2 (prompt hint, hint engineering, interpreter protocol).  The
wording of prompt and hints and the detectors that place the hints are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from thoughtmill.schemas.claims import TraceClaim
from thoughtmill.schemas.errors import ConfigError, PromptTooLong
from thoughtmill.schemas.fences import CLOSE, Block, blocks, opens
from thoughtmill.schemas.rows import Drop, Item, SegmentKind, Trace
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.recipes.context import Kit
from thoughtmill.tasks.recipes.interpreter import Interpreter, Limits, output_block
from thoughtmill.tasks.recipes.recipe import Recipe, prompt_text
from thoughtmill.tasks.recipes.solve import answer_at, answer_of, listed
from thoughtmill.tasks.recipes.transcript import Transcript
from thoughtmill.tasks.teachers.protocol import Completion
from thoughtmill.tasks.text.detectors import DelayedComputation, Distrust
from thoughtmill.tasks.text.prompts import Prompt

Mode = Literal["plain", "prompt_hint", "hint_engineered"]
HintKind = Literal["start", "delayed", "distrust"]


class CodeIntegrated(Recipe):
    """Solve a problem by a thought with Python blocks, each run as soon as it is closed.

    Modes: `plain` gives no hint; `prompt_hint` opens the thought with one; `hint_engineered`
    watches the thought at the ends of its sentences, cuts it back to where a long computation by
    hand or distrust of a result begins, puts a hint there and lets the teacher go on.

    All requests after the first continue token-exactly: the ids of the segments, one after the
    other, are what the teacher was sent and wrote.  A code segment holds its fence lines, but for
    an opening fence that a hint has written; an output segment holds the fence lines around it.
    The tokens of the thought's tags belong to the prompt (where it is opened there) and to the last
    segment of the thought; tags are in no segment's text.  A teacher without a reasoning format
    computes in its reply, and the end of its turn closes the trace.  Defaults: T 0.6, top-p 0.95,
    the paper's context of 32k tokens less 2k for the problem.
    """

    version: ClassVar[int] = 1
    claim: ClassVar[TraceClaim] = "answers"
    needs_sandbox: ClassVar[bool] = True
    puts_code_in: ClassVar[bool] = True
    kind: Literal["code_integrated"] = "code_integrated"
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=30_720)
    """`max_tokens` bounds what the teacher writes for a trace, all requests together."""
    mode: Mode = "hint_engineered"
    """Which hints are given."""
    prompt: Prompt = Field(default_factory=lambda: prompt_text("code_integrated"))
    """User turn; `{problem}` is replaced by the problem, and its options where it has any."""
    start_hint: Prompt = Field(default_factory=lambda: prompt_text("hint_start"))
    """First line of the thought in mode `prompt_hint`."""
    delayed_hint: Prompt = Field(default_factory=lambda: prompt_text("hint_delayed"))
    """Put where a computation by hand begins; as a rule it ends with an opening fence."""
    distrust_hint: Prompt = Field(default_factory=lambda: prompt_text("hint_distrust"))
    """Put where distrust of a result begins."""
    delayed: DelayedComputation | None = DelayedComputation()
    """Finds computation by hand; null gives no such hint."""
    distrust: Distrust | None = Distrust()
    """Finds distrust of results; null gives no such hint."""
    watch_tokens: int = Field(default=128, gt=0)
    """Tokens written between two looks at the thought in mode `hint_engineered`."""
    max_hints: int = Field(default=8, ge=0)
    """Hints inserted into a thought at most, the one that opens it aside."""
    hints_trainable: bool = True
    """Whether a trainer puts loss on hints: a student then learns to turn to Python by itself."""
    interpreter: Limits = Limits()
    """What a trace may ask of the interpreter."""

    async def __call__(self, item: Item, kit: Kit) -> Sequence[Trace | Drop]:
        if kit.sandbox is None:
            raise ConfigError("recipe code_integrated needs a sandbox, and this run has none")
        async with Interpreter(kit.sandbox, kit.seed, self.interpreter) as python:
            draw = _Draw(self, item, kit, python)
            stopped = await draw.write()
            return [stopped or draw.trace(item)]


class _Flag(NamedTuple):
    at: int
    """Characters of the stretch that stay."""
    kind: HintKind


class _Draw:
    """One trace on its way: what has been written, what is left to spend."""

    def __init__(self, recipe: CodeIntegrated, item: Item, kit: Kit, python: Interpreter) -> None:
        self._recipe, self._kit, self._python = recipe, kit, python
        problem = f"{item.text}\n\n{listed(item.choices)}" if item.choices else item.text
        asked = recipe.prompt.replace("{problem}", problem)
        form = kit.format
        ids = kit.tokens.render(recipe.turns(asked))
        if form.marked and not form.opened_by(ids, kit.tokens):
            ids += kit.tokens.encode(f"{form.open.rstrip()}\n")
        self._transcript = Transcript(kit.tokens, recipe.asked(asked, tuple(ids)), form)
        self._in_block = False
        """Whether the stretch began inside a block that a hint has opened."""
        self._output: str | None = None
        """What was printed right before the stretch; null where something else is before it."""
        self._looked = 0
        """Characters of the stretch that hold no computation by hand."""
        self._hints: dict[HintKind, int] = {"start": 0, "delayed": 0, "distrust": 0}
        self._cut_tokens = 0
        if recipe.mode == "prompt_hint":
            self._hint("start", recipe.start_hint)

    async def write(self) -> Drop | None:
        """Let the teacher write until its turn ends; the drop where it does not end well."""
        while True:
            want = self._wanted()
            if want is not None and want <= 0:
                return self._ran_out("length")
            try:
                completion = await self._ask(want)
            except PromptTooLong as exc:
                if self._kit.requests == 1:
                    raise
                return self._kit.drop("context_full", str(exc))
            ended = self._take(completion)
            if await self._answered(ended=ended):
                continue
            if completion.finish_reason == "error":
                return self._kit.drop("error", f"{self._kit.completion_tokens} tokens written")
            if completion.finish_reason == "length":
                if want is None or completion.completion_tokens < want:
                    return self._ran_out("context_full")
                continue
            if ended:
                whole = self._transcript.thought()[1] or not self._kit.format.marked
                return None if whole else self._ran_out("unclosed")

    def trace(self, item: Item) -> Trace:
        """The trace of a turn that has ended."""
        recipe, transcript = self._recipe, self._transcript
        thought, closed = transcript.thought()
        parts = _parts(thought, opened=self._in_block)
        reply = transcript.close(*parts) if closed else self._reply(parts)
        return self._kit.trace(
            transcript.segments,
            finish_reason="stop",
            answer=answer_of(reply.strip(), item),
            meta={
                "mode": recipe.mode,
                "thought_end": "tag" if closed else "turn",
                "code_calls": str(self._python.calls),
                "code_seconds": f"{self._python.seconds:.3f}",
                "hints_delayed": str(self._hints["delayed"]),
                "hints_distrust": str(self._hints["distrust"]),
                "cut_tokens": str(self._cut_tokens),
            },
        )

    def _reply(self, parts: list[tuple[SegmentKind, int | None]]) -> str:
        """Part the last stretch of a teacher that does not mark its reasoning: its answer's text.

        The answer begins with the line that marks it, or is all that is said behind the last output
        where no line does.
        """
        transcript, text = self._transcript, self._transcript.text
        behind = max((end for _, end in parts if end is not None), default=0)
        found = answer_at(text)
        if found is None and not behind and len(transcript.segments) > 1:
            found = 0
        if found is None or found < behind:
            transcript.part(*parts)
            return ""
        transcript.part(*parts[:-1], (parts[-1][0], found), ("answer", None))
        return text[found:]

    def _wanted(self) -> int | None:
        """Tokens to ask for: all that is left, or up to the next look at the thought."""
        most = self._kit.lane.sampling.max_tokens
        room = None if most is None else most - self._kit.completion_tokens
        if not self._watching():
            return room
        watch = self._recipe.watch_tokens
        return watch if room is None else min(watch, room)

    def _watching(self) -> bool:
        """Whether what comes next may call for a hint: prose of the thought, and hints left."""
        if not self._may_hint():
            return False
        thought, closed = self._transcript.thought()
        return not closed and not _in_block(thought, opened=self._in_block)

    def _may_hint(self) -> bool:
        given = self._hints["delayed"] + self._hints["distrust"]
        return self._recipe.mode == "hint_engineered" and given < self._recipe.max_hints

    async def _ask(self, want: int | None) -> Completion:
        sampling = self._kit.lane.sampling
        return await self._kit.extend(
            self._transcript.ids,
            sampling.model_copy(update={"stop": (*sampling.stop, CLOSE), "max_tokens": want}),
        )

    def _take(self, completion: Completion) -> bool:
        """Write down a completion; whether the teacher has ended its turn with it.

        It has not where a fence stopped it: that stands in its tokens.  A server may leave the
        stop string out; where a block is open only the fence can have stopped it.
        """
        transcript, tokens, written = self._transcript, self._kit.tokens, completion.token_ids
        transcript.write(written)
        if completion.finish_reason != "stop":
            return False
        if not written or not tokens.decode(written[-1:]):
            return True
        text = transcript.text
        if text[-1:] == "\n" and text.rstrip().endswith(CLOSE.rstrip()):
            return False
        thought, closed = transcript.thought()
        stretch = text[len(thought) :] if closed else thought
        if _fence_open(stretch, opened=self._in_block and not closed):
            transcript.write(tokens.encode(CLOSE))
            return False
        return True

    async def _answered(self, *, ended: bool) -> bool:
        """Whether somebody else has written since: a hint, or the interpreter."""
        thought, closed = self._transcript.thought()
        found = blocks(thought, opened=self._in_block, ended=ended or closed)
        block = next((block for block in found if block.runs), None)
        whole = "\n" if ended or closed else ""
        flag = self._flagged(thought[: block.start] if block else thought + whole)
        if flag is not None:
            self._turn(*flag)
        elif block is not None and block.closed:
            await self._run(block)
        else:
            return False
        return True

    def _flagged(self, prose: str) -> _Flag | None:
        """The first passage of the stretch that calls for a hint."""
        recipe, output = self._recipe, self._output
        if not self._may_hint():
            return None
        places: dict[HintKind, int | None] = {}
        if recipe.distrust is not None and output is not None:
            places["distrust"] = recipe.distrust.find(prose, output)
        if recipe.delayed is not None:
            places["delayed"], self._looked = recipe.delayed.scan(prose, self._looked)
        flags = [_Flag(at, kind) for kind, at in places.items() if at is not None]
        return min(flags, key=lambda flag: flag.at, default=None)

    def _turn(self, at: int, kind: HintKind) -> None:
        """Cut the stretch back to where a passage begins, and put a hint there."""
        transcript, before = self._transcript, len(self._transcript.ids)
        transcript.cut(len(transcript.text[:at].rstrip(" \t")))
        self._cut_tokens += before - len(transcript.ids)
        transcript.part(("think", None))
        hint = self._recipe.delayed_hint if kind == "delayed" else self._recipe.distrust_hint
        self._hint(kind, hint)

    def _hint(self, kind: HintKind, hint: str) -> None:
        text = hint if self._transcript.at_line_start() else f"\n{hint}"
        self._transcript.insert("hint", f"{text}\n", trainable=self._recipe.hints_trainable)
        self._hints[kind] += 1
        self._in_block = opens(f"{hint}\n")
        self._output, self._looked = None, 0

    async def _run(self, block: Block) -> None:
        """Run a block and show what came of it; what the teacher wrote behind it is cut off."""
        transcript = self._transcript
        transcript.cut(block.end)
        transcript.part(*_parts(transcript.text, opened=self._in_block))
        printed = await self._python.run(block.code)
        line_end = "" if transcript.at_line_start() else "\n"
        transcript.insert("output", f"{line_end}{output_block(printed)}")
        self._in_block = False
        self._output, self._looked = printed, 0

    def _ran_out(self, reason: str) -> Drop:
        where = "in the answer" if self._transcript.thought()[1] else "in the thought"
        if _in_block(self._transcript.thought()[0], opened=self._in_block):
            where = "in a block"
        written = f"{self._kit.completion_tokens} tokens in {self._kit.requests} requests"
        return self._kit.drop(reason, f"stopped {where} after {written}")


def _fence_open(text: str, *, opened: bool) -> bool:
    """Whether a text ends inside a block of any language."""
    *_, last = [None, *blocks(text, opened=opened)]
    return last is not None and not last.closed


def _in_block(text: str, *, opened: bool) -> bool:
    """Whether a text ends inside a Python block."""
    *_, last = [None, *blocks(text, opened=opened, ended=False)]
    return last is not None and last.runs and not last.closed


def _parts(text: str, *, opened: bool) -> list[tuple[SegmentKind, int | None]]:
    """Where the prose of a stretch ends and its code ends; the last part has no end."""
    parts: list[tuple[SegmentKind, int | None]] = [("think", None)]
    for block in blocks(text, opened=opened):
        if block.runs:
            parts[-1] = (parts[-1][0], block.start)
            parts += [("code", block.end), ("think", None)]
    if len(parts) > 1 and parts[-2][1] == len(text):
        parts[-2:] = [("code", None)]
    return parts

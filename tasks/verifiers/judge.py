"""A teacher as judge, for what no rule could decide: several votes, a majority of all of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from thoughtmill.schemas.errors import PromptTooLong, TeacherError
from thoughtmill.schemas.ids import content_hash, seed_of
from thoughtmill.schemas.teachers import Sampling
from thoughtmill.tasks.answers.extract import find_answer, visible
from thoughtmill.tasks.teachers.signature import signed
from thoughtmill.tasks.text.prompts import Prompt
from thoughtmill.tasks.verifiers.remote import Helpers, RemoteVerifier
from thoughtmill.tasks.verifiers.verifier import Claim, ClaimKind, Evidence, Opinion

_PROMPT = (Path(__file__).parent / "prompts" / "judge.txt").read_text().rstrip("\n")
_VOTE = re.compile(r"\bVERDICT\W{0,6}(CORRECT|INCORRECT|UNSURE)\b", re.IGNORECASE)
_TAIL_CHARS = 2_000
_CUT_OFF = "CUT_OFF"


class Judge(RemoteVerifier):
    """Whether the answer means the same as the gold one, by vote; the score is the share for it.

    It sees the problem, the gold answer and the final answer; the reasoning would sway it.
    """

    version: ClassVar[int] = 2
    kinds: ClassVar[frozenset[ClaimKind]] = frozenset({"plain", "choice"})
    rank: ClassVar[int] = 40
    kind: Literal["judge"] = "judge"
    votes: int = Field(default=3, gt=0)
    """Replies asked for; more than half of them must agree."""
    prompt: Prompt = _PROMPT
    """Text with `{problem}`, `{gold}` and `{answer}`; ends by asking for `VERDICT: …`."""
    sampling: Sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=2048)
    """Sampling of a vote."""
    max_problem_chars: int = Field(default=8_000, gt=0)
    """Problems are cut to this length."""

    def evidence(self, claim: Claim) -> Evidence:
        found = find_answer(claim.response)
        answer = found.text
        if found.how in ("math", "number", "phrase", "none"):
            # Nothing marks it for sure: let the judge read the end for itself.
            answer = (visible(claim.response) or "").strip() or None
        return Evidence(claim.gold, answer and answer[-_TAIL_CHARS:], claim.problem)

    def signed(self, helpers: Helpers) -> str:
        return signed(self.name, helpers.teacher.identity) if helpers.teacher else self.name

    async def ask(self, evidence: Evidence, helpers: Helpers) -> Opinion:
        teacher = helpers.teacher
        if teacher is None:
            return Opinion("undecided", "no_teacher")
        if not evidence.answer:
            return Opinion("incorrect", "no_answer")
        messages = [{"role": "user", "content": self._filled(evidence)}]
        seed = content_hash("judge", self.name, *evidence)

        async def vote(number: int) -> str | None:
            assert teacher is not None
            reply = await teacher.chat(messages, self.sampling, seed=seed_of(seed, number))
            if reply.finish_reason != "stop":
                return _CUT_OFF  # it might have gone on to say the opposite
            found = _VOTE.findall(visible(reply.text) or "")
            return found[-1].upper() if found else None

        try:
            votes = await asyncio.gather(*(vote(number) for number in range(self.votes)))
        except PromptTooLong:
            return Opinion("undecided", "prompt_too_long")
        except TeacherError:
            return Opinion("undecided", "teacher_error")
        return _counted(votes)

    def _filled(self, evidence: Evidence) -> str:
        """The prompt with its blanks filled; a blank inside a filling stays as it is."""
        fillings = {
            "problem": evidence.context[: self.max_problem_chars],
            "gold": evidence.gold or "",
            "answer": evidence.answer or "",
        }
        return re.sub(
            r"\{(problem|gold|answer)\}",
            lambda m: fillings[m[1]].replace("</", "< /"),
            self.prompt,
        )


def _counted(votes: list[str | None]) -> Opinion:
    """The opinion of a majority of all votes, those that say nothing or were cut off
    included."""
    correct, incorrect = votes.count("CORRECT"), votes.count("INCORRECT")
    share = correct / len(votes)
    if 2 * correct > len(votes):
        return Opinion("correct", "majority", share)
    if 2 * incorrect > len(votes):
        return Opinion("incorrect", "majority", share)
    if votes.count(_CUT_OFF) == len(votes):
        return Opinion("undecided", "cut_off")
    if votes.count(None) + votes.count(_CUT_OFF) == len(votes):
        return Opinion("undecided", "no_vote")
    return Opinion("undecided", "split_vote", share)

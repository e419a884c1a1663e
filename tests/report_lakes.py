"""A lake with something in every part of a report: two runs, code, verdicts, objections, and texts
that would break a page that trusts them."""

from __future__ import annotations

from pathlib import Path

from tests.lakes import RECIPE, TEACHER, committer, draws_shard, drop, item, land_items, settings_of
from tests.lakes import trace as plain
from thoughtmill.schemas.arrow import to_table
from thoughtmill.schemas.ids import trace_id
from thoughtmill.schemas.rows import Exclusion, Outcome, Segment, Trace, Verdict
from thoughtmill.schemas.settings import LakeSettings
from thoughtmill.warehouse.lake import Lake
from thoughtmill.warehouse.runs import begin_run, end_run

HOSTILE = (
    "</script><script>document.title='owned'</script>"
    "<img src=http://203.0.113.9/x onerror=alert(1)>"
    "<!-- {{ 7 * 7 }} \u2028 &lt;b&gt; \x00"
)
ITEMS, DRAWS = 20, 4


def problem(number: int):
    return item(
        number,
        kind="problem",
        source="problems",
        text=f"{HOSTILE if number == 0 else 'Add.'} {number} + {number} = ?",
        reference=str(2 * number),
        domain=HOSTILE if number == 1 else ("sums" if number % 3 else "products"),
        meta={"level": str(number % 5 + 1)},
    )


def draw(number: int, which: int, *, run_id: str) -> Trace:
    """One draw of a problem: a thought with a hint, code and its output, and an answer."""
    made = plain(number, run_id=run_id)
    whole = problem(number)
    right = str(2 * number) if solved(number, which) else "7"
    thought = f"Adding {number} to itself is quick. " * (1 + (7 * number + 3 * which) % 19)
    prompt = "Solve the problem and show your work. " * 40 + whole.text
    parts = [("prompt", prompt), ("think", HOSTILE if number == 0 else thought)]
    if which % 2:
        parts += [
            ("hint", "This is tedious by hand; let me use Python.\n```python\n"),
            ("code", f"total = {number} + {number}\nif total < 100:\n    print(total)\n"),
            ("output", f"{right}\n"),
            ("think", "That settles it."),
        ]
    if (number, which) == (2, 0):
        parts[1] = ("think", "A long thought. " * 2000)
    parts.append(("answer", right))
    segments = tuple(
        Segment(
            kind=kind,
            text=text,
            token_ids=tuple(range(1 + len(text) // 4)),
            trainable=kind not in ("prompt", "hint", "output"),
        )
        for kind, text in parts
    )
    written = sum(len(s.token_ids) for s in segments if s.trainable)
    provenance = made.provenance.model_copy(
        update={
            "recipe": "code_integrated" if which % 2 else "solve",
            "completion_tokens": written,
            "prompt_tokens": 400,
            "started_at": 1_800_000_000.0 + (40_000 if run_id == "second" else 0) + number + which,
            "seconds": 1.0 + number % 4,
        }
    )
    return made.model_copy(
        update={
            "trace_id": trace_id(whole.item_id, RECIPE, TEACHER, which),
            "item_id": whole.item_id,
            "draw": which,
            "segments": segments,
            "answer": right,
            "provenance": provenance,
        }
    )


def solved(number: int, which: int) -> bool:
    """Whether a draw is right: always at level 1, never at level 5."""
    return which >= number % 5


def show_lake(folder: Path) -> LakeSettings:
    """The lake; runs `first` and `second` are named `sums`."""
    settings = settings_of(folder)
    with Lake.create(settings) as lake:
        land_items(lake, [problem(n) for n in range(ITEMS)], source="problems")
        for run_id, share in (("first", range(12)), ("second", range(12, ITEMS))):
            config = '{"teacher": {"model": "pico", "gpus_per_engine": 1}}'
            begin_run(lake, run_id, name="sums", stage="synthesize", config=config)
            landing = committer(lake, run_id)
            rows = [draw(n, which, run_id=run_id) for n in share for which in range(DRAWS)]
            landing.commit(draws_shard(settings, rows, range(len(rows))))
            lost = [drop(n, which, run_id=run_id) for n in share[:2] for which in (8, 9)]
            landing.commit(draws_shard(settings, lost, range(50, 50 + len(lost))))
            summary: dict[str, object] = {"pending": 3 if run_id == "second" else 9}
            end_run(lake, run_id, stage="synthesize", state="done", summary=summary)
        every = [(n, which) for n in range(ITEMS) for which in range(DRAWS)]
        ids = {pair: draw(*pair, run_id="first").trace_id for pair in every}
        verdicts = [
            Verdict(
                trace_id=ids[n, which],
                verifier="exact@2",
                outcome=_outcome(n, which),
                reason="compared",
            )
            for n, which in every
            if n != 19
        ]
        objected = [("near_duplicate@1", n) for n in range(0, ITEMS, 2)]
        objected += [("repetition@1", n) for n in range(0, 6, 3)]
        exclusions = [
            Exclusion(trace_id=ids[n, 0], screen=screen, reason="repeated")
            for screen, n in objected
        ]
        for name, rows in (("verdicts", verdicts), ("exclusions", exclusions)):
            lake.connection.register("rows", to_table(name, rows))
            lake.connection.execute(f"INSERT INTO {name} FROM rows")
    return settings


def _outcome(number: int, which: int) -> Outcome:
    if number == 18:
        return "undecided"
    return "correct" if solved(number, which) else "incorrect"

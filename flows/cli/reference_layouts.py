"""The page on published layouts, from the table that `preset:` reads."""

from __future__ import annotations

import yaml

from thoughtmill.tasks.sources.preset import Preset
from thoughtmill.tasks.sources.presets import PRESETS

_HEAD = """# Published layouts

`preset: NAME` on a source (`jsonl`, `json`, `csv`, `parquet`, `huggingface`) sets `item_kind` and
`fields` to a row of this table; `fields` given beside it stand. `thoughtmill inspect FILE` looks at
a file, says which preset fits and prints the config that reads it.

A worked solution is kept in the item's `meta.solution`, a thought in `meta.thought`, a published
reply in `meta.reply`, several accepted golds in `meta.golds`. Rows that ask more than once
(conversations of several user turns) are left out as `several_turns`.

A layout without a row is read by `fields`: a path reaches into objects, lists and JSON text
(`reward_model.ground_truth`, `prompt.0.content`, `messages.user`), a list of columns takes the
first that has a value, `"{a}\\n\\n{b}"` builds a text from two.
"""


def layouts_page() -> str:
    """The page as Markdown."""
    rows = [f"| `{name}` | {preset.about} | {preset.seen} |" for name, preset in PRESETS.items()]
    table = "\n".join(["| preset | layout | looked up in |", "| --- | --- | --- |", *rows])
    parts = (_section(name, preset) for name, preset in PRESETS.items())
    return "\n".join([_HEAD, table, "", *parts])


def _section(name: str, preset: Preset) -> str:
    fields = preset.fields.model_dump(mode="json", exclude_unset=True)
    shown = yaml.safe_dump({"item_kind": preset.item_kind, "fields": fields}, sort_keys=False)
    needs = ", ".join(f"`{column}`" for column in preset.needs)
    return f"## {name}\n\nRecognised by {needs}.\n\n```yaml\n{shown}```\n"

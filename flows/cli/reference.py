"""The reference, generated from what is declared: kinds and their keys, the lake, the commands.

`make reference` writes `docs/reference/` and the JSON Schema of the run config; a test fails where
they are stale.  `thoughtmill kinds` prints the same pages of single kinds.
"""

from __future__ import annotations

import tempfile
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import orjson
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from thoughtmill.flows.cli.reference_layouts import layouts_page
from thoughtmill.flows.config import RunConfig
from thoughtmill.schemas.arrow import MODELS, SCHEMAS
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import Sampling, TeacherConfig
from thoughtmill.tasks.curation.stage import CurateSettings
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.labels import AnyLabeller
from thoughtmill.tasks.recipes import AnyRecipe
from thoughtmill.tasks.scores import AnyReviewScorer
from thoughtmill.tasks.screens import AnyScreen
from thoughtmill.tasks.sources import AnySource, Fields
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.tasks.verifiers import AnyVerifier
from thoughtmill.warehouse.export.settings import ExportSettings
from thoughtmill.warehouse.lake import Lake, views
from thoughtmill.warehouse.layouts import AnyLayout

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
SCHEMA = Path(__file__).resolve().parents[2] / "configs" / "schema" / "run.json"
FAMILIES: dict[str, tuple[Any, str]] = {
    "source": (AnySource, "Where items come from: an entry of `sources`."),
    "recipe": (AnyRecipe, "How a teacher turns an item into traces: `recipe`."),
    "teacher": (TeacherConfig, "The model: `teacher`, or `verify.teacher`."),
    "verifier": (AnyVerifier, "A tier of a cascade: an entry of `verify.cascade.tiers`."),
    "scorer": (AnyReviewScorer, "A number about a trace: an entry of `scores` or `verify.scores`."),
    "labeller": (AnyLabeller, "What the stretches of a trace are: an entry of `verify.labels`."),
    "screen": (AnyScreen, "An objection to a trace: an entry of `curate.screens`."),
    "layout": (AnyLayout, "How a published row is laid out: `publish.layout`."),
}
"""The discriminated unions that a config chooses from, by the word for one of their members."""
_SECTIONS: dict[str, type[BaseModel]] = {
    "sources[].fields": Fields,
    "recipe.sampling": Sampling,
    "engine": EngineSettings,
    "lake": LakeSettings,
    "verify": VerifySettings,
    "grade": GradeSettings,
    "curate": CurateSettings,
    "publish": ExportSettings,
}


def members(family: str) -> dict[str, type[BaseModel]]:
    """The models of a family by their `kind`."""
    union, *_ = get_args(FAMILIES[family][0])
    models = get_args(union) or (union,)
    return {model.model_fields["kind"].default: model for model in models}


def kinds(name: str | None) -> str:
    """All kinds by family, or the keys of one.  Raises `ConfigError` for an unknown kind."""
    if name is None:
        return "\n".join(f"{family}: {', '.join(members(family))}" for family in FAMILIES)
    pages = [
        _model(f"{family} `{name}`", members(family)[name])
        for family in FAMILIES
        if name in members(family)
    ]
    if not pages:
        raise ConfigError(f"kinds: there is no {name!r}; there is\n{kinds(None)}")
    return "\n".join(pages)


def pages() -> dict[str, str]:
    """The generated pages by file name."""
    return {
        "config.md": _config(),
        "lake.md": _lake(),
        "commands.md": _commands(),
        "layouts.md": layouts_page(),
    }


def schema() -> str:
    """The JSON Schema of a run config, for editors that complete YAML."""
    made = RunConfig.model_json_schema()
    for key in ("lake", "teacher"):  # both may be a string: a folder, a model or a YAML file
        declared = made["properties"][key]
        made["properties"][key] = {
            "anyOf": [declared, {"type": "string"}, {"$ref": "#/$defs/AnyTeacher"}]
            if key == "teacher"
            else [{k: v for k, v in declared.items() if k == "$ref"}, {"type": "string"}],
            "description": declared.get("description", ""),
        }
    made["$defs"]["AnyTeacher"] = {"type": "object", "required": ["kind"]}
    return orjson.dumps(made, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def write() -> None:
    """Write the pages and the schema."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(schema())


def _config() -> str:
    parts = [
        "# Run configs\n\nEvery key of a run config. Unknown keys are errors. "
        "Generated by `make reference`.\n",
        _model("The config", RunConfig),
    ]
    parts += [_model(f"Section `{name}`", model) for name, model in _SECTIONS.items()]
    for family, (_, what) in FAMILIES.items():
        parts.append(f"# Kinds of {family}\n\n{what}\n")
        parts += [_model(f"{family} `{kind}`", model) for kind, model in members(family).items()]
    return "\n".join(parts)


def _model(title: str, model: type[BaseModel]) -> str:
    """A model as a heading, its docstring and a table of its keys."""
    doc = " ".join((model.__doc__ or "").split())
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = " ".join((field.description or "").split())
        cells = (f"`{name}`", f"{_type(field.annotation)}", f"`{_default(field)}`", meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return f"## {title}\n\n{doc}\n\n" + "\n".join(rows) + "\n"


def _type(annotation: Any) -> str:
    """A type as a person writes it: a family's word for its union, `list of` for a tuple."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return "null" if annotation is NoneType else str(getattr(annotation, "__name__", "any"))
        case typing.Annotated:
            return _type(arguments[0])
        case typing.Literal:
            return " or ".join(map(str, arguments))
        case types.UnionType | typing.Union:
            for family in FAMILIES:
                if set(arguments) <= set(members(family).values()):
                    return family
            return " or ".join(map(_type, arguments))
        case origin if origin in (tuple, list):
            return f"list of {_type(arguments[0])}"
        case _:
            return "mapping"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return f"{{kind: {value.kind}}}" if hasattr(value, "kind") else "see its section"
    if isinstance(value, tuple) and any(isinstance(one, BaseModel) for one in value):
        return ", ".join(str(getattr(one, "kind", type(one).__name__)) for one in value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _lake() -> str:
    parts = [
        "# The lake\n\nTables, and the public views over them. Generated by `make reference`.\n"
    ]
    for name, row in MODELS.items():
        types = {field.name: str(field.type) for field in SCHEMAS[name]}
        doc = " ".join((row.__doc__ or "").split())
        parts.append(f"## Table `{name}`\n\n{doc}\n")
        parts.append(
            _columns((n, types[n], f.description or "") for n, f in row.model_fields.items())
        )
    with tempfile.TemporaryDirectory() as folder:
        settings = LakeSettings.model_validate(folder)
        with Lake.create(settings) as lake:
            for name, text in sorted(views().items()):
                lines = (line for line in text.splitlines() if line.startswith("--"))
                doc = " ".join(" ".join(line.lstrip("- ") for line in lines).split())
                described = lake.connection.execute(f"DESCRIBE {name}").fetchall()
                parts.append(f"## View `{name}`\n\n{doc}\n")
                parts.append(_columns((row[0], row[1], "") for row in described))
    return "\n".join(parts)


def _columns(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = ["| column | type | meaning |", "| --- | --- | --- |"]
    for name, kind, meaning in rows:
        shown = kind if len(kind) <= 60 else f"{kind[:57]}..."
        lines.append(f"| `{name}` | `{shown}` | {' '.join(meaning.split())} |")
    return "\n".join(lines) + "\n"


def _commands() -> str:
    from thoughtmill.flows.cli.main import app

    parts = ["# Commands\n\n`thoughtmill COMMAND --help` prints the same.\n"]
    group: Any = typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        parts.append(f"## `thoughtmill {name}`\n\n{(command.help or '').strip()}\n")
        lines = ["| argument | meaning |", "| --- | --- |"]
        for parameter in command.params:
            lines.append(f"| `{parameter.opts[0]}` | {getattr(parameter, 'help', '') or ''} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    write()

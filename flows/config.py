"""The run config: one YAML, one model.  Unknown keys are errors that name their path."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from thoughtmill.flows.explain import explain
from thoughtmill.schemas.base import Frozen
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.settings import EngineSettings, LakeSettings
from thoughtmill.schemas.teachers import TeacherConfig
from thoughtmill.tasks.curation.stage import CurateSettings
from thoughtmill.tasks.grading.settings import GradeSettings
from thoughtmill.tasks.recipes import AnyRecipe
from thoughtmill.tasks.sandbox import BubblewrapSandbox, SandboxConfig, launch
from thoughtmill.tasks.scores import AnyScorer, Repetition, RequestTalk
from thoughtmill.tasks.sources import AnySource
from thoughtmill.tasks.teachers import check, format_named
from thoughtmill.tasks.teachers.formats import require_fit
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.verification.settings import VerifySettings
from thoughtmill.warehouse.export.settings import ExportSettings

_GOOD_GOLD = "item_id NOT IN (SELECT item_id FROM gold_problems)"


class RunConfig(Frozen):
    """A run of the whole line: sources, recipe, teacher, and what is published."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name of the run: lower-case letters, digits and dashes."""
    lake: LakeSettings
    """A folder, or `{catalog: ..., data: ...}`."""
    sources: tuple[AnySource, ...] = Field(min_length=1)
    """Where items come from."""
    items: str = "true"
    """SQL predicate over the columns of `items`: which of the sources' items to work on."""
    recipe: AnyRecipe
    """How the teacher turns an item into traces."""
    teacher: tuple[TeacherConfig, ...] = Field(min_length=1)
    """The model, or a list of models from weak to strong.

    A string is the path of a YAML file, or a model for vLLM: a Hugging Face id or a folder.
    """
    draws: int = Field(default=1, gt=0)
    """Traces asked for per item."""
    grade: GradeSettings | None = None
    """Draw each item until its band of difficulty is settled, instead of a fixed number `draws`."""
    redo: tuple[str, ...] = ()
    """Drop reasons that are tried again when the run is repeated, such as `teacher_error`."""
    scores: tuple[AnyScorer, ...] = (Repetition(), RequestTalk())
    """Scores taken of every trace."""
    engine: EngineSettings = EngineSettings()
    """How items are fed to the teacher."""
    check_gold: bool = False
    """Run each item's verifiers on its own gold answer first: what fails is in `gold_problems`."""
    skip_bad_gold: bool = False
    """Draw nothing for items whose gold answer was checked and not accepted."""
    verify: VerifySettings | None = None
    """How traces are judged, scored and labelled after they are drawn; not at all where null."""
    curate: CurateSettings | None = None
    """Which traces are screened, and by what; no screen where null."""
    publish: ExportSettings | None = None
    """What is exported at the end; nothing where null.

    Without `where` or `query` it is what this config asks for and no other run's work: the draws of
    its recipe with its teachers, for the items of its sources that fit `items`.
    """
    report: Path | None = None
    """HTML file for the report on all runs of this name, written at the end; none where null."""

    sandbox: SandboxConfig = BubblewrapSandbox()
    """Where model-written code runs; `unsafe-process` must be asked for by name."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the sources, as the lake has them."""
        return tuple(source.counted_as for source in self.sources)

    @property
    def needs_sandbox(self) -> bool:
        """Whether the recipe or a verifier runs model-written code."""
        return self.recipe.needs_sandbox or bool(self.verify and self.verify.needs_sandbox)

    @property
    def wanted_items(self) -> str:
        """Which items to draw for: `items`, without those of a bad gold answer where asked."""
        return f"({self.items}) AND {_GOOD_GOLD}" if self.skip_bad_gold else self.items

    @field_validator("grade")
    @classmethod
    def _one_number_of_draws(
        cls, value: GradeSettings | None, info: ValidationInfo
    ) -> GradeSettings | None:
        if value is not None and info.data.get("draws", 1) != 1:
            raise ValueError("`grade.k` is the most draws an item; remove `draws`")
        return value

    @field_validator("teacher", mode="before")
    @classmethod
    def _teacher_files(cls, value: Any) -> Any:
        several = value if isinstance(value, list | tuple) else [value]
        return [_teacher(one) if isinstance(one, str) else one for one in several]


def _teacher(text: str) -> dict[str, Any]:
    """The teacher that a string in a config names: a YAML file, else a model for vLLM."""
    if text.endswith((".yaml", ".yml")):
        return read_yaml(Path(text))
    return {"kind": "vllm", "model": text}


def load_config(
    path: Path, overrides: Iterable[str] = (), *, limit: int | None = None
) -> RunConfig:
    """Read a run config, apply `key.path=value` overrides, and cap every source at `limit` items.

    Raises `ConfigError` with the file, the path of the bad key and what to change.
    """
    values = read_yaml(path)
    if "components" in values and "sources" not in values:
        raise ConfigError(f"{path} is a mix: `thoughtmill mix {path}` draws it")
    for text in overrides:
        override(values, text)
    config = parse_config(values, str(path))
    if limit is None:
        return config
    if limit < 1:
        raise ConfigError(f"limit: must be at least 1, not {limit}")
    capped = (
        source.model_copy(update={"limit": min(limit, source.limit or limit)})
        for source in config.sources
    )
    return config.model_copy(update={"sources": tuple(capped)})


def preflight(config: RunConfig) -> None:
    """Find out what can't work before anything starts.  Raises `ConfigError`."""
    for number, source in enumerate(config.sources):
        try:
            source.parts()
        except ConfigError as exc:
            raise ConfigError(f"sources.{number}.{exc}") from exc
    for teacher in config.teacher:
        check(teacher)
        identify(teacher)
        if config.recipe.puts_code_in:
            form = format_named(teacher)
            require_fit(form, config.recipe.kind, puts_code_in=config.recipe.puts_code_in)
    if config.verify is not None:
        config.verify.require_teacher()
        if config.verify.needs_teacher and config.verify.teacher is not None:
            check(config.verify.teacher)
            identify(config.verify.teacher)
    if config.curate is not None:
        config.curate.lanes()
    if config.needs_sandbox:
        launch.require(config.sandbox)
    if config.publish is not None:
        require_room(config.publish)


def require_room(settings: ExportSettings) -> None:
    """Raise `ConfigError` where an export can't be made in its folder."""
    from thoughtmill.warehouse.export.export import require_free

    folder = Path(settings.folder)
    try:
        require_free(folder)
        above = next(parent for parent in folder.absolute().parents if parent.exists())
    except OSError as exc:
        raise ConfigError(f"publish.folder: {folder}: {exc.strerror}") from exc
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"publish.folder: {above} can't be written: choose another folder")


def parse_config(values: Mapping[str, Any], where: str) -> RunConfig:
    """Validate a config that has been read; `where` names it in errors."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as exc:
        raise ConfigError(f"{where}: {explain(exc, values)}") from exc


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; `ConfigError` for anything else."""
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as exc:
        raise ConfigError(
            f"{path}: {exc.strerror}; name a config such as configs/runs/demo.yaml"
        ) from exc
    except (yaml.YAMLError, ValueError) as exc:  # a date that is none is a ValueError
        raise ConfigError(f"{path}: not YAML: {' '.join(str(exc).split())}") from exc
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a config is a mapping of keys to values")
    return values


def override(values: dict[str, Any], asked: str) -> None:
    """Set one `key.path=value` in a config that has been read."""
    path, sign, text = asked.partition("=")
    if not sign or not path:
        raise ConfigError(f"--set {asked!r}: write it as key.path=value")
    *parents, last = path.split(".")
    place: Any = values
    try:
        for name in parents:
            if isinstance(place, list):
                place = place[int(name)]
            else:
                if name == "teacher" and isinstance(place.get(name), str):
                    place[name] = _teacher(place[name])
                place = place.setdefault(name, {})
        place[int(last) if isinstance(place, list) else last] = _value(text)
    except (IndexError, ValueError, AttributeError, TypeError, yaml.YAMLError) as exc:
        raise ConfigError(f"--set {asked!r}: the config has no such place") from exc


def _value(text: str) -> Any:
    """The value of an override: YAML, or the text of a file that is written `@path`."""
    if not text.startswith("@"):
        return yaml.safe_load(text)
    try:
        return Path(text[1:]).read_text().rstrip("\n")
    except OSError as exc:
        raise ConfigError(f"--set: {text[1:]} can't be read: {exc.strerror}") from exc

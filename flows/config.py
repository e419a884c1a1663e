"""The run config: one YAML, one model.  Unknown keys are errors that name their path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from schemas.base import Frozen
from schemas.errors import ConfigError
from schemas.settings import EngineSettings, LakeSettings
from schemas.teachers import TeacherConfig
from tasks.curate import CurateSettings
from tasks.grading import GradeSettings
from tasks.recipes import AnyRecipe
from tasks.sandbox import BubblewrapSandbox, SandboxConfig, launch
from tasks.scores import AnyScorer, Repetition, RequestTalk
from tasks.sources import AnySource
from tasks.teachers import check
from tasks.teachers.identity import identify
from tasks.verify_settings import VerifySettings
from warehouse.export_settings import ExportSettings

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
    """The model, or a list of models from weak to strong; a string is the path of a YAML file."""
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
    """What is exported at the end; nothing where null."""
    report: Path | None = None
    """HTML file for the report on all runs of this name, written at the end; none where null."""

    sandbox: SandboxConfig = BubblewrapSandbox()
    """Where model-written code runs; `unsafe-process` must be asked for by name."""

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
        return [read_yaml(Path(one)) if isinstance(one, str) else one for one in several]


def load_config(
    path: Path, overrides: Iterable[str] = (), *, limit: int | None = None
) -> RunConfig:
    """Read a run config, apply `key.path=value` overrides, and cap every source at `limit` items.

    Raises `ConfigError` with the file, the path of the bad key and what to change.
    """
    values = read_yaml(path)
    for text in overrides:
        override(values, text)
    if limit is not None and isinstance(values.get("sources"), list):
        for source in values["sources"]:
            if isinstance(source, dict):
                source["limit"] = min(limit, source.get("limit") or limit)
    return parse_config(values, str(path))


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
    if config.verify is not None:
        config.verify.require_teacher()
        if config.verify.needs_teacher and config.verify.teacher is not None:
            check(config.verify.teacher)
            identify(config.verify.teacher)
    if config.curate is not None:
        config.curate.lanes()
    if config.needs_sandbox:
        launch.require(config.sandbox)


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
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
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
                if isinstance(place.get(name), str):
                    place[name] = read_yaml(Path(place[name]))
                place = place.setdefault(name, {})
        place[int(last) if isinstance(place, list) else last] = yaml.safe_load(text)
    except (IndexError, ValueError, AttributeError, TypeError, yaml.YAMLError) as exc:
        raise ConfigError(f"--set {asked!r}: the config has no such place") from exc


def explain(error: ValidationError, values: Mapping[str, Any]) -> str:
    """The first problem of `values` in one line: where, what, and what a misspelt key meant."""
    # A misspelt key comes before the key that is missing because of it.
    problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    written = list(_written(problem["loc"], values))
    path = ".".join(written)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        kind = next((part for part in problem["loc"][-2:-1] if part not in written), None)
        near = difflib.get_close_matches(str(problem["loc"][-1]), _all_keys(kind), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; remove it"
        return f"{path}: unknown key{hint}{more}"
    if problem["type"] == "missing":
        return f"{path}: missing; add it{more}"
    return f"{path}: {problem['msg'].removeprefix('Value error, ')}{more}"


def _written(loc: Iterable[str | int], values: object) -> Iterator[str]:
    """The parts of an error's place that the user wrote: neither kinds nor a list put round one."""
    kinds = {_default_kind(model) for model in _models()}
    place = values
    for part in loc:
        try:
            place = place[part]  # type: ignore[index]
        except (LookupError, TypeError):
            if part in kinds or (isinstance(part, int) and not isinstance(place, list)):
                continue
            place = None
        yield str(part)


def _all_keys(kind: object = None) -> list[str]:
    """Every key that any settings model knows, or those of one kind."""
    return sorted(
        {
            key
            for model in _models()
            if kind is None or _default_kind(model) == kind
            for key in model.model_fields
        }
    )


def _default_kind(model: type[Frozen]) -> object:
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def _models() -> list[type[Frozen]]:
    """Every settings model."""
    models: list[type[Frozen]] = [Frozen]
    for model in models:
        models.extend(model.__subclasses__())
    return models

"""What is wrong with a config, in one line: where, what, and what an unknown key meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from thoughtmill.schemas.base import Frozen

_DEPTH = 5
"""How deep the sections of a config lie in one another."""


def explain(error: ValidationError, values: Mapping[str, object]) -> str:
    """The first problem of `values`: its path, what it is, and what to change."""
    # A misspelt key comes before the key that is missing because of it.
    problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    path = ".".join(_written(problem["loc"], values))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"{path}: unknown key; {_advice(error.title, problem['loc'])}{more}"
    if problem["type"] == "missing":
        return f"{path}: missing; add it{more}"
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return f"{path}: {_kinds_there(problem)}{more}"
    return f"{path}: {_plain(problem)}{more}"


_WORDING = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "none_required": "must be left empty",
    "path_type": "must be a path",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "takes at most {max_length} of them",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "literal_error": "must be {expected}",
    "finite_number": "must be a finite number",
}
"""Our words for what pydantic finds, by its type of error."""


def _plain(problem: ErrorDetails) -> str:
    """A problem in our words, and what was given where that is short."""
    told = _WORDING.get(problem["type"])
    if told is None:
        return problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    short = isinstance(given, str | int | float) or given is None
    return told.format(**problem.get("ctx", {})) + (f", not {given!r}" if short else "")


def _kinds_there(problem: ErrorDetails) -> str:
    """What was meant by a kind that is not there, and the kinds that are."""
    context = problem.get("ctx", {})
    if problem["type"] == "union_tag_not_found":
        given = problem["input"]
        if not isinstance(given, Mapping):
            return f"must be a mapping with the key `kind`, not {given!r}"
        return "the key `kind` is missing: it says which sort of thing this is"
    known = [kind.strip().strip("'") for kind in str(context["expected_tags"]).split(",")]
    tag = str(context["tag"])
    near = difflib.get_close_matches(tag, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown kind {tag!r}; {meant}there are {', '.join(known)}"


def _written(loc: Iterable[str | int], values: object) -> Iterator[str]:
    """The parts of an error's place that the user wrote: neither kinds nor a list put round one."""
    kinds = {_kind(model) for model in _models()}
    place = values
    for part in loc:
        try:
            place = place[part]  # type: ignore[index]
        except (LookupError, TypeError):
            if part in kinds or (isinstance(part, int) and not isinstance(place, list)):
                continue
            place = None
        yield str(part)


def _advice(root: str, loc: Sequence[str | int]) -> str:
    """Where a key belongs that is right elsewhere, else the key most like it that is right here."""
    *place, last = loc
    key = str(last)
    top = [model for model in _models() if model.__name__ == root]
    if homes := _homes(top, key):
        return f"it belongs {' or '.join(homes[:2])}"
    known = {name for model in _reached(top, place) for name in model.model_fields}
    near = difflib.get_close_matches(key, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else "remove it"


def _reached(models: list[type[Frozen]], place: Iterable[str | int]) -> list[type[Frozen]]:
    """The models that an error's place leads to."""
    for part in place:
        of_kind = [model for model in models if _kind(model) == part]
        fields = [model.model_fields[str(part)] for model in models if part in model.model_fields]
        inner = [model for field in fields for model in _models_in(field.annotation)]
        models = of_kind or inner or models
    return models


def _homes(top: list[type[Frozen]], key: str) -> list[str]:
    """The uppermost sections that know a key, none for `kind`, which many do."""
    level = {"": top}
    for _ in range(_DEPTH if key != "kind" else 0):
        homes = []
        for path, models in level.items():
            kinds = [str(_kind(model)) for model in models if key in model.model_fields]
            of_kind = f" of kind {', '.join(kinds)}" if len(kinds) < len(models) else ""
            if kinds:
                homes.append(f"under {path}{of_kind}" if path else "at the top")
        if homes:
            return homes
        below: dict[str, list[type[Frozen]]] = {}
        for path, models in level.items():
            for model in models:
                for name, field in model.model_fields.items():
                    inner = _models_in(field.annotation)
                    below.setdefault(f"{path}.{name}".lstrip("."), []).extend(inner)
        level = below
    return []


def _models_in(annotation: object) -> list[type[Frozen]]:
    """The settings models that a field's type names."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _kind(model: type[Frozen]) -> object:
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def _models() -> list[type[Frozen]]:
    """Every settings model."""
    models: list[type[Frozen]] = [Frozen]
    for model in models:
        models.extend(model.__subclasses__())
    return models

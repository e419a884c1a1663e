"""`thoughtmill export`: settings from the command line, and what is said at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from thoughtmill.flows.explain import explain
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.warehouse.export.export import Export
from thoughtmill.warehouse.export.hub import push_to_hub
from thoughtmill.warehouse.export.settings import ExportSettings

_YAML = ("layout", "tokens")
"""Options that are a name or a mapping in YAML."""


def export_settings(asked: Mapping[str, Any]) -> ExportSettings:
    """The settings of an export; `ConfigError` names the option that is wrong."""
    values = dict(asked)
    for name in _YAML:
        if isinstance(values[name], str):
            try:
                values[name] = yaml.safe_load(values[name])
            except (yaml.YAMLError, ValueError) as exc:
                raise ConfigError(f"--{name} {asked[name]!r}: neither a name nor YAML") from exc
    try:
        return ExportSettings.model_validate(values)
    except ValidationError as exc:
        raise ConfigError(f"--{explain(exc, values)}") from exc


def print_published(result: Export, repo: str | None, *, private: bool) -> None:
    """Say where an export lies and how to load it; upload it where a dataset is named."""
    print(f"{result.rows:,} rows in {result.folder} (lake snapshot {result.snapshot})")
    if result.left_out:
        print(f"{result.left_out:,} rows left out: longer than a sequence")
    print(f"python -c \"import datasets; print(datasets.load_dataset('{result.folder}'))\"")
    if repo is not None:
        print(f"uploaded to {push_to_hub(result.folder, repo, private=private)}")

"""Settings of the lake and of the engine stage, shared by the flows and the work."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from thoughtmill.schemas.base import Frozen


class LakeSettings(Frozen):
    """Where a lake's catalog and its Parquet files lie.

    A plain string in a config is a folder: SQLite catalog and files below it.
    """

    catalog: str
    """`sqlite:PATH`, or `postgres:` and a libpq string; the password comes from the environment."""
    data: str
    """Folder or `s3://bucket/prefix` of the Parquet files."""

    @field_validator("catalog")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if not value.startswith(("sqlite:", "postgres:")):
            raise ValueError(f"{value!r} must begin with 'sqlite:' or 'postgres:'")
        return value

    @model_validator(mode="before")
    @classmethod
    def _from_folder(cls, value: Any) -> Any:
        if isinstance(value, str):
            folder = value.rstrip("/")
            return {"catalog": f"sqlite:{folder}/catalog.sqlite", "data": f"{folder}/data"}
        return value


class EngineSettings(Frozen):
    """How items are fed to the teachers, and how finished rows leave the workers."""

    workers: int = Field(default=1, gt=0)
    """Engines (vLLM replicas or endpoint clients) working side by side."""
    in_flight: int = Field(default=320, gt=0)
    """Items each worker keeps under way at once."""
    batch_size: int = Field(default=512, gt=0)
    """Most draws Ray Data hands to a worker at a time; many such micro-batches are open at once."""
    shard_rows: int = Field(default=1000, gt=0)
    """Finished draws that make a worker write a shard."""
    flush_seconds: float = Field(default=5.0, gt=0)
    """Longest time a finished draw waits in a worker's memory."""
    error_budget: float = Field(default=0.05, ge=0, le=1)
    """Share of the planned draws that may fail by error before the run stops."""
    item_timeout_s: float = Field(default=3600.0, gt=0)
    """Longest time for one draw, all its requests included."""
    restarts: int = Field(default=5, ge=0)
    """Times each worker may die and be replaced before the run fails."""
    ray_address: str | None = None
    """An existing Ray cluster; a local one is started where null and RAY_ADDRESS is not set."""

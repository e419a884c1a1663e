"""Uploading a published folder to Hugging Face: only ever on the user's word."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Protocol

from thoughtmill.schemas.errors import ConfigError, LakeError
from thoughtmill.warehouse.export.export import MARKER

TOKEN = "HF_TOKEN"
"""Environment variable of the key; it is passed on and written nowhere."""


class Hub(Protocol):
    """The part of `huggingface_hub.HfApi` that an upload needs."""

    def create_repo(
        self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool
    ) -> Any: ...

    def upload_folder(
        self, *, repo_id: str, folder_path: str, repo_type: str, commit_message: str
    ) -> Any: ...


def push_to_hub(folder: Path, repo: str, *, private: bool = True, hub: Hub | None = None) -> str:
    """Upload a finished export as the dataset `repo` (OWNER/NAME); returns its address.

    Raises `ConfigError` for a folder that is no finished export, a name that is none, and where the
    environment has no key; `LakeError` where the hub refuses.
    """
    if not (folder / MARKER).is_file():
        raise ConfigError(f"--push-to-hub: {folder} is no finished export: publish it first")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise ConfigError(f"--push-to-hub: {repo!r} is no dataset's name: write it as OWNER/NAME")
    from huggingface_hub.errors import HfHubHTTPError

    if hub is None:
        hub = _hub()
    try:
        hub.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repo,
            folder_path=str(folder),
            repo_type="dataset",
            commit_message="Published by Thoughtmill",
        )
    except (OSError, *HfHubHTTPError.__bases__) as exc:  # the network's errors are no OSError
        why = (str(exc).splitlines() or [type(exc).__name__])[0]
        raise LakeError(f"the hub refuses {repo}: {why}") from exc
    return f"https://huggingface.co/datasets/{repo}"


def _hub() -> Hub:
    if not os.environ.get(TOKEN):
        raise ConfigError(f"--push-to-hub: no key: set {TOKEN} to one that may write datasets")
    from huggingface_hub import HfApi

    api: Hub = HfApi(token=os.environ[TOKEN])
    return api

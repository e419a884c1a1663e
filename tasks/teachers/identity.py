"""Who a teacher is, told without starting it: name, revision, defaults, fingerprint.

The driver plans with this before any engine boots, so it must be cheap and must find a model that
does not exist.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import orjson
from pydantic import ValidationError

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.teachers import (
    EndpointTeacher,
    Sampling,
    ScriptedTeacher,
    TeacherConfig,
    VllmTeacher,
)
from thoughtmill.tasks.teachers.protocol import TeacherIdentity
from thoughtmill.tasks.teachers.tokens import hub_in_reach, tokenizer_version

_SAMPLED_BYTES = 1 << 20
_MODEL_FILES = (".safetensors", ".bin", ".json", ".jinja", ".model", ".txt", ".gguf")
_SAMPLING_FIELDS = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


def identify(config: TeacherConfig) -> TeacherIdentity:
    """The identity of a configured teacher.  Raises `ConfigError` for a model that is not there."""
    match config:
        case VllmTeacher():
            return _local(config) if Path(config.model).is_dir() else _on_hub(config)
        case EndpointTeacher():
            return TeacherIdentity(
                name=config.model,
                revision=config.revision,
                behaviour=_json(
                    extra_body=config.extra_body,
                    tokenizer=tokenizer_version(config.tokenizer) if config.tokenizer else None,
                    **_format(config),
                ),
                defaults=Sampling(),
            )
        case ScriptedTeacher():
            return TeacherIdentity(
                name=config.model,
                revision="",
                behaviour=_json(replies=config.replies, **_format(config)),
                defaults=Sampling(),
            )


def _local(config: VllmTeacher) -> TeacherIdentity:
    folder = Path(config.model)
    if not (folder / "config.json").is_file():
        raise ConfigError(f"teacher.model: {config.model!r} is a folder without a config.json")
    generation = folder / "generation_config.json"
    return TeacherIdentity(
        name=folder.resolve().name,
        revision=_content(folder),
        behaviour=_behaviour(config),
        defaults=_defaults(generation.read_bytes() if generation.is_file() else b"{}"),
    )


def _on_hub(config: VllmTeacher) -> TeacherIdentity:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    missing = (
        f"teacher.model: {config.model!r} is neither a folder here nor a model on the Hugging Face "
        "hub that can be reached"
    )
    try:
        file = hf_hub_download(
            config.model,
            "config.json",
            revision=config.revision,
            local_files_only=not hub_in_reach(),
        )
    except (HfHubHTTPError, OSError, ValueError) as exc:
        raise ConfigError(f"{missing}: check the name, HF_TOKEN and the network") from exc
    # Files of one commit lie in one snapshot folder, named after it.
    revision = Path(file).parent.name
    try:
        generation = Path(
            hf_hub_download(
                config.model,
                "generation_config.json",
                revision=config.revision,
                local_files_only=not hub_in_reach(),
            )
        ).read_bytes()
    except (EntryNotFoundError, HfHubHTTPError, OSError):
        generation = b"{}"
    return TeacherIdentity(
        name=config.model,
        revision=revision,
        behaviour=_behaviour(config),
        defaults=_defaults(generation),
    )


def _content(folder: Path) -> str:
    """Hash of a model folder: small files whole, large ones by size, first and last MiB."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(f for f in folder.iterdir() if f.suffix in _MODEL_FILES):
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}:".encode())
        with file.open("rb") as stream:
            if size <= 64 * _SAMPLED_BYTES:
                digest.update(stream.read())
            else:
                digest.update(stream.read(_SAMPLED_BYTES))
                stream.seek(-_SAMPLED_BYTES, 2)
                digest.update(stream.read(_SAMPLED_BYTES))
    return digest.hexdigest()


def _behaviour(config: VllmTeacher) -> str:
    return _json(
        dtype=config.dtype,
        quantization=config.quantization,
        tokenizer=tokenizer_version(config.tokenizer) if config.tokenizer else None,
        chat_template_args=config.chat_template_args,
        **_format(config),
    )


def _format(config: TeacherConfig) -> dict[str, str]:
    """The reasoning format where it is set; one that is found follows from the template."""
    asked = config.reasoning_format
    return {} if asked == "auto" else {"reasoning_format": asked}


def _defaults(generation_config: bytes) -> Sampling:
    values = json.loads(generation_config)
    try:
        return Sampling(**{k: values[k] for k in _SAMPLING_FIELDS if values.get(k) is not None})
    except ValidationError as exc:
        raise ConfigError(f"teacher.model: its generation_config.json is unusable: {exc}") from exc


def _json(**values: object) -> str:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()

"""What the in-process teacher does before any engine boots."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.tasks.teachers.conftest import PICO
from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.teachers import VllmTeacher
from thoughtmill.tasks.teachers.vllm import in_one_process, tokens_of

NOWHERE = "no-such-owner/no-such-model"
CODE = """
from transformers import PreTrainedTokenizerFast

class OwnTokenizer(PreTrainedTokenizerFast):
    def get_added_vocab(self):
        return {"<own>": 7}
"""


def test_tokens_when_they_are_not_the_models_then_its_revision_is_not_asked_for() -> None:
    with pytest.raises(ConfigError, match="at revision 'r1'"):
        tokens_of(VllmTeacher(model=NOWHERE, revision="r1"))
    with pytest.raises(ConfigError) as caught:
        tokens_of(VllmTeacher(model=PICO, tokenizer=NOWHERE, revision="r1"))
    assert "r1" not in str(caught.value)


def test_tokens_when_remote_code_is_trusted_then_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copy(f"{PICO}/tokenizer.json", folder)
    (folder / "own.py").write_text(CODE)
    settings = {"auto_map": {"AutoTokenizer": [None, "own.OwnTokenizer"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    model = VllmTeacher(model=PICO, tokenizer=str(folder), trust_remote_code=True)
    assert tokens_of(model).added_id("<own>") == 7


def test_engine_when_several_processes_are_asked_for_then_they_are_not_put_into_one() -> None:
    assert in_one_process(VllmTeacher(model=PICO, engine_args={"seed": 1}))
    assert not in_one_process(VllmTeacher(model=PICO, tensor_parallel_size=2))
    for argument in ("pipeline_parallel_size", "data_parallel_size"):
        assert not in_one_process(VllmTeacher(model=PICO, engine_args={argument: 2}))
    mp = {"distributed_executor_backend": "mp"}
    assert not in_one_process(VllmTeacher(model=PICO, engine_args=mp))

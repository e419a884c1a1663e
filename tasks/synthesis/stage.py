"""The engine stage: planned draws go through Ray Data to the workers, shards come back.

Ray Data streams the plan's Parquet files to an actor pool in micro-batches; the driver sees
manifests and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import ray
from ray.data import ActorPoolStrategy

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.manifest import Manifest
from thoughtmill.schemas.teachers import VllmTeacher
from thoughtmill.tasks.runtime.cluster import cluster_address
from thoughtmill.tasks.runtime.inbox import open_inbox
from thoughtmill.tasks.runtime.stream import Over, Stopping, manifests
from thoughtmill.tasks.synthesis.worker import Job, Worker

_AHEAD = 16
"""Draws that a worker may hold, by those it keeps under way."""
_SHARES = 4
"""Micro-batches that each worker gets of a short plan, so that none is without work."""


def stream_draws(
    job: Job, plan: str, pending: int, *, stopping: Stopping
) -> Iterator[Manifest | None]:
    """Run a plan of so many rows (URL of its Parquet folder); see `tasks.stream.manifests`."""
    inbox = open_inbox()
    engine = job.engine
    gpus = _gpus(job)
    # A micro-batch stays open until its last row is on disk, so there must be room for shards of
    # finished rows, and for many whose rest waits for a few slow draws, or the engine starves.
    held = min(_AHEAD * engine.in_flight + 2 * engine.shard_rows, pending)
    batch = min(engine.batch_size, -(-pending // (_SHARES * engine.workers)))
    calls = -(-held // batch)
    if not gpus and not cluster_address(engine.ray_address):
        _require_cores(engine.workers)

    def drive(over: Over) -> None:
        draws = ray.data.read_parquet(plan).repartition(target_num_rows_per_block=batch)
        settled = draws.map_batches(
            Worker,
            fn_constructor_args=(job, inbox),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                size=engine.workers,
                max_tasks_in_flight_per_actor=calls,
                max_concurrent_calls_per_actor=calls,
            ),
            num_cpus=0 if gpus else 1,
            num_gpus=gpus,
        )
        for _ in settled.iter_internal_ref_bundles():
            if over():
                break  # a stop must not walk through the rest of the plan

    return manifests(inbox, drive, stopping)


def _require_cores(workers: int) -> None:
    """Raise `ConfigError` where workers would leave no core to those who read the plan."""
    cores = int(ray.cluster_resources()["CPU"])
    if workers >= cores:
        raise ConfigError(
            f"engine.workers: {workers} workers would take all of Ray's {cores} CPUs, and one must "
            f"be left to read the plan: at most {cores - 1} here"
        )


def _gpus(job: Job) -> float:
    """GPUs that Ray sets aside for one worker."""
    if not isinstance(job.teacher, VllmTeacher):
        return 0
    if job.teacher.gpus_per_engine is not None:
        return job.teacher.gpus_per_engine
    from thoughtmill.tasks.teachers.vllm import cpu_build

    return 0 if cpu_build() else job.teacher.tensor_parallel_size

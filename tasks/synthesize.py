"""The engine stage: planned draws go through Ray Data to the workers, shards come back.

Ray Data streams the plan's Parquet files to an actor pool in micro-batches; the driver sees
manifests and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import ray
from ray.data import ActorPoolStrategy

from schemas.manifest import Manifest
from schemas.teachers import VllmTeacher
from tasks.inbox import Inbox
from tasks.stream import Stopping, manifests
from tasks.worker import Job, Worker


def stream_draws(job: Job, plan: str, *, stopping: Stopping) -> Iterator[Manifest | None]:
    """Run a plan (URL of a folder of Parquet files); see `tasks.stream.manifests`."""
    inbox = Inbox.remote()  # type: ignore[attr-defined]
    engine = job.engine
    gpus = _gpus(job)
    # A micro-batch stays open until its rows are on disk, so beyond what is in work there must be
    # room for a whole shard of finished rows, or the engine starves while they wait.
    calls = -(-(engine.in_flight + 2 * engine.shard_rows) // engine.batch_size)

    def drive() -> None:
        draws = ray.data.read_parquet(plan).repartition(target_num_rows_per_block=engine.batch_size)
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
            pass

    return manifests(inbox, drive, stopping)


def _gpus(job: Job) -> float:
    """GPUs that Ray sets aside for one worker."""
    if not isinstance(job.teacher, VllmTeacher):
        return 0
    if job.teacher.gpus_per_engine is not None:
        return job.teacher.gpus_per_engine
    from tasks.teachers.vllm import cpu_build

    return 0 if cpu_build() else job.teacher.tensor_parallel_size

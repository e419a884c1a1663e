"""The Ray session of a run: an existing cluster, or a quiet local one that ends with the run."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.data import DataContext

from thoughtmill.schemas.errors import ConfigError, RayNotStarted, in_one_line
from thoughtmill.tasks.runtime.environment import PRIVATE, QUIET
from thoughtmill.tasks.runtime.progress import phase, say

_OBJECT_STORE_BYTES = 512 << 20
_LEAST_CPUS = 4
_STARTS = 4
_PAUSE_S = 2.0
_sharing = False


@contextmanager
def one_ray() -> Iterator[None]:
    """Within it the stages share one Ray: the first that needs it starts it, and it ends here.

    Where there are GPUs each stage still ends its own: an engine's memory is free for the next one
    only when all processes of the stage are gone.
    """
    global _sharing
    if _sharing or ray.is_initialized():
        yield
        return
    _sharing = True
    try:
        yield
    finally:
        _sharing = False
        ray.shutdown()


@contextmanager
def ray_session(address: str | None) -> Iterator[None]:
    """Connect to the cluster at `address` or RAY_ADDRESS, or run a local Ray meanwhile.

    Raises `ConfigError` for a cluster that can't be reached.
    """
    if not ray.is_initialized():
        _start(address)
    elif not _sharing:  # somebody else's, who also ends it
        yield
        return
    ended = False
    try:
        yield
        ended = True
    finally:
        if not (_sharing and ended) or ray.cluster_resources().get("GPU"):
            ray.shutdown()


def cluster_address(address: str | None) -> str | None:
    """Where an existing cluster is: the setting, or else RAY_ADDRESS; null for a local Ray."""
    return address or os.environ.get("RAY_ADDRESS")


def _start(address: str | None) -> None:
    address = cluster_address(address)
    quiet = "RAY_DATA_DISABLE_PROGRESS_BARS" in os.environ
    common = {
        "logging_level": logging.ERROR,
        "log_to_driver": not quiet,
    }
    if address and address.startswith("ray://"):
        raise ConfigError(
            f"engine.ray_address: Ray Data can't work through Ray Client ({address}): run on a "
            "node of the cluster with RAY_ADDRESS=auto, or give HOST:6379"
        )
    before = signal.getsignal(signal.SIGTERM)
    if address:
        environment = {k: os.environ[k] for k in {**PRIVATE, **QUIET} if k in os.environ}
        try:
            with phase(f"connecting to Ray at {address}"), _muted(quiet):
                ray.init(address=address, runtime_env={"env_vars": environment}, **common)
        except (ConnectionError, RuntimeError, ValueError) as exc:
            raise ConfigError(
                f"Ray at {address} can't be reached: {in_one_line(exc)}; set engine.ray_address "
                "or RAY_ADDRESS (RAY_AUTH_MODE=token where it wants a token), or neither for a "
                "local Ray"
            ) from exc
    else:
        with phase("starting Ray"):
            _start_local(common, quiet)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)  # Ray has put its own in place: exit at once
    quiet_data()


def _start_local(common: dict[str, Any], quiet: bool) -> None:
    """Start a Ray of our own; Ray gives itself 30 s, which a busy machine may exceed."""
    for tries in range(1, _STARTS + 1):
        try:
            with _muted(quiet):
                # Its processes inherit the environment: a runtime_env costs 2 s for each actor.
                # Engines and readers share the cores; Ray's count only has to let both in.
                ray.init(
                    num_cpus=max(_LEAST_CPUS, os.cpu_count() or 1),
                    object_store_memory=_OBJECT_STORE_BYTES,
                    include_dashboard=False,
                    **common,
                )
            return
        except Exception as exc:  # Ray raises plain `Exception` when its node is late
            ray.shutdown()
            if tries == _STARTS:
                raise RayNotStarted(
                    f"Ray did not start on this machine in {_STARTS} attempts: {in_one_line(exc)}; "
                    "free some memory or processor time, then run the same command again"
                ) from exc
            say(f"Ray did not start ({in_one_line(exc)}); attempt {tries + 1} of {_STARTS}")
            time.sleep(tries * _PAUSE_S)


@contextmanager
def _muted(quiet: bool) -> Iterator[None]:
    """Standard error to nowhere: Ray's C++ core greets there before it reads its log level."""
    if not quiet:
        yield
        return
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def quiet_data() -> None:
    """Ray Data without progress bars and per-operator logs."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.enable_operator_progress_bars = False
    context.print_on_execution_start = False
    context.actor_init_retry_on_errors = False
    context.memory_usage_poll_interval_s = None  # a thread for each micro-batch under way
    # Ray Data ends an execution without a finished micro-batch for 30 minutes; one slow draw, or a
    # model that is being downloaded, is no such thing, and draws have a time limit of their own.
    context.execution_no_progress_timeout_s = -1
    logging.getLogger("ray.data").setLevel(logging.ERROR)

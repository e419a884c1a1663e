"""Environment variables of a quiet, private process; imports none of the libraries it quiets."""

from __future__ import annotations

import os

# Nothing phones home unless the user has said otherwise.
PRIVATE = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
QUIET = {
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_DEDUP_LOGS": "0",
    # After a session has ended, a late call must not start a second one.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    # Ray would run its workers at nice 15, and the engines below them.
    "RAY_worker_niceness": "0",
    "RAY_worker_maximum_startup_concurrency": "16",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


def default_environment(*, verbose: bool = False) -> None:
    """Set the variables above where the user has not; call before the libraries are imported."""
    for name, value in {**PRIVATE, **({} if verbose else QUIET)}.items():
        os.environ.setdefault(name, value)

"""Teachers: models behind one interface, one file a kind."""

from __future__ import annotations

from schemas.teachers import EndpointTeacher, ScriptedTeacher, TeacherConfig, VllmTeacher
from tasks.teachers.protocol import Teacher


def start(config: TeacherConfig) -> Teacher:
    """Bring a teacher up in this process.  Heavy libraries are imported only when needed."""
    match config:
        case VllmTeacher():
            from tasks.teachers.vllm import Vllm

            return Vllm(config)
        case EndpointTeacher():
            from tasks.teachers.endpoint import Endpoint

            return Endpoint(config)
        case ScriptedTeacher():
            from tasks.teachers.scripted import Scripted

            return Scripted(config)


def check(config: TeacherConfig) -> None:
    """Find out on the driver, before anything boots, whether a teacher can work at all.

    Raises `ConfigError` that says what to change.
    """
    match config:
        case VllmTeacher():
            from tasks.teachers.vllm import cpu_build

            cpu_build()
        case EndpointTeacher():
            import asyncio

            from tasks.teachers.endpoint import check_endpoint

            asyncio.run(check_endpoint(config))
        case ScriptedTeacher():
            pass

"""Teachers: models behind one interface, one file a kind."""

from __future__ import annotations

from thoughtmill.schemas.teachers import (
    EndpointTeacher,
    ScriptedTeacher,
    TeacherConfig,
    VllmTeacher,
)
from thoughtmill.tasks.teachers.formats import FORMATS, ReasoningFormat
from thoughtmill.tasks.teachers.protocol import Teacher


def start(config: TeacherConfig) -> Teacher:
    """Bring a teacher up in this process.  Heavy libraries are imported only when needed."""
    match config:
        case VllmTeacher():
            from thoughtmill.tasks.teachers.vllm import Vllm

            return Vllm(config)
        case EndpointTeacher():
            from thoughtmill.tasks.teachers.endpoint import Endpoint

            return Endpoint(config)
        case ScriptedTeacher():
            from thoughtmill.tasks.teachers.scripted import Scripted

            return Scripted(config)


def format_named(config: TeacherConfig) -> ReasoningFormat:
    """The reasoning format of a teacher, found without starting it.

    Raises `ConfigError` where its tokenizer is not to be had.
    """
    from thoughtmill.tasks.teachers.tokens import HfTokens, found_format

    asked = config.reasoning_format
    if asked != "auto":
        return FORMATS[asked]
    match config:
        case VllmTeacher():
            from thoughtmill.tasks.teachers.vllm import tokens_of

            return found_format(asked, tokens_of(config))
        case EndpointTeacher(tokenizer=str(name)):
            template_args = config.extra_body.get("chat_template_kwargs")
            return found_format(asked, HfTokens(name, chat_template_args=template_args))
        case _:
            return found_format(asked, None)


def check(config: TeacherConfig) -> None:
    """Find out on the driver, before anything boots, whether a teacher can work at all.

    Raises `ConfigError` that says what to change.
    """
    match config:
        case VllmTeacher():
            from thoughtmill.tasks.teachers.vllm import cpu_build

            cpu_build()
        case EndpointTeacher():
            import asyncio

            from thoughtmill.tasks.teachers.endpoint import check_endpoint

            asyncio.run(check_endpoint(config))
        case ScriptedTeacher():
            pass

"""Whose opinion it is: names of scores, verdicts and labels that a teacher was asked for."""

from __future__ import annotations

import orjson

from thoughtmill.tasks.teachers.protocol import TeacherIdentity

_REVISION_CHARS = 12


def signed(name: str, teacher: TeacherIdentity) -> str:
    """`kind@version` and its knobs, with the teacher among them: another would say otherwise."""
    base, _, knobs = name.partition("{")
    revision = teacher.revision[:_REVISION_CHARS]
    by = f"{teacher.name}@{revision}" if revision else teacher.name
    values = {**(orjson.loads("{" + knobs) if knobs else {}), "teacher": by}
    return base + orjson.dumps(values).decode()

"""Images into vLLM in process, with a tiny untrained vision model: what it reads, not writes."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import PIL.Image
import pytest

from tests.vision_model import IMAGE_SEQ_LEN, IMAGE_TOKEN, build
from thoughtmill.schemas.errors import PromptTooLong, TeacherError
from thoughtmill.schemas.teachers import Sampling, VllmTeacher
from thoughtmill.tasks.steps.images import ImageLimits, data_url
from thoughtmill.tasks.teachers.protocol import Completion, Message
from thoughtmill.tasks.teachers.tokens import HfTokens

SAMPLING = Sampling(temperature=0.0, max_tokens=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        from transformers.models.idefics3 import image_processing_pil_idefics3  # noqa: F401
    except ImportError as exc:
        pytest.skip(f"the installed transformers can't load a vision model: {exc}")
    made = tmp_path_factory.mktemp("vision")
    build(made)
    return made


def picture(colour: str) -> dict[str, object]:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (60, 40), colour).save(encoded, "PNG")
    kept = ImageLimits().prepared(encoded.getvalue())
    return {"type": "image_url", "image_url": {"url": data_url("jpeg", kept.data)}}


def chat_of(*parts: dict[str, object]) -> list[Message]:
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What is seen?"}]}]


def test_render_with_images_when_there_are_two_then_two_placeholders_before_the_text(folder):
    tokens = HfTokens(str(folder))
    ids = tokens.render_with_images(chat_of(picture("red"), picture("blue")))
    image = tokens.added_id(IMAGE_TOKEN)
    assert ids.count(image) == 2
    assert ids[-20:].count(image) == 0 or ids.index(image) < len(ids) - 5
    assert "What is seen?" in tokens.decode(ids)
    assert tokens.render_with_images([{"role": "user", "content": "Hello"}]).count(image) == 0


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, Completion | TeacherError]:
    """What the engine gave for chats with no, one and two images, and for ones that fail."""
    from thoughtmill.tasks.teachers.vllm import Vllm

    pytest.importorskip("vllm.model_executor.models.idefics3", exc_type=ImportError)
    teacher = Vllm(
        VllmTeacher(model=str(folder), max_model_len=256, max_num_seqs=4, cpu_kv_cache_gib=1)
    )
    broken = {"type": "image_url", "image_url": {"url": "data:image/png,x"}}
    chats: dict[str, list[Message]] = {
        "none": [{"role": "user", "content": "What is seen?"}],
        "red": chat_of(picture("red")),
        "red again": chat_of(picture("red")),
        "two": chat_of(picture("red"), picture("blue")),
        "many": chat_of(*[picture("red")] * 60),
        "broken": chat_of(broken),
    }

    async def ask(messages: list[Message]) -> Completion | TeacherError:
        try:
            return await teacher.chat(messages, SAMPLING, seed=1)
        except TeacherError as exc:
            return exc

    async def ask_all() -> dict[str, Completion | TeacherError]:
        try:
            return {name: await ask(messages) for name, messages in chats.items()}
        finally:
            await teacher.close()

    return asyncio.run(ask_all())


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_chat_when_there_are_images_then_each_is_expanded_in_the_prompt(said, folder):
    image = HfTokens(str(folder)).added_id(IMAGE_TOKEN)
    counts = [said[name].prompt_ids.count(image) for name in ("none", "red", "two")]
    assert counts == [0, IMAGE_SEQ_LEN, 2 * IMAGE_SEQ_LEN]
    for name in ("none", "red", "two"):
        assert said[name].prompt_tokens == len(said[name].prompt_ids)
        assert 0 < len(said[name].token_ids) <= 8
    assert said["red"].token_ids == said["red again"].token_ids


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_chat_when_images_fill_the_context_then_prompt_too_long(said):
    assert isinstance(said["many"], PromptTooLong)


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_chat_when_an_image_is_no_data_url_then_teacher_error(said):
    assert isinstance(said["broken"], TeacherError)
    assert not isinstance(said["broken"], PromptTooLong)

"""An annotator behind the loopback server that checks what it is sent, and errs as planned.

It decodes every image, keeps what it saw, and writes reasoning that ends with the action or answer
it is given.  Which items it betrays, gets wrong, muddles or will not conclude is decided by their
images and text, so the rates of a report can be held to what was planted.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import PIL.Image

from tests.loopback import Body
from tests.mazes import CELLS

Fault = Literal["none", "leak", "wrong", "muddled", "open", "mute"]
"""Betrays the answer; concludes with another; reasons to another; no last line; no reasoning."""
_GIVEN = re.compile(
    r"For you alone: the (?:next action|right answer|right option) is (.+)\.$", re.M
)
_TORN = re.compile(r"(?:last line is torn off)\.\n\n(.*?)\n\n(?:Which action|Where does)", re.S)
_ARRIVES = re.compile(r"arrive at ([^.]+(?:\.\d+)?)")
_OTHER = {"stop": "turn left 15 degrees"}


@dataclass(frozen=True)
class SeenImage:
    """One image as it arrived."""

    image_id: str
    """Hash of its bytes, as the lake names it."""
    mime: str
    format: str
    size: tuple[int, int]
    ball: tuple[float, float] | None
    """Where a drawn room's ball is seen from the robot: cells to the right, cells down."""


@dataclass(frozen=True)
class SeenRequest:
    """One chat as it arrived."""

    images: tuple[SeenImage, ...]
    kinds: tuple[str, ...]
    """Types of the parts, in order; `string` for a plain text."""
    text: str
    blind: bool
    body: dict[str, Any]


@dataclass
class Annotator:
    """Pass its `reply` as `Loopback.replies`."""

    faults: dict[Fault, int] = field(default_factory=dict)
    """Per cent of first requests with each fault."""
    mends: bool = True
    """Do better when asked again about the same item."""
    seen: list[SeenRequest] = field(default_factory=list)
    planted: Counter[Fault] = field(default_factory=Counter)
    _asked: Counter[str] = field(default_factory=Counter)

    def reply(self, body: Body) -> str:
        request = read(body)
        self.seen.append(request)
        if request.blind:
            torn = _TORN.search(request.text)
            found = _ARRIVES.findall(torn[1]) if torn else []
            return f"Answer: {found[-1]}" if found else "It does not say."
        given = _GIVEN.search(request.text)
        assert given is not None, request.text
        return self._annotate(request, given[1])

    def _annotate(self, request: SeenRequest, answer: str) -> str:
        key = hashlib.blake2b(
            (request.text + "".join(i.image_id for i in request.images)).encode(), digest_size=8
        ).hexdigest()
        fault = self._fault(key)
        if self.mends and self._asked[key]:
            fault = "none"
        self._asked[key] += 1
        self.planted[fault] += 1
        views = _described(request.images)
        other = _OTHER.get(answer, "stop" if request.images else f"{answer}1")
        reason = f"{views}The way is checked step by step. So I arrive at {answer}.\n"
        if fault == "leak":
            reason = f"The given answer is {answer}. {reason}"
        if fault == "muddled":
            reason = f"{views}The way is checked step by step. So I arrive at {other}.\n"
        if fault == "mute":
            return f"Answer: {answer}"
        if fault == "open":
            return reason
        return f"{reason}Answer: {other if fault == 'wrong' else answer}"

    def _fault(self, key: str) -> Fault:
        place = int(key[:8], 16) % 100
        for fault, share in self.faults.items():
            if place < share:
                return fault
            place -= share
        return "none"


def read(body: Body) -> SeenRequest:
    """A chat's images and text.  Raises where an image is no base64 data URL of that type."""
    (message,) = body["messages"]
    assert message["role"] == "user"
    content = message["content"]
    if isinstance(content, str):
        return SeenRequest((), ("string",), content, "torn off" in content, body)
    images = tuple(
        _image(part["image_url"]["url"]) for part in content if part["type"] == "image_url"
    )
    text = "\n".join(part["text"] for part in content if part["type"] == "text")
    return SeenRequest(
        images, tuple(part["type"] for part in content), text, "torn off" in text, body
    )


def _described(images: Sequence[SeenImage]) -> str:
    """What the pictures show, told from their pixels."""
    if not images:
        return ""
    told = f"After {len(images) - 1} earlier views, "
    ball = images[-1].ball
    if ball is None:
        return f"{told}the ball is out of sight. "
    across, down = ball
    sides = [
        f"{abs(across):.1f} cells to the {'right' if across > 0 else 'left'}",
        f"{abs(down):.1f} cells {'down' if down > 0 else 'up'}",
    ]
    return f"{told}the ball is {' and '.join(sides)} in the picture. "


def _ball(image: PIL.Image.Image) -> tuple[float, float] | None:
    """Where the one coloured spot lies from the one black spot; None where either is missing."""
    pixels = np.asarray(image.convert("RGB"), dtype=int)
    high, low = pixels.max(axis=2), pixels.min(axis=2)
    robot, ball = np.argwhere(high < 60), np.argwhere(high - low > 90)
    if not len(robot) or not len(ball):
        return None
    down, across = (ball.mean(axis=0) - robot.mean(axis=0)) * CELLS / image.width
    return round(float(across), 1), round(float(down), 1)


def _image(url: str) -> SeenImage:
    head, _, encoded = url.partition(";base64,")
    scheme, _, mime = head.partition(":")
    assert scheme == "data", url[:40]
    data = base64.b64decode(encoded, validate=True)
    with PIL.Image.open(io.BytesIO(data)) as image:
        image.load()
        seen = SeenImage(
            hashlib.blake2b(data, digest_size=16).hexdigest(),
            mime,
            str(image.format),
            image.size,
            _ball(image),
        )
    assert mime == f"image/{seen.format.lower()}"
    return seen

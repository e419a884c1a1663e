"""Frames on a stream socket: four bytes of length, then JSON."""

from __future__ import annotations

import json
import socket
from typing import Any

HEADER_BYTES = 4


def encode(message: Any) -> bytes:
    """One frame."""
    body = json.dumps(message).encode()
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def receive(sock: socket.socket) -> Any:
    """The next message, or None where the other side has gone."""
    header = _exactly(sock, HEADER_BYTES)
    body = header and _exactly(sock, int.from_bytes(header, "big"))
    return json.loads(body) if body else None


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)

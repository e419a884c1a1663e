"""What a session can see of the host: the interpreter, its shared libraries, some packages.

Everything is bound read-only, file by file where need be, below paths that tell nothing of the
host.  Owns no process: it makes the list of (host path, path inside).
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from thoughtmill.schemas.errors import ConfigError

PREFIX = "/python"
PACKAGES = f"{PREFIX}/packages"
LIBRARIES = f"{PREFIX}/lib"
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
INTERPRETER = f"{PREFIX}/bin/{_VERSION}"
_SYSTEM = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_HIDDEN = ("site-packages", "dist-packages", "test", "idlelib", "tkinter", "ensurepip")


class Bind(NamedTuple):
    """A file or folder of the host, and where it is to be seen."""

    host: Path
    inside: str


class Image(NamedTuple):
    """Read-only binds, and folders to be covered by empty ones."""

    binds: tuple[Bind, ...]
    hidden: tuple[str, ...]


def image_of(packages: Sequence[str]) -> Image:
    """The running interpreter with these distributions and all they require."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    inside = f"{PREFIX}/{sys.platlibdir}/{_VERSION}"
    executable = Path(os.path.realpath(sys.executable))
    parts = [part for name in sorted(_closure(packages)) for part in _parts(name)]
    extensions = [*_extensions([stdlib / "lib-dynload"]), *_extensions(part.host for part in parts)]
    binds = [Bind(executable, INTERPRETER), Bind(stdlib, inside), *parts]
    owned = tuple(f"{bind.host}/" for bind in binds)
    binds += [
        Bind(Path(os.path.realpath(path)), _place(path))
        for path in _libraries(executable, extensions)
        if not os.path.realpath(path).startswith(owned)
    ]
    hidden = tuple(f"{inside}/{name}" for name in _HIDDEN if (stdlib / name).is_dir())
    return Image(tuple(binds), hidden)


def _closure(packages: Iterable[str]) -> set[str]:
    """These distributions and what they require, by name."""
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            raise ConfigError(
                f"sandbox: the package {name} is not installed: pip install {name}, or leave it "
                "out of the sandbox's `packages` and `preload`"
            ) from None
        found.add(name)
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(need.name)
    return found


def _parts(name: str) -> list[Bind]:
    """The top-level files and folders of a distribution."""
    distribution = importlib.metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or [] if len(file.parts) > 0}
    root = Path(str(distribution.locate_file("")))
    return [
        Bind(root / top, f"{PACKAGES}/{top}")
        for top in sorted(tops - {"..", "__pycache__"})
        if (root / top).exists() and not top.endswith(".pth")
    ]


def _extensions(roots: Iterable[Path]) -> list[Path]:
    """Compiled modules; Tk's are left out, they would bring X11 in."""
    return [path for root in roots for path in root.glob("**/*.so") if "tkinter" not in path.name]


def _libraries(executable: Path, extensions: Sequence[Path]) -> list[str]:
    """Shared libraries they need, as the loader finds them: 0.05 s for all; `ldd` takes 3 s."""
    preload = ":".join(str(path) for path in extensions if not set(str(path)) & set(": "))
    traced = subprocess.run(
        [executable],
        env={"LD_TRACE_LOADED_OBJECTS": "1", "LD_PRELOAD": preload},
        capture_output=True,
        text=True,
        check=False,
    )
    words = {word for line in traced.stdout.splitlines() for word in line.split()}
    known = set(map(str, extensions))
    return sorted(word for word in words if word.startswith("/") and word not in known)


def _place(library: str) -> str:
    """A library of the system stays where the loader looks; others go beside the interpreter."""
    folder, name = os.path.split(library)
    in_system = any(folder == root or folder.startswith(f"{root}/") for root in _SYSTEM)
    return library if in_system else f"{LIBRARIES}/{name}"

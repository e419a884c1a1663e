"""Starts the warm parent, in bubblewrap or plainly, and says what to install where it cannot.

Owns the command line, the plan the parent is given, and the pair of sockets between; sessions are
not its business.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sandbox import image
from thoughtmill.tasks.sandbox.settings import BubblewrapSandbox, UnsafeProcessSandbox
from thoughtmill.tasks.sandbox.syscalls import compiled_filter

_INSIDE = Path(__file__).parent / "inside"
_MIB = 1 << 20
_USER = 65533
"""Who sessions are on a host where root runs the sandbox: root has no limit on processes."""
_STACK_MIB = 64
_ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": image.LIBRARIES,
    "MALLOC_ARENA_MAX": "2",  # an arena a thread would use up the address space
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": f"{image.PREFIX}/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONINTMAXSTRDIGITS": "0",  # digits of 2**20000 are fair; the time-out is the guard
    "PYTHONHASHSEED": "0",  # equal code prints equal sets
    "PYTHONPATH": f"{image.PACKAGES}:/thoughtmill",
    "PYTHONUTF8": "1",
}
_MODULE = ("-s", "-m", "inside.zygote")
_HINT = (
    "bubblewrap needs user namespaces: on the host try `sysctl -w "
    "kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu) or `sysctl -w "
    "kernel.unprivileged_userns_clone=1` (older Debian); in Docker run the container with "
    "--privileged, or with --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined"
)


class Prepared(NamedTuple):
    """All that starting a parent takes, but for the numbers of open files."""

    command: list[str]
    arguments: list[str]
    """Bubblewrap's, which reads them from a file: the process list stays readable."""
    environment: dict[str, str]
    plan: dict[str, Any]
    folder: tempfile.TemporaryDirectory[str] | None


class Zygote(NamedTuple):
    """A started parent: its process, our end of the control socket, what it complains of."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    complaints: IO[bytes]
    folder: tempfile.TemporaryDirectory[str] | None


def require(settings: BubblewrapSandbox | UnsafeProcessSandbox) -> None:
    """`ConfigError` where the machine lacks what the settings ask for; starts nothing."""
    if sys.platform != "linux":
        raise ConfigError("sandbox: needs Linux, on every machine that runs a worker")
    if isinstance(settings, UnsafeProcessSandbox):
        return
    if shutil.which(settings.bwrap) is None:
        raise ConfigError(
            f"sandbox: {settings.bwrap} is missing: apt-get install bubblewrap (Fedora: dnf "
            "install bubblewrap; Arch: pacman -S bubblewrap) on every machine that runs a worker; "
            "to run model-written code without any protection, set `sandbox: unsafe-process`"
        )
    if settings.seccomp:
        compiled_filter()


def prepare(settings: BubblewrapSandbox | UnsafeProcessSandbox) -> Prepared:
    """Look at the machine and write the command; slow (0.3 s), and fit for a thread."""
    require(settings)
    if isinstance(settings, BubblewrapSandbox):
        command = [settings.bwrap, "--args"]
        return Prepared(command, _bwrap(settings), {}, _plan(settings, ""), None)
    logging.getLogger(__name__).warning(
        "sandbox: unsafe-process: model-written code runs with your rights, on your files"
    )
    folder = tempfile.TemporaryDirectory(prefix="thoughtmill-sandbox-")
    environment = {**os.environ, **_ENVIRONMENT, "HOME": folder.name}
    environment |= {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_INSIDE.parent)}
    environment.pop("LD_LIBRARY_PATH")
    plan = _plan(settings, folder.name)
    return Prepared([sys.executable, *_MODULE], [], environment, plan, folder)


def start(prepared: Prepared) -> Zygote:
    """Start a parent; it says `ready` on the control socket once its libraries are loaded.

    Call it from a thread that lives as long as the parent may: bubblewrap dies with that thread.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    complaints = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the parent)
    with theirs, tempfile.TemporaryFile() as arguments:
        command = [*prepared.command]
        if prepared.arguments:
            arguments.write("\0".join(prepared.arguments).encode())
            arguments.seek(0)
            command += [str(arguments.fileno()), "--", image.INTERPRETER, *_MODULE]
        process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            env=prepared.environment,
            pass_fds=[theirs.fileno(), arguments.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=complaints,
            stderr=complaints,
        )
    ours.send(json.dumps(prepared.plan).encode())
    ours.setblocking(False)
    return Zygote(process, ours, complaints, prepared.folder)


def explain(zygote: Zygote) -> str:
    """Why a parent did not come up."""
    zygote.process.wait(timeout=10)
    zygote.complaints.seek(0)
    last = zygote.complaints.read().decode(errors="replace").strip().splitlines()[-1:] or ["?"]
    hint = f"; {_HINT}" if "bwrap" in last[0] or "unshare" in last[0] else ""
    return f"sandbox: did not start: {last[0]}{hint}"


def _bwrap(settings: BubblewrapSandbox) -> list[str]:
    seen = image.image_of(settings.packages)
    command = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--hostname", "sandbox", "--new-session"]
    command += ["--die-with-parent", "--cap-drop", "ALL", "--dir", "/tmp", "--chdir", "/"]
    if os.geteuid() == 0:  # no user namespace of bwrap's: the parent becomes _USER by itself
        command += ["--dir", "/proc"]
        for name in ("SYS_ADMIN", "SETUID", "SETGID"):
            command += ["--cap-add", f"CAP_{name}"]
    else:
        command += ["--unshare-user", "--proc", "/proc"]
    binds = (*seen.binds, image.Bind(_INSIDE, "/thoughtmill/inside"))
    for folder in _folders(binds):  # bwrap would make them 0700: closed to _USER
        command += ["--perms", "0755", "--dir", folder]
    for name in ("null", "zero", "full", "random", "urandom"):
        command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    command += ["--symlink", "/tmp", "/dev/shm"]
    for bind in binds:
        command += ["--ro-bind", str(bind.host), bind.inside]
    for folder in seen.hidden:
        command += ["--tmpfs", folder, "--remount-ro", folder]
    command += ["--remount-ro", "/", "--clearenv"]
    for name, value in _ENVIRONMENT.items():
        command += ["--setenv", name, value]
    return command


def _folders(binds: Iterable[image.Bind]) -> list[str]:
    """Every folder above a bind, the outer ones first."""
    found = {"/dev"}
    for bind in binds:
        found |= {str(folder) for folder in PurePosixPath(bind.inside).parents}
    return sorted(found - {"/"})


def _plan(settings: BubblewrapSandbox | UnsafeProcessSandbox, folder: str) -> dict[str, Any]:
    """What the parent needs to know; amounts in bytes and seconds."""
    confined = isinstance(settings, BubblewrapSandbox)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    total = settings.total_memory_mib
    program = isinstance(settings, BubblewrapSandbox) and settings.seccomp and compiled_filter()
    limits = {
        "AS": settings.memory_mib * _MIB,
        "CORE": 0,
        "CPU": settings.cpu_s,
        "FSIZE": settings.tmp_mib * _MIB,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "NOFILE": settings.open_files,
        "STACK": _STACK_MIB * _MIB,
    }
    if confined:  # elsewhere it would count all processes of the user
        limits["NPROC"] = settings.processes
    return {
        "confined": confined,
        "user": _USER if confined and os.geteuid() == 0 else None,
        "preload": settings.preload,
        "folder": folder,
        "filter": base64.b64encode(program).decode() if program else "",
        "tmp_bytes": settings.tmp_mib * _MIB,
        "session_bytes": settings.memory_mib * _MIB,
        "total_bytes": total * _MIB if total else machine // 2,
        "limits": limits,
        "head": settings.output_head,
        "tail": settings.output_tail,
    }

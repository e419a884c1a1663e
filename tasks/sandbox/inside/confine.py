"""Linux calls that lock a process in: namespaces, mounts, limits, capabilities, the filter.

Owns how a process gives up its rights.  Decides no amount: limits come in from the host.
Python 3.11 has no `os.unshare`, so the calls go through ctypes.
"""

from __future__ import annotations

import ctypes
import os
import resource

_NEWNS, _NEWUSER, _NEWPID, _NEWIPC = 0x0002_0000, 0x1000_0000, 0x2000_0000, 0x0800_0000
_NOSUID, _NODEV, _NOEXEC, _RDONLY = 2, 4, 8, 1
_NEWNET = 0x4000_0000
_SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _SET_NO_NEW_PRIVS = 4, 22, 24, 38
_CAPABILITY_VERSION_3 = 0x2008_0522
_EMPTY = b"size=4k,nr_inodes=2,mode=0555"
SESSION_ID = 1000
"""User and group a session believes to be; never 0, so that no exec gives capabilities back."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
_libc.mount.argtypes += [ctypes.c_char_p]
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _must(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def _mount(kind: bytes, target: bytes, flags: int, options: bytes | None = None) -> None:
    _must(_libc.mount(kind, target, kind, flags, options), f"mount {kind!r} on {target!r}")


def _new_user(flags: int, inside: int) -> None:
    """Enter new namespaces, as user `inside` of a user namespace with this one user in it."""
    user, group = os.geteuid(), os.getegid()
    _must(_libc.unshare(_NEWUSER | flags), "unshare")
    _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # a change of identity makes /proc/self root's
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {user} 1"),
        ("gid_map", f"{inside} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def drop_root(user: int) -> None:
    """From the host's root to an ordinary user: root's own processes have no process limit."""
    _mount(b"proc", b"/proc", _NOSUID | _NODEV | _NOEXEC)  # bwrap's own would be root's view
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def enter_zygote() -> None:
    """Become pid 1 of namespaces of our own, with the right to make more; returns only there.

    That right is what makes a session cheap: one fork instead of two, and none of bwrap's work.
    """
    _new_user(_NEWNS | _NEWPID | _NEWIPC, 0)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    _mount(b"proc", b"/proc", _NOSUID | _NODEV | _NOEXEC)


def next_fork_is_pid_1() -> None:
    """The next child starts a pid namespace: it sees nobody else, and takes all with it."""
    _must(_libc.unshare(_NEWPID), "unshare pid")


def forks_stay_here(own_pid_namespace: int) -> None:
    """Undo `next_fork_is_pid_1`, which the kernel refuses to do twice in a row."""
    _must(_libc.setns(own_pid_namespace, _NEWPID), "setns pid")


def enter_session(tmp_bytes: int, *, filtered: bool) -> None:
    """A user and mount namespace of its own: a fresh /tmp, and no /proc at all.

    Without a filter that refuses sockets and shared memory, a network and IPC of its own too.
    """
    _new_user(_NEWNS if filtered else _NEWNS | _NEWIPC | _NEWNET, SESSION_ID)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where the machine runs out of memory, sessions go first
    options = f"size={tmp_bytes},nr_inodes=4096,mode=0700".encode()
    _mount(b"tmpfs", b"/tmp", _NOSUID | _NODEV | _NOEXEC, options)
    _mount(b"tmpfs", b"/proc", _NOSUID | _NODEV | _NOEXEC | _RDONLY, _EMPTY)
    os.chdir("/tmp")


def limit(limits: dict[str, int]) -> None:
    """Hard limits by the name of their `RLIMIT_`; one the system refuses to raise stays lower."""
    for name, value in limits.items():
        which: int = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def drop_capabilities() -> None:
    """No capability now, none through any later exec."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # past the last one this kernel knows
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _must(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _must(_libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def filter_calls(program: bytes) -> None:
    """Install a compiled seccomp filter (8 bytes an instruction); it cannot be taken off."""
    compiled = _SockFprog(len(program) // 8, program)
    _must(_libc.prctl(_SET_SECCOMP, 2, ctypes.addressof(compiled), 0, 0), "seccomp")

"""The system calls a session may make, compiled to a filter by libseccomp.

An allow-list: what is not named does not exist (ENOSYS), so that the C library falls back; what a
person should see refused is refused (EPERM).
"""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile

from thoughtmill.schemas.errors import ConfigError

_ALLOWED = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek open openat close
close_range stat fstat lstat newfstatat fstatat64 statx access faccessat faccessat2 getdents64
getdents getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir unlink unlinkat link
linkat symlink symlinkat readlink readlinkat chmod fchmod fchmodat utime utimes utimensat futimesat
truncate ftruncate fallocate fsync fdatasync flock fcntl dup dup2 dup3 pipe pipe2 sendfile
copy_file_range umask statfs fstatfs fadvise64 getxattr lgetxattr fgetxattr listxattr llistxattr
flistxattr
mmap munmap mremap mprotect madvise brk msync mincore membarrier
fork vfork execve exit exit_group wait4 waitid kill tgkill tkill
getpid getppid gettid getpgrp getpgid setpgid getsid setsid getuid geteuid getgid getegid getresuid
getresgid getgroups arch_prctl set_tid_address set_robust_list get_robust_list rseq futex
sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
sched_get_priority_min getpriority getrusage getrlimit setrlimit prlimit64 times sysinfo uname
getcpu getrandom
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
pause alarm getitimer setitimer timer_create timer_settime timer_gettime timer_delete
timer_getoverrun timerfd_create timerfd_settime timerfd_gettime restart_syscall
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time
select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
eventfd eventfd2 signalfd signalfd4
sendto recvfrom sendmsg recvmsg shutdown getsockopt setsockopt getsockname getpeername
"""
_REFUSED = """
socket connect bind listen accept accept4 sendmmsg recvmmsg
ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise
mount umount2 pivot_root chroot unshare setns open_tree move_mount fsopen fsmount fspick
mount_setattr mknod mknodat open_by_handle_at name_to_handle_at swapon swapoff quotactl
setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
chown fchown lchown fchownat setxattr lsetxattr fsetxattr
bpf perf_event_open userfaultfd init_module finit_module delete_module kexec_load kexec_file_load
keyctl add_key request_key reboot sethostname setdomainname settimeofday clock_settime adjtimex
clock_adjtime syslog acct iopl ioperm personality
shmget shmat msgget semget mq_open setpriority sched_setaffinity sched_setscheduler sched_setattr
sched_setparam seccomp io_uring_setup memfd_create memfd_secret mlock mlockall mlock2 chmodat2
"""
_PRCTL = (1, 15, 16, 0x53564D41)  # PDEATHSIG, NAME to set and get, names of mappings
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # terminal questions, FIONREAD, flags
_NEW_NAMESPACES = 0x7E02_0080
_UNIX = 1

_ALLOW, _ERRNO, _OPTIMIZE, _BY_TREE = 0x7FFF_0000, 0x0005_0000, 8, 2
_EQUAL, _MASKED_EQUAL = 4, 7


class _Compare(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def compiled_filter() -> bytes:
    """The filter as a BPF program for this machine; `ConfigError` where libseccomp is missing."""
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        raise ConfigError(
            "sandbox: libseccomp is missing: apt-get install libseccomp2 (Fedora: dnf install "
            "libseccomp), or set `seccomp: false` in the sandbox's settings"
        ) from None
    library.seccomp_init.restype = ctypes.c_void_p
    for name in ("rule_add_array", "attr_set", "export_bpf", "release"):
        function = getattr(library, f"seccomp_{name}")
        function.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(ctypes.c_uint32(_ERRNO | errno.ENOSYS))
    try:
        library.seccomp_attr_set(context, _OPTIMIZE, _BY_TREE)  # since 2.5; harmless to be refused
        _add_rules(library, context)
        with tempfile.TemporaryFile() as file:
            _must(library.seccomp_export_bpf(context, file.fileno()))
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def _add_rules(library: ctypes.CDLL, context: int) -> None:
    def add(action: int, call: str, *compares: _Compare) -> None:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:  # a call of another machine, or newer than the library
            return
        array = (_Compare * len(compares))(*compares)
        _must(
            library.seccomp_rule_add_array(
                context, ctypes.c_uint32(action), number, len(compares), array
            )
        )

    for call in _ALLOWED.split():
        add(_ALLOW, call)
    for call in _REFUSED.split():
        add(_ERRNO | errno.EPERM, call)
    add(_ALLOW, "clone", _Compare(0, _MASKED_EQUAL, _NEW_NAMESPACES, 0))
    add(_ALLOW, "socketpair", _Compare(0, _EQUAL, _UNIX, 0))
    for option in _PRCTL:
        add(_ALLOW, "prctl", _Compare(0, _EQUAL, option, 0))
    for request in _IOCTL:
        add(_ALLOW, "ioctl", _Compare(1, _EQUAL, request, 0))


def _must(result: int) -> None:
    if result < 0:
        raise OSError(-result, f"libseccomp: {os.strerror(-result)}")

"""Programs that try to break out, to take everything or to lie, and what each must come to.

`SECRET` and `CANARY` stand for a variable of the host's environment and a file in the host's /tmp.
"""

from __future__ import annotations

from typing import NamedTuple


class Hostile(NamedTuple):
    """A program; `sees` must be in what a teacher is shown, `lives`: the session goes on."""

    name: str
    code: str
    sees: str
    lives: bool
    timeout_s: float = 1.5


_LIBC = "import ctypes; C = ctypes.CDLL(None, use_errno=True)\n"


def _call(name: str, number: int, *arguments: str, errno: int = 1) -> Hostile:
    """A raw system call (x86-64) that must be refused."""
    listed = ", ".join((str(number), *arguments))
    code = f"{_LIBC}C.syscall({listed}), ctypes.get_errno()"
    return Hostile(f"call_{name}", code, f"(-1, {errno})", True)


PROGRAMS = (
    # Too much of something
    Hostile("fork_bomb", "import os\nwhile True: os.fork()", "temporarily unavailable", True),
    Hostile(
        "fork_bomb_that_waits",
        "import os, time\nfor _ in range(5000):\n try:\n  if os.fork() == 0: time.sleep(60)\n"
        " except OSError as e: print(e); break",
        "Resource temporarily unavailable",
        True,
        5,
    ),
    Hostile(
        "thread_bomb",
        "import threading, time\n"
        "def nap(): time.sleep(60)\n"
        "for _ in range(5000): threading.Thread(target=nap, daemon=True).start()",
        "can't start new thread",
        True,
    ),
    Hostile("memory_bomb", "b = bytearray(10**11)", "MemoryError", True),
    Hostile("memory_creep", "a = []\nwhile True: a.append(bytes(10**6))", "MemoryError", True, 5),
    Hostile("memory_numpy", "import numpy\nnumpy.ones((10**6, 10**6))", "Unable to allocate", True),
    Hostile("memory_shared", "import mmap\nmmap.mmap(-1, 1 << 33)", "Cannot allocate", True),
    Hostile(
        "memory_in_children",
        "import os, time\nfor _ in range(8):\n if os.fork() == 0:\n"
        "  a = bytearray(os.urandom(1 << 20)) * 150\n  time.sleep(60)\ntime.sleep(60)",
        "its processes together held more than 256 MiB",
        False,
        20,
    ),
    Hostile("endless_loop", "while True: pass", "TimeoutError", False),
    Hostile(
        "endless_loop_that_catches",
        "while True:\n try:\n  while True: pass\n except BaseException: pass",
        "TimeoutError",
        False,
    ),
    Hostile(
        "deaf_loop",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        "TimeoutError",
        False,
    ),
    Hostile("endless_number", "9**9**9", "TimeoutError", False),
    Hostile("endless_regex", "import re\nre.match('(a+)+$', 'a' * 64 + 'b')", "Timeout", False),
    Hostile("sleeper", "import time\ntime.sleep(10**9)", "TimeoutError", False),
    Hostile("endless_output", "while True: print('x' * 1000)", "characters left out", False),
    Hostile(
        "endless_output_to_descriptor",
        "import os\nwhile True: os.write(2, b'y' * 10**6)",
        "characters left out",
        True,
        10,
    ),
    Hostile(
        "endless_output_of_child",
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-Sc', 'while True: print(7 * \"z\")']).returncode",
        "characters left out",
        True,
        20,
    ),
    Hostile("large_exception", "raise ValueError('x' * 10**9)", "MemoryError", True),
    Hostile("exception_that_fills_memory", "raise ValueError('x' * 2 * 10**8)", "Error", True, 5),
    Hostile(
        "exception_without_end",
        "class E(Exception):\n def __str__(self):\n  while True: pass\nraise E",
        "<exception str() failed>",
        True,
    ),
    Hostile(
        "exception_that_raises",
        "class E(Exception):\n def __str__(self): raise SystemExit(3)\nraise E",
        "<exception str() failed>",
        True,
    ),
    Hostile("representation_bomb", "[['y' * 10**5] * 1000] * 1000", "MemoryError", True, 10),
    Hostile("parser_bomb", "eval('(' * 10**5)", "too many nested parentheses", True),
    Hostile(
        "recursion",
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: [0].sort(key=lambda _: f())\nf()",
        "SIGSEGV",
        False,
        20,
    ),
    Hostile(
        "fills_tmp",
        "import os\nfor n in range(100):\n with open(f'/tmp/{n}', 'wb') as f:\n"
        "  f.write(bytes(10**6))",
        "No space left",
        True,
        10,
    ),
    Hostile("one_huge_file", "open('/tmp/a', 'wb').truncate(1 << 40)", "File too large", True),
    Hostile(
        "too_many_files",
        "for n in range(10**5): open(f'/tmp/{n}', 'w').close()",
        "No space left",
        True,
        10,
    ),
    Hostile(
        "too_many_descriptors",
        "a = [open('/dev/null') for _ in range(10**5)]",
        "Too many open files",
        True,
    ),
    Hostile(
        "shared_memory_segment",
        "from multiprocessing.shared_memory import SharedMemory as S\n"
        "s = S(create=True, size=1 << 33)",
        "OSError",
        True,
        5,
    ),
    # What is the host's
    Hostile("host_passwords", "open('/etc/passwd').read()", "FileNotFoundError", True),
    Hostile(
        "host_folders",
        "import os\n[p for p in ('/root', '/home', '/etc', '/work', '/usr', '/var', '/sys', '/run')"
        " if os.path.exists(p)]",
        "[]",
        True,
    ),
    Hostile("host_file", "open(CANARY).read()", "FileNotFoundError", True),
    Hostile("host_environment", "import os\nSECRET in str(os.environ)", "False", True),
    Hostile(
        "host_environment_of_parents",
        "open('/proc/1/environ', 'rb').read()",
        "FileNotFoundError",
        True,
    ),
    Hostile("process_list", "import os\nos.listdir('/proc')", "[]", True),
    Hostile("kernel_switch", "open('/proc/sysrq-trigger', 'w').write('b')", "Error", True),
    Hostile("own_memory_file", "open('/proc/self/mem', 'r+b')", "FileNotFoundError", True),
    Hostile("our_packages", "import pydantic", "ModuleNotFoundError", True),
    Hostile("our_code", "import tasks.sandbox", "ModuleNotFoundError", True),
    Hostile("shell", "import subprocess\nsubprocess.run('id', shell=True)", "NotFound", True),
    Hostile("disk", "open('/dev/sda', 'rb')", "FileNotFoundError", True),
    Hostile(
        "device_of_its_own",
        "import os, stat\nos.mknod('/tmp/mem', 0o666 | stat.S_IFCHR, os.makedev(1, 1))",
        "PermissionError",
        True,
    ),
    Hostile(
        "symlink_out",
        "import os\nos.symlink('/proc/1/root' + CANARY, '/tmp/l')\nopen('/tmp/l').read()",
        "FileNotFoundError",
        True,
    ),
    Hostile("path_out", "open('/tmp/' + '../' * 20 + CANARY).read()", "FileNotFoundError", True),
    Hostile("writes_to_root", "open('/x', 'w')", "OSError", True),
    Hostile("writes_to_libraries", "open('/lib/x.so', 'w')", "OSError", True),
    Hostile(
        "patches_numpy",
        "import numpy\nopen(numpy.__file__, 'a').write('raise SystemExit')",
        "Error",
        True,
    ),
    Hostile("deletes_interpreter", "import os, sys\nos.remove(sys.executable)", "Error", True),
    Hostile(
        "deletes_everything",
        "import shutil\nshutil.rmtree('/', ignore_errors=True)\nimport colorsys, numpy.fft\n'here'",
        "here",
        True,
        20,
    ),
    Hostile(
        "links_interpreter_to_tmp",
        "import os, sys\nos.link(sys.executable, '/tmp/python')",
        "Invalid cross-device link",
        True,
    ),
    Hostile(
        "runs_its_own_program",
        "import os, shutil, subprocess, sys\nshutil.copyfile(sys.executable, '/tmp/p')\n"
        "os.chmod('/tmp/p', 0o755)\nsubprocess.run(['/tmp/p'])",
        "PermissionError",
        True,
        5,
    ),
    # Network
    Hostile(
        "tcp",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 1)",
        "PermissionError",
        True,
    ),
    Hostile("udp", "import socket\nsocket.socket(type=socket.SOCK_DGRAM)", "PermissionError", True),
    Hostile(
        "web", "import urllib.request\nurllib.request.urlopen('http://1.1.1.1')", "rror", True, 5
    ),
    Hostile(
        "abstract_socket",
        "import socket\nsocket.socket(socket.AF_UNIX).bind('\\0meet')",
        "PermissionError",
        True,
    ),
    Hostile("raw_socket", "import socket\nsocket.socket(16, 3, 0)", "PermissionError", True),
    # Other processes
    Hostile("kills_everybody", "import os\nos.kill(-1, 9)\n'alone'", "No such process", True),
    Hostile(
        "kills_by_number",
        "import os\nn = 0\nfor p in range(2, 70000):\n try: os.kill(p, 9); n += 1\n"
        " except ProcessLookupError: pass\nn",
        "0",
        True,
        10,
    ),
    Hostile("kills_its_group", "import os\nos.kill(0, 9)\nos.killpg(0, 15)\n'on'", "on", True),
    Hostile(
        "kills_the_group_from_a_child",
        "import os\nif os.fork() == 0:\n os.kill(0, 9)\nos.wait()\n'on'",
        "on",
        True,
    ),
    Hostile("stops_everybody", "import os\nos.kill(0, 19)\nos.kill(1, 19)\n'on'", "on", True),
    Hostile("kills_itself", "import os\nos.kill(os.getpid(), 9)\n'no effect'", "no effect", True),
    _call("ptrace", 101, "16", "1", "0", "0"),
    _call("process_vm_readv", 310, "1", "0", "0", "0", "0", "0"),
    Hostile(
        "daemon",
        "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n"
        "  while True: time.sleep(0.01)\n os._exit(0)\nos.wait()\n'left'",
        "left",
        True,
    ),
    Hostile(
        "child_that_comes_back",
        "import os\nif os.fork() == 0: print('child')\nelse: os.wait()\n'once'",
        "once",
        True,
    ),
    Hostile(
        "thread_that_stays",
        "import threading\ndef spin():\n while True: pass\n"
        "threading.Thread(target=spin, daemon=True).start()",
        "",
        True,
    ),
    # Rights
    Hostile("becomes_root", "import os\nos.setuid(0)", "PermissionError", True),
    Hostile("changes_root", "import os\nos.chroot('/tmp')", "PermissionError", True),
    Hostile(
        "raises_limits",
        "import resource as r\nr.setrlimit(r.RLIMIT_AS, (-1, -1))",
        "not allowed to raise maximum limit",
        True,
    ),
    Hostile("raises_priority", "import os\nos.nice(-5)", "PermissionError", True),
    Hostile("names_the_host", "import socket\nsocket.sethostname('mine')", "rror", True),
    Hostile("sets_the_clock", "import time\ntime.clock_settime(0, 0)", "PermissionError", True),
    _call("unshare", 272, "0x10000000"),
    _call("setns", 308, "0", "0"),
    _call("clone_new_user", 56, "0x10000011", "0", "0", "0", "0", errno=38),
    _call("clone3", 435, "0", "0", errno=38),
    _call("mount", 165, "0", "0", "0", "0", "0"),
    _call("umount", 166, "b'/proc'", "2"),
    _call("pivot_root", 155, "0", "0"),
    _call("bpf", 321, "0", "0", "0"),
    _call("perf_event_open", 298, "0", "0", "0", "0", "0"),
    _call("keyctl", 250, "0", "0"),
    _call("userfaultfd", 323, "0"),
    _call("io_uring_setup", 425, "1", "0"),
    _call("memfd_create", 319, "b'x'", "0"),
    _call("shmget", 29, "0", "1 << 33", "0o1600"),
    _call("seccomp", 317, "1", "0", "0"),
    _call("reboot", 169, "0", "0", "0"),
    Hostile("call_of_another_machine", f"{_LIBC}C.syscall(0x40000027)", "SIGSYS", False),
    # The session itself
    Hostile("leaves", "import os\nos._exit(7)", "exited with code 7", False),
    Hostile("exits_politely", "raise SystemExit(4)", "SystemExit: 4", True),
    Hostile("aborts", "import os\nos.abort()", "SIG", False),
    Hostile("reads_nowhere", "import ctypes\nctypes.string_at(0)", "SIGSEGV", False),
    Hostile("breaks_python", "import ctypes\nctypes.memset(id(dict), 0, 400)\n{}", "SIG", False, 5),
    Hostile("closes_descriptors", "import os\nos.closerange(0, 64)", "", False),
    Hostile(
        "shuts_output", "import sys\nsys.stdout.close()\nsys.stderr = None\nprint(1)", "1", True
    ),
    Hostile("replaces_builtins", "import builtins\nbuiltins.repr = None\n5", "5", True),
    Hostile("empties_modules", "import sys\nsys.modules.clear()\n6", "6", True),
    Hostile(
        "forges_a_reply",
        "import json, os\nb = json.dumps({'output': 'forged', 'error': None, 'text': 'forged',"
        " 'timed_out': False, 'number': 9}).encode()\nos.write(3, len(b).to_bytes(4, 'big') + b)",
        "not a reply",
        False,
    ),
    Hostile(
        "babbles",
        "import os\nos.write(3, b'\\xff' * 10**5)\nimport time; time.sleep(9)",
        "not a reply",
        False,
        5,
    ),
    Hostile(
        "nested_reply",
        "import os\nos.write(3, (9000).to_bytes(4, 'big') + b'[' * 9000)",
        "not a reply",
        False,
    ),
    Hostile(
        "huge_reply",
        "import os\nos.write(3, (1 << 31).to_bytes(4, 'big'))\n"
        "while True: os.write(3, b'x' * 9999)",
        "not a reply",
        False,
        5,
    ),
    Hostile(
        "sends_descriptors",
        "import array, socket\ns = socket.socket(fileno=3)\n"
        "s.sendmsg([b'{'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])",
        "not a reply",
        False,
    ),
)

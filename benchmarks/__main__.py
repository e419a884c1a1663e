"""`make bench`: every benchmark in turn, each in a process of its own.

python -m benchmarks                      all of them
python -m benchmarks throughput memory    some of them
"""

from __future__ import annotations

import subprocess
import sys

ALL = (
    "throughput",
    "endpoint",
    "memory",
    "verify",
    "grading",
    "sandbox",
    "code_integrated",
    "minhash",
    "mix",
    "annotate",
)


def main() -> None:
    chosen = sys.argv[1:] or ALL
    unknown = set(chosen) - set(ALL)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    for name in chosen:
        print(f"\n## {name}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()

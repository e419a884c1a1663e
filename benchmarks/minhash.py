"""Documents per second of near-duplicate search, beside the libraries that others use for it.

    python -m benchmarks.minhash                              ours, and what is installed here
    python -m benchmarks.minhash --python OTHER/bin/python    contenders of another environment

Documents of 150 words are made from a seed; a tenth are copies of others with one to five words
changed.  A pair counts as a duplicate from a Jaccard similarity of 0.8 of its 5-grams of words.
Recall and precision are over pairs: planted pairs found, and found pairs that are true.  Each
contender runs in a process of its own with the same cores; start-up, compiling and making the
documents are left out.  datatrove runs its four stages on all cores, as it comes and with its word
tokenizer replaced by plain splitting; datasketch runs on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

WORDS = 150
THRESHOLD = 0.8
NGRAM = 5


def documents(count: int, seed: int = 1) -> list[str]:
    """Documents, the last tenth copies with a few words changed."""
    rng = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(2, 10))) for _ in range(30_000)]
    weights = [1 / (rank + 50) for rank in range(len(vocabulary))]
    originals = count - count // 10
    made = [rng.choices(vocabulary, weights, k=WORDS) for _ in range(originals)]
    for _ in range(count - originals):
        copy = list(made[rng.randrange(originals)])
        for at in rng.sample(range(WORDS), rng.randint(1, 5)):
            copy[at] = rng.choice(vocabulary)
        made.append(copy)
    return [" ".join(words) for words in made]


def shingles(text: str) -> set[tuple[str, ...]]:
    """The set of a document's n-grams."""
    words = text.split()
    return {tuple(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1)}


def similar(left: str, right: str) -> bool:
    """Whether two documents are duplicates in truth."""
    a, b = shingles(left), shingles(right)
    return len(a & b) >= THRESHOLD * len(a | b)


def true_groups(texts: list[str]) -> list[int]:
    """By document, the first of its component, from pairs that share any n-gram at all."""
    seen: dict[tuple[str, ...], list[int]] = {}
    for number, text in enumerate(texts):
        for shingle in shingles(text):
            seen.setdefault(shingle, []).append(number)
    pairs = {(some[0], other) for some in seen.values() for other in some[1:]}
    pairs |= {(a, b) for some in seen.values() for a, b in pairwise(some)}
    return joined(len(texts), [pair for pair in pairs if similar(texts[pair[0]], texts[pair[1]])])


def joined(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Components of pairs, each named by its first member."""
    parents = list(range(count))

    def root(of: int) -> int:
        while parents[of] != of:
            parents[of] = parents[parents[of]]
            of = parents[of]
        return of

    for left, right in pairs:
        a, b = root(left), root(right)
        parents[max(a, b)] = min(a, b)
    return [root(number) for number in range(count)]


def ours(texts: list[str]) -> tuple[float, list[int]]:
    """The screen's own method; chunks of the size that the lake gives."""
    import numpy as np
    import pyarrow as pa

    from thoughtmill.tasks.screens.minhash import MinHash, Texts

    size = 4096
    method = MinHash.of(THRESHOLD, NGRAM)
    warm = Texts(np.arange(2), pa.array(texts[:2]))
    method.components(2, lambda: [warm])
    column = pa.array(texts, pa.large_string())
    places = np.arange(len(texts))
    starts = range(0, len(texts), size)
    chunks = [Texts(places[at : at + size], column[at : at + size]) for at in starts]
    began = time.perf_counter()
    roots = method.components(len(texts), lambda: chunks)
    return time.perf_counter() - began, roots.tolist()


def datasketch(texts: list[str]) -> tuple[float, list[int]]:
    """datasketch: 128 permutations, its LSH at the same threshold."""
    from datasketch import MinHash, MinHashLSH

    began = time.perf_counter()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    pairs = []
    grams = ([" ".join(gram).encode() for gram in shingles(text)] for text in texts)
    for number, sketch in enumerate(MinHash.generator(grams, num_perm=128)):
        pairs += [(int(other), number) for other in index.query(sketch)]
        index.insert(str(number), sketch)
    return time.perf_counter() - began, joined(len(texts), pairs)


def rensa(texts: list[str]) -> tuple[float, list[int]]:
    """rensa's deduplicator with its exact candidates, shingled in Python."""
    from rensa import RMinHash, RMinHashLSH

    began = time.perf_counter()
    sketches = []
    for text in texts:
        sketch = RMinHash(num_perm=125, seed=1)
        sketch.update([" ".join(gram) for gram in shingles(text)])
        sketches.append(sketch)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=125, num_bands=25)
    pairs = []
    for number, sketch in enumerate(sketches):
        pairs += [
            (other, number)
            for other in index.query(sketch)
            if sketch.jaccard(sketches[other]) >= THRESHOLD
        ]
        index.insert(number, sketch)
    return time.perf_counter() - began, joined(len(texts), pairs)


def datatrove(texts: list[str], *, plain: bool = False) -> tuple[float, list[int]]:
    """datatrove's four stages with its defaults: 14 bands of 8."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash as stages
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    class Splitting(stages.MinhashDedupSignature):
        """Words by plain splitting instead of a language's tokenizer."""

        def __init__(self, **settings: object) -> None:
            super().__init__(**settings)
            self.word_tokenizer = type(
                "Plain", (), {"word_tokenize": staticmethod(lambda text: text.split())}
            )()

    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for part in range(cores):
            lines = (
                json.dumps({"text": text, "id": str(number)})
                for number, text in enumerate(texts)
                if number % cores == part
            )
            (folder / "in" / f"{part}.jsonl").write_text("\n".join(lines))
        config = stages.MinhashConfig()
        signature = Splitting if plain else stages.MinhashDedupSignature
        plan = [
            (
                cores,
                [
                    JsonlReader(str(folder / "in")),
                    signature(output_folder=str(folder / "signatures"), config=config),
                ],
            ),
            (
                config.num_buckets,
                [
                    stages.MinhashDedupBuckets(
                        input_folder=str(folder / "signatures"),
                        output_folder=str(folder / "buckets"),
                        config=config,
                    )
                ],
            ),
            (
                1,
                [
                    stages.MinhashDedupCluster(
                        input_folder=str(folder / "buckets"),
                        output_folder=str(folder / "removed"),
                        config=config,
                        save_cluster_id=True,
                    )
                ],
            ),
            (
                cores,
                [
                    JsonlReader(str(folder / "in")),
                    stages.MinhashDedupFilter(
                        input_folder=str(folder / "removed"), load_cluster_ids=True
                    ),
                    JsonlWriter(str(folder / "out"), compression=None),
                ],
            ),
        ]
        began = time.perf_counter()
        for tasks, pipeline in plan:
            LocalPipelineExecutor(
                pipeline=pipeline,
                tasks=tasks,
                workers=cores,
                logging_dir=str(folder / "logs" / str(len(pipeline)) / type(pipeline[0]).__name__),
                skip_completed=False,
            ).run()
        seconds = time.perf_counter() - began
        kept = {
            int(json.loads(line)["id"])
            for file in (folder / "out").iterdir()
            for line in file.open()
        }
    # It tells which documents went, not what each is a copy of: -1 stands for "gone".
    return seconds, [number if number in kept else -1 for number in range(len(texts))]


CONTENDERS = {
    "thoughtmill": ours,
    "datatrove": datatrove,
    "datatrove, plain splitting": lambda texts: datatrove(texts, plain=True),
    "datasketch": datasketch,
    "rensa": rensa,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--python", help="interpreter of an environment with the contenders")
    parser.add_argument("--only", choices=sorted(CONTENDERS), nargs="*")
    parser.add_argument("--one", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        seconds, roots = CONTENDERS[options.one](documents(options.documents))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        Path(options.out).write_text(json.dumps([seconds, roots, peak]))
        return
    texts = documents(options.documents)
    true = true_groups(texts)
    copies = sum(root != number for number, root in enumerate(true))
    print(f"{len(texts):,} documents, {copies:,} duplicates, {len(os.sched_getaffinity(0))} cores")
    print(f"{'':28}{'docs/s':>10}{'seconds':>10}{'recall':>9}{'precision':>11}{'peak MiB':>10}")
    for name in options.only or CONTENDERS:
        _row(name, options, true, texts)


def _row(name: str, options: argparse.Namespace, true: list[int], texts: list[str]) -> None:
    python = sys.executable if name == "thoughtmill" else (options.python or sys.executable)
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [python, "-m", "benchmarks.minhash", "--one", name, "--out", out.name]
        command += ["--documents", str(options.documents)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name:28}{(done.stderr.strip().splitlines() or ['failed'])[-1]:>10}")
            return
        seconds, found, peak = json.loads(Path(out.name).read_text())
    recall, precision = _quality(found, true, texts)
    print(
        f"{name:28}{len(true) / seconds:>10,.0f}{seconds:>10.1f}{recall:>9.4f}{precision:>11.4f}"
        f"{peak:>10,.0f}"
    )


def _quality(found: list[int], true: list[int], texts: list[str]) -> tuple[float, float]:
    """Shares of the duplicates that were found, and of what was found that are duplicates.

    One of each group is kept, whichever: counted is how many of each true group are gone.
    """
    sizes: dict[int, int] = {}
    gone: dict[int, int] = {}
    for number, root in enumerate(true):
        sizes[root] = sizes.get(root, 0) + 1
        gone[root] = gone.get(root, 0) + (found[number] != number)
    duplicates = sum(size - 1 for size in sizes.values())
    right = sum(min(gone[root], size - 1) for root, size in sizes.items())
    removed = sum(gone.values())
    return right / max(duplicates, 1), right / max(removed, 1)


if __name__ == "__main__":
    main()

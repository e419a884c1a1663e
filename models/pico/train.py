"""Trains pico from nothing, on a CPU or a GPU, within a budget of minutes.

    python models/pico/train.py --minutes 60 --out models/pico

The corpus is written first, as token shards, in --shards (a folder outside the repository);
shards that are there are used again. The learning rate follows the clock: warm-up, a plateau,
then straight down to nothing when the minutes (or the steps) are over. Weights are also saved
on the way.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from copying import start_copying
from network import Pico, Shape, load, save, working_type
from optimizer import Optimizer
from shards import SIZE, batches, build_all

HERE = Path(__file__).resolve().parent
# A step frees and takes the same hundred megabytes again. Kept by malloc on huge pages, they cost
# no page faults: measured, a third of the time of a step.
MALLOC = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:"
    "glibc.malloc.trim_threshold=4000000000:glibc.malloc.top_pad=67108864"
)


def schedule(progress: float, step: int, warmup: int, plateau: float) -> float:
    """The learning-rate scale at this share (0 to 1) of the time budget."""
    if step < warmup:
        return (step + 1) / warmup
    if progress < plateau:
        return 1.0
    return max(0.0, 1.0 - (progress - plateau) / (1.0 - plateau)) * 0.98 + 0.02


def averaged(model: Pico) -> None:
    """Gradients averaged over the processes, in one message."""
    grads = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(part.view_as(grad))


def train(rank: int, args: argparse.Namespace, paths: list[Path]) -> None:
    lead = rank == 0
    if args.processes > 1:
        torch.set_num_threads(1)
        meeting = f"file://{args.shards / f'meeting-{os.getppid()}'}"
        dist.init_process_group("gloo", meeting, rank=rank, world_size=args.processes)
    torch.manual_seed(args.seed)
    model = Pico(Shape())
    start_copying(model, args.seed)
    if args.start:
        load(model, args.start)
    model.to(args.device, working_type(args.device))
    optimizer = Optimizer(model, args.muon_lr, args.adam_lr, args.weight_decay)
    budget = args.minutes * 60
    began = saved = time.monotonic()
    tokens, targets, mean = 0, 0, 0.0
    mine = paths[rank :: args.processes]
    share = args.batch_tokens // args.processes
    for step, batch in enumerate(batches(mine, share, args.seed)):
        clock = torch.tensor([time.monotonic() - began])
        if args.processes > 1:
            dist.broadcast(clock, 0)
        elapsed = clock.item()
        progress = max(elapsed / budget, step / args.steps if args.steps else 0.0)
        if progress >= 1:
            break
        x, y = torch.from_numpy(batch.tokens), torch.from_numpy(batch.targets)
        loss = model.loss(x.to(args.device), y.to(args.device))
        loss.backward()
        if args.processes > 1:
            averaged(model)
        optimizer.step(schedule(progress, step, args.warmup, args.plateau))
        tokens += x.numel() * args.processes
        targets += int((y >= 0).sum()) * args.processes
        mean += (loss.item() - mean) / min(step + 1, 60)
        if lead and step % 20 == 0:
            pace = tokens / (time.monotonic() - began)
            print(
                f"step {step}  {elapsed / 60:.1f} min  loss {mean:.4f}  "
                f"{tokens / 1e6:.2f}M tokens ({targets / 1e6:.2f}M with loss)  {pace:.0f}/s  "
                f"{time.process_time() * args.processes / 60:.1f} core min",
                flush=True,
            )
        if lead and time.monotonic() - saved > args.save_minutes * 60:
            save(model, args.out)
            saved = time.monotonic()
    if lead:
        save(model, args.out)
        busy = time.process_time() * args.processes / 60
        print(
            f"trained {(time.monotonic() - began) / 60:.1f} min ({busy:.1f} core minutes of work), "
            f"{tokens / 1e6:.1f}M tokens"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="training time, data not counted")
    parser.add_argument(
        "--steps", type=int, default=1300, help="stop after this many steps if that is sooner"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="where weights and configs go")
    parser.add_argument("--start", type=Path, help="go on from the weights in this folder")
    parser.add_argument("--shards", type=Path, default=Path(tempfile.gettempdir()) / "pico_shards")
    parser.add_argument("--conversations", type=int, default=45_000)
    parser.add_argument("--workers", type=int, default=2, help="processes that write the corpus")
    parser.add_argument(
        "--processes", type=int, default=2,
        help="training processes of one thread each; beside other work on the machine this beats "
        "threads, which wait for each other at every operation",
    )  # fmt: skip
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.003)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--warmup", type=int, default=60, help="steps up to the full rates")
    parser.add_argument("--plateau", type=float, default=0.4, help="share of the run at them")
    parser.add_argument("--save-minutes", type=float, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    paths = build_all(args.shards, range(-(-args.conversations // SIZE)), args.workers)
    if args.processes > 1:
        os.environ.setdefault("GLIBC_TUNABLES", MALLOC)
        mp.spawn(train, (args, paths), nprocs=args.processes)
    else:
        train(0, args, paths)


if __name__ == "__main__":
    main()

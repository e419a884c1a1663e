"""Muon for the matrices, AdamW for the embedding and the norms, both on float32 masters.

Muon: momentum, orthogonalised by five Newton-Schulz steps (Jordan et al., 2024). Matrices of one
shape are orthogonalised together; fused projections are taken apart first.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import torch
from network import Pico, working_type
from torch import Tensor


def orthogonal(matrices: Tensor) -> Tensor:
    """[n, rows, columns] to the nearest semi-orthogonal matrices, roughly."""
    x = matrices.to(working_type(matrices.device.type))
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) * 1.02 + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if tall else x).float()


def parts(model: Pico) -> list[tuple[Tensor, int, int]]:
    """(weight, first row, last row) of every matrix that Muon steers."""
    s = model.shape
    q, k = s.heads * s.head, s.kv_heads * s.head
    found = []
    for block in model.blocks:
        cuts = {
            block.qkv.weight: (0, q, q + k, q + 2 * k),
            block.out.weight: (0, s.width),
            block.gate_up.weight: (0, s.hidden, 2 * s.hidden),
            block.down.weight: (0, s.width),
        }
        for weight, rows in cuts.items():
            found += [(weight, a, b) for a, b in pairwise(rows)]
    return found


class Optimizer:
    def __init__(self, model: Pico, muon_lr: float, adam_lr: float, decay: float) -> None:
        self.muon_lr, self.decay, self.momentum = muon_lr, decay, 0.95
        groups: dict[tuple[int, int], list[tuple[Tensor, int, int]]] = defaultdict(list)
        for weight, a, b in parts(model):
            groups[b - a, weight.shape[1]].append((weight, a, b))
        self.groups = list(groups.values())
        self.masters = [self.stack(group, grad=False).float() for group in self.groups]
        self.moments = [torch.zeros_like(master) for master in self.masters]
        steered = {id(weight) for group in self.groups for weight, _, _ in group}
        self.plain = [w for w in model.parameters() if id(w) not in steered]
        self.copies = [w.detach().float().clone() for w in self.plain]
        self.adam = torch.optim.AdamW(self.copies, adam_lr, betas=(0.9, 0.95), weight_decay=0.0)
        self.adam_lr = adam_lr

    @staticmethod
    def stack(group: list[tuple[Tensor, int, int]], *, grad: bool) -> Tensor:
        rows = [(w.grad if grad else w.detach())[a:b] for w, a, b in group]  # type: ignore[index]
        return torch.stack(rows)

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """One step at `scale` times the learning rates; gradients are cleared."""
        for group, master, moment in zip(self.groups, self.masters, self.moments, strict=True):
            grad = self.stack(group, grad=True).float()
            moment.lerp_(grad, 1 - self.momentum)
            update = orthogonal(grad.lerp(moment, self.momentum))
            rate = self.muon_lr * scale
            master.mul_(1 - rate * self.decay)
            tallness = max(1.0, master.shape[1] / master.shape[2]) ** 0.5
            master.add_(update, alpha=-rate * tallness)
            for n, (weight, a, b) in enumerate(group):
                weight[a:b].copy_(master[n])
        for weight, copy in zip(self.plain, self.copies, strict=True):
            copy.grad = weight.grad.float() if weight.grad is not None else None
        for setting in self.adam.param_groups:
            setting["lr"] = self.adam_lr * scale
        self.adam.step()
        for weight, copy in zip(self.plain, self.copies, strict=True):
            weight.copy_(copy)
            weight.grad = None
        for group in self.groups:
            for weight, _, _ in group:
                weight.grad = None

"""Starts a network with the circuit that copies: "what followed this word the last time?"

Quoting an unseen text needs a head that looks at the previous token and, above it, heads that
look for the current token among those (Olsson et al., 2022, In-context Learning and Induction
Heads). A network of this size finds the pair late: without this start, quotes were still made up
after 4 million tokens. Training is free to change every one of these weights.
"""

from __future__ import annotations

import torch
from network import Pico, rotate
from torch import Tensor
from torch.nn import functional

OFFSET = 0.6  # length of the direction all embeddings share, which lets a head ignore content
SHARP = 1.3  # of the previous-token head
FOUND = 2.0  # spread of queries and keys in the heads that search
NEAR = 5  # quickest rotations, which tell neighbours apart


def basis(size: int, columns: int, avoid: Tensor, generator: torch.Generator) -> Tensor:
    """[size, columns] orthonormal, and orthogonal to the columns of `avoid`."""
    fixed = torch.linalg.qr(avoid)[0]
    free = torch.randn(size, columns, generator=generator)
    return torch.linalg.qr(free - fixed @ (fixed.T @ free))[0]


@torch.no_grad()
def start_copying(model: Pico, seed: int) -> None:
    """Sets the last key-value group of layer 0 and the first two of layer 1; zeroes other outputs.

    Needs at least two key-value groups, and float32 weights.
    """
    s = model.shape
    head, half = s.head, s.head // 2
    per_group = s.heads // s.kv_heads
    generator = torch.Generator().manual_seed(seed)
    shared = functional.normalize(torch.randn(s.width, 1, generator=generator), dim=0)
    model.embed.weight.normal_(0.0, 0.06, generator=generator).add_(OFFSET * shared.T)
    for block in model.blocks:
        block.out.weight.zero_()
        block.down.weight.zero_()
    lower, upper = model.blocks[0], model.blocks[1]
    normed = functional.rms_norm(model.embed.weight, (s.width,), eps=s.eps)
    group = s.kv_heads - 1

    frequencies = s.theta ** -(torch.arange(half) / half)
    ahead = torch.zeros(head)
    ahead[:NEAR] = torch.cos(frequencies[:NEAR])
    ahead[half : half + NEAR] = torch.sin(frequencies[:NEAR])
    here = torch.zeros(head)
    here[:NEAR] = 1.0
    strength = SHARP * (7 * head**0.5) ** 0.5 / (normed @ shared).mean()
    reader = basis(s.width, head, shared, generator)
    reader /= (normed @ reader).std()
    writer = basis(s.width, head, torch.cat((shared, reader), dim=1), generator) * 0.17
    keys = s.heads * head
    values = keys + s.kv_heads * head
    lower.qkv.weight[keys + group * head :][:head] = strength * torch.outer(ahead, shared[:, 0])
    lower.qkv.weight[values + group * head :][:head] = reader.T
    for n in range(group * per_group, (group + 1) * per_group):
        lower.qkv.weight[n * head :][:head] = strength * torch.outer(here, shared[:, 0])
        lower.out.weight[:, n * head : (n + 1) * head] = writer / per_group

    slow = torch.cat((torch.arange(half // 2, half), torch.arange(half // 2, half) + half))
    copied = basis(s.width, 2 * head, shared, generator)
    for group in range(2):
        mixed = torch.linalg.qr(torch.randn(head, len(slow), generator=generator))[0].T
        query, key = torch.zeros(head, s.width), torch.zeros(head, s.width)
        query[slow] = mixed @ reader.T
        key[slow] = mixed @ writer.T
        carried = copied[:, group * head : (group + 1) * head]
        upper.qkv.weight[keys + group * head :][:head] = key
        upper.qkv.weight[values + group * head :][:head] = carried.T
        for n in range(group * per_group, (group + 1) * per_group):
            upper.qkv.weight[n * head :][:head] = query
            upper.out.weight[:, n * head : (n + 1) * head] = carried * (0.3 / per_group)
    tokens = torch.randint(0, s.vocab, (4, min(256, s.positions)), generator=generator)
    states = lower(model.embed(tokens), model.cos[: tokens.shape[1]], model.sin[: tokens.shape[1]])
    seen = upper.qkv(functional.rms_norm(states, (s.width,), eps=s.eps))
    for first, size in ((0, 2 * per_group * head), (keys, 2 * head)):
        found = seen[..., first : first + size].unflatten(-1, (-1, head))[..., slow]
        upper.qkv.weight[first : first + size] *= FOUND / found.std()


@torch.no_grad()
def looks_back(model: Pico, tokens: Tensor) -> float:
    """How much of layer 1's best head looks at what followed, on tokens [1, n] repeated once."""
    s = model.shape
    twice = torch.cat((tokens, tokens), dim=1)
    length = twice.shape[1]
    cos, sin = model.cos[:length], model.sin[:length]
    lower, upper = model.blocks[0], model.blocks[1]
    states = lower(model.embed(twice), cos, sin)
    qkv = upper.qkv(functional.rms_norm(states, (s.width,), upper.norm_in, s.eps))
    heads = qkv.view(1, length, -1, s.head).transpose(1, 2)
    q, k, _ = heads.split((s.heads, s.kv_heads, s.kv_heads), dim=1)
    q, k = rotate(q, cos, sin), rotate(k, cos, sin)
    k = k.repeat_interleave(s.heads // s.kv_heads, dim=1)
    scores = (q @ k.mT / s.head**0.5)[0]
    scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), float("-inf"))
    at = torch.arange(2, tokens.shape[1] - 1)
    return scores.softmax(-1)[:, at + tokens.shape[1], at + 1].mean(1).max().item()

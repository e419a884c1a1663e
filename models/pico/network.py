"""The Llama network of pico, written out lean for training on a CPU, and its Hugging Face layout.

Owns the shape. Weights are kept in bfloat16 while training where the hardware has it (their
float32 masters live in the optimizer), projections that read the same input are one matrix, and
logits are computed only where there is a target: together about twice the throughput of
LlamaForCausalLM under autocast.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    vocab: int = 4096
    width: int = 256
    layers: int = 5
    heads: int = 8
    kv_heads: int = 4
    hidden: int = 640
    positions: int = 2048
    theta: float = 1_000_000.0
    eps: float = 1e-5

    @property
    def head(self) -> int:
        return self.width // self.heads


def working_type(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it; a CPU that has to emulate it is six times slower.

    Measured on a core with AVX2 only: 6 GFLOPS in bfloat16, 34 in float32.
    """
    if device == "cpu" and not torch.cpu._is_avx512_bf16_supported():
        return torch.float32
    return torch.bfloat16


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        rows = (shape.heads + 2 * shape.kv_heads) * shape.head
        self.qkv = nn.Linear(shape.width, rows, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)
        self.norm_in = nn.Parameter(torch.ones(shape.width))
        self.norm_mlp = nn.Parameter(torch.ones(shape.width))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        s = self.shape
        rows, length, _ = x.shape
        qkv = self.qkv(functional.rms_norm(x, (s.width,), self.norm_in, s.eps))
        qkv = qkv.view(rows, length, -1, s.head).transpose(1, 2)
        q, k, v = qkv.split((s.heads, s.kv_heads, s.kv_heads), dim=1)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        repeat = s.heads // s.kv_heads
        k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, s.width))
        gate, up = self.gate_up(functional.rms_norm(x, (s.width,), self.norm_mlp, s.eps)).chunk(
            2, dim=-1
        )
        return x + self.down(functional.silu(gate) * up)


class Pico(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.width))
        steps = torch.arange(0, shape.head, 2).float() / shape.head
        angles = torch.outer(torch.arange(shape.positions).float(), shape.theta**-steps)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = (2 * shape.layers) ** -0.5 if ".out." in name or ".down." in name else 1.0
                nn.init.normal_(weight, std=0.02 if "embed" in name else 0.06 * deep)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [rows, length] to final states [rows, length, width]."""
        x = self.embed(tokens)
        length = tokens.shape[1]
        cos, sin = self.cos[:length].to(x.dtype), self.sin[:length].to(x.dtype)
        for block in self.blocks:
            x = block(x, cos, sin)
        return functional.rms_norm(x, (self.shape.width,), self.norm, self.shape.eps)

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over the targets that are not -100 (same shape as tokens)."""
        wanted = (targets >= 0).flatten().nonzero().squeeze(1)
        states = self(tokens).flatten(0, 1).index_select(0, wanted)
        logits = functional.linear(states, self.embed.weight)
        return functional.cross_entropy(logits.float(), targets.flatten().index_select(0, wanted))


def hf_views(model: Pico) -> dict[str, Tensor]:
    """The weights under their LlamaForCausalLM names, sharing the model's memory."""
    s = model.shape
    named = {"model.embed_tokens.weight": model.embed.weight, "model.norm.weight": model.norm}
    for n, block in enumerate(model.blocks):
        at = f"model.layers.{n}."
        sizes = (s.heads * s.head, s.kv_heads * s.head, s.kv_heads * s.head)
        q, k, v = block.qkv.weight.split(sizes)
        gate, up = block.gate_up.weight.chunk(2)
        named |= {
            at + "self_attn.q_proj.weight": q,
            at + "self_attn.k_proj.weight": k,
            at + "self_attn.v_proj.weight": v,
            at + "self_attn.o_proj.weight": block.out.weight,
            at + "mlp.gate_proj.weight": gate,
            at + "mlp.up_proj.weight": up,
            at + "mlp.down_proj.weight": block.down.weight,
            at + "input_layernorm.weight": block.norm_in,
            at + "post_attention_layernorm.weight": block.norm_mlp,
        }
    return {name: weight.detach() for name, weight in named.items()}


def load(model: Pico, folder: Path) -> None:
    """Fills the model with weights that `save` wrote."""
    stored = load_file(folder / "model.safetensors")
    with torch.no_grad():
        for name, weight in hf_views(model).items():
            weight.copy_(stored[name])


def hf_config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "intermediate_size": shape.hidden,
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": shape.eps,
        "rope_theta": shape.theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.theta},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "dtype": "bfloat16",
    }


def replace_text(path: Path, value: dict[str, object]) -> None:
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def save(model: Pico, folder: Path) -> None:
    """Writes weights and configs so that a reader sees the old file or the new one, never half."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "model.safetensors.tmp"
    weights = {k: v.to("cpu", torch.bfloat16).clone() for k, v in hf_views(model).items()}
    save_file(weights, fresh, metadata={"format": "pt"})
    fresh.chmod(0o644)
    os.replace(fresh, folder / "model.safetensors")
    replace_text(folder / "config.json", hf_config(model.shape))
    sampling: dict[str, object] = {
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        "do_sample": True, "temperature": 0.6, "top_p": 0.95,
    }  # fmt: skip
    replace_text(folder / "generation_config.json", sampling)

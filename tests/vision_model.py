"""A tiny vision-language model for tests: pico's shape of text model under an untrained Idefics3.

It writes nonsense; what counts is that vLLM loads it, takes images beside a prompt, and expands
each placeholder into image tokens.

    python -m tests.vision_model FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

PICO = "models/pico"
IMAGE_TOKEN = "<image>"
IMAGE_SEQ_LEN = 4
_SIDE = 56
_TEMPLATE = (
    "{{- bos_token }}{%- for message in messages %}{{- '<|' + message['role'] + '|>\\n' }}"
    "{%- if message['content'] is string %}{{- message['content'] }}{%- else %}"
    "{%- for part in message['content'] %}"
    "{%- if part['type'] == 'image' %}{{- '<image>' }}{%- else %}{{- part['text'] }}{%- endif %}"
    "{%- endfor %}{%- endif %}{{- '<|end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}"
)


def build(folder: Path) -> None:
    """Save model, tokenizer and processor; the same weights each time."""
    import torch
    from transformers import (
        AutoTokenizer,
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3Processor,
        LlamaConfig,
    )
    from transformers.models.idefics3.image_processing_pil_idefics3 import (
        Idefics3ImageProcessorPil,
    )

    tokenizer = AutoTokenizer.from_pretrained(PICO)
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": _SIDE},
        max_image_size={"longest_edge": _SIDE},
        do_image_splitting=False,
    )
    processor = Idefics3Processor(
        images, tokenizer, image_seq_len=IMAGE_SEQ_LEN, chat_template=_TEMPLATE
    )
    tokenizer = processor.tokenizer
    text = LlamaConfig.from_pretrained(PICO)
    text.vocab_size = -(-len(tokenizer) // 64) * 64
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": _SIDE,
        "patch_size": 14,
    }
    config = Idefics3Config(
        text_config=text.to_dict(),
        vision_config=vision,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))

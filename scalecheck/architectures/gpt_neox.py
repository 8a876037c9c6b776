"""GPT-NeoX-20B (Black et al. 2022, arXiv 2204.06745), as in transformers' ``GPTNeoXForCausalLM``. Also Pythia and StableLM-alpha.

A decoder with rotary positions, biases throughout and an untied head. ``use_parallel_residual`` puts attention and MLP side by side,
each behind its own norm, so it changes no count.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import Key, switch
from scalecheck.parts import layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("gpt_neox",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """GPT-NeoX's own switch: whether the four projections of attention carry biases. Those of the MLP always do."""

    family: str = "gpt_neox"
    attention_bias: bool = True


# GPTNeoXConfig knows neither grouped heads nor a head width of its own.
KEYS: dict[str, Key] = {
    **{name: key for name, key in DECODER_KEYS.items() if name not in ("num_key_value_heads", "head_dim")},
    "attention_bias": switch("attention_bias"),
}

# transformers 5.23.0, GPTNeoXConfig: the 20B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 44,
    "hidden_size": 6144,
    "vocab_size": 50432,
    "num_attention_heads": 64,
    "intermediate_size": 24576,
    "attention_bias": True,
    "tie_word_embeddings": False,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), workload)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)

"""Llama 1 to 3 (Touvron et al. 2023; Grattafiori et al. 2024), as in transformers' ``LlamaForCausalLM``. Also SmolLM2.

A pre-norm decoder with rotary positions (no params), grouped-query attention, a gated MLP and RMSNorm.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("llama",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """Llama's own switches: whether projections carry biases."""

    family: str = "llama"
    attention_bias: bool = False
    mlp_bias: bool = False


KEYS = DECODER_KEYS | {"attention_bias": switch("attention_bias"), "mlp_bias": switch("mlp_bias")}

# transformers 5.23.0, LlamaConfig: the first Llama's 7B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 32000,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), workload)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=shape.mlp_bias)

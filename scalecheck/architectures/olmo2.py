"""OLMo 2 (OLMo Team 2024, arXiv 2501.00656), as in transformers' ``Olmo2ForCausalLM``.

Llama's decoder with its norms behind attention and MLP instead of before them, and RMSNorms over all heads' queries, and all keys, at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import switch
from scalecheck.parts import gated_mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES = ("olmo2",)
HEADS = ("causal_lm",)
WITHOUT_EFFECT = ("use_qk_norm",)  # the norms are always there


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """OLMo 2's own switch: whether the four projections of attention carry biases."""

    family: str = "olmo2"
    attention_bias: bool = False


KEYS = DECODER_KEYS | {"attention_bias": switch("attention_bias")}

# transformers 5.23.0, Olmo2Config: OLMo-2-7B, but with the vocabulary of the first OLMo.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 32,
    "hidden_size": 4096,
    "vocab_size": 50304,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
    "attention_bias": False,
    "tie_word_embeddings": False,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), workload)
    yield rmsnorm("attention.query_norm", shape.num_attention_heads * shape.head_dim)
    yield rmsnorm("attention.key_norm", shape.num_key_value_heads * shape.head_dim)
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length)
    yield rmsnorm("mlp_norm", shape.hidden_size)

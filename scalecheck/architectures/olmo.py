"""OLMo (Groeneveld et al. 2024, arXiv 2402.00838), as in transformers' ``OlmoForCausalLM``.

Llama's decoder with LayerNorms that have no parameters, so no norm stands in the ledger (section 2.1 there). ``clip_qkv`` clips
activations and changes no count.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.attention import attention
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of
from scalecheck.facts import Part, Workload
from scalecheck.keys import switch
from scalecheck.parts import gated_mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("olmo",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """OLMo's own switch: whether the four projections of attention carry biases."""

    family: str = "olmo"
    attention_bias: bool = False


KEYS = DECODER_KEYS | {"attention_bias": switch("attention_bias")}

# transformers 5.23.0, OlmoConfig: OLMo-7B.
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
    """Yield the ledger: token table, the layers, the head."""
    yield from decoder(shape, workload, repeat(_layer(shape, workload), shape.num_layers))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield from attention(heads_of(shape, qkv_bias=shape.attention_bias, output_bias=shape.attention_bias), workload)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length)

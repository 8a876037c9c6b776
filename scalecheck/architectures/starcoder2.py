"""StarCoder2 (Lozhkov et al. 2024, arXiv 2402.19173), as in transformers' ``Starcoder2ForCausalLM``.

A decoder with rotary positions, grouped-query attention, a plain MLP, LayerNorm and, in all layers or none, a sliding window.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.attention import projections
from scalecheck.decoders import DECODER_KEYS, DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.facts import Part, Workload
from scalecheck.keys import size, switch
from scalecheck.parts import layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("starcoder2",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """StarCoder2's own sizes. ``bias`` is that of every linear layer but the head; LayerNorm keeps its own."""

    family: str = "starcoder2"
    bias: bool = True
    sliding_window: int | None = None
    tie_word_embeddings: bool = True


KEYS = DECODER_KEYS | {"bias": switch("use_bias"), "sliding_window": size("sliding_window")}

# transformers 5.23.0, Starcoder2Config: the 3B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 30,
    "hidden_size": 3072,
    "vocab_size": 49152,
    "num_attention_heads": 24,
    "num_key_value_heads": 2,
    "intermediate_size": 12288,
    "bias": True,
    "tie_word_embeddings": True,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.num_layers)
    yield from decoder(shape, workload, (*layers, *scored, layernorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield layernorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=shape.bias, output_bias=shape.bias), tokens)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens, bias=shape.bias)

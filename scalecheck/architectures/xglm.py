"""XGLM (Lin et al. 2021, arXiv 2112.10668), as in transformers' ``XGLMForCausalLM``.

A pre-norm decoder with biases throughout, a tied head and sinusoidal positions, which are a buffer and no params.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.decoders import DecoderShape, decoder, derive_heads, gpt_layer
from scalecheck.facts import Part, Workload
from scalecheck.keys import Key, size, switch
from scalecheck.parts import layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("xglm",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """A decoder's sizes; XGLM has no switches that change a count but the tie."""

    family: str = "xglm"
    tie_word_embeddings: bool = True


KEYS: dict[str, Key] = {
    "num_layers": size("num_layers", "num_hidden_layers"),
    "hidden_size": size("d_model", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("attention_heads", "num_attention_heads"),
    "intermediate_size": size("ffn_dim"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, XGLMConfig: the 564M model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 1024,
    "vocab_size": 256008,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "tie_word_embeddings": True,
}

derive = derive_heads


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(gpt_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size)))

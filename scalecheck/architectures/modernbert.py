"""ModernBERT (Warner et al. 2024, arXiv 2412.13663), as in transformers' ``ModernBertForMaskedLM``.

A pre-norm encoder with rotary positions (no params) and gated MLPs, of which most layers see a window to both sides only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Heads, Window, even_heads, layered_scores, projections
from scalecheck.encoders import MaskedHead, masked_lm_head
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, check_length, even_head_dim, size, switch, texts
from scalecheck.parts import embedding, gated_mlp, layernorm, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("modernbert",)
HEADS = ("masked_lm",)
_WINDOWED, _GLOBAL = "sliding_attention", "full_attention"
_GLOBAL_EVERY = 3  # what ModernBertConfig takes where a config tells neither the layers nor their period


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """ModernBERT's own sizes. ``local_attention`` is the whole window: half of it lies on either side of a token."""

    family: str = "modernbert"
    num_attention_heads: int
    intermediate_size: int
    windowed_layers: int
    local_attention: int = 128
    attention_bias: bool = False
    mlp_bias: bool = False
    norm_bias: bool = False
    classifier_bias: bool = False
    decoder_bias: bool = True
    tie_word_embeddings: bool = True
    head: Head = "masked_lm"


# The last three are read to count the layers with a window, and to refuse what cannot be counted.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "intermediate_size": size("intermediate_size"),
    "local_attention": size("local_attention"),
    "attention_bias": switch("attention_bias"),
    "mlp_bias": switch("mlp_bias"),
    "norm_bias": switch("norm_bias"),
    "classifier_bias": switch("classifier_bias"),
    "decoder_bias": switch("decoder_bias"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
    "layer_types": texts("layer_types"),
    "global_attn_every_n_layers": size("global_attn_every_n_layers"),
    "sparse_prediction": switch("sparse_prediction"),
}

# transformers 5.23.0, ModernBertConfig: the base model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 22,
    "hidden_size": 768,
    "vocab_size": 50368,
    "num_attention_heads": 12,
    "intermediate_size": 1152,
    "local_attention": 128,
    "attention_bias": False,
    "mlp_bias": False,
    "norm_bias": False,
    "classifier_bias": False,
    "decoder_bias": True,
    "tie_word_embeddings": True,
    "sparse_prediction": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return how many layers have a window, from the list of layers or from the period of those that have none.

    Raises:
        ConfigError: heads that do not divide the width, a list that does not fit the layers, or sparse prediction.
    """
    num_layers, layer_types = values.get("num_layers"), values.get("layer_types")
    if values.get("hidden_size") is not None and values.get("num_attention_heads") is not None:
        even_head_dim(values["hidden_size"], values["num_attention_heads"])
    if values.get("sparse_prediction"):
        message = "sparse_prediction=True projects the masked tokens only, whose number the config does not tell; only False is counted"
        raise ConfigError(message)
    if layer_types is not None:
        check_length("layer_types", layer_types, num_layers)
        foreign = next((name for name in layer_types if name not in (_WINDOWED, _GLOBAL)), None)
        if foreign is not None:
            message = f"layer_types names {foreign!r}; a layer is {_WINDOWED!r} or {_GLOBAL!r}"
            raise ConfigError(message)
        return {"windowed_layers": (layer_types.count(_WINDOWED), f"entries {_WINDOWED} of layer_types")}
    if num_layers is None:
        return {}
    every = values.get("global_attn_every_n_layers", _GLOBAL_EVERY)
    windowed = num_layers - -(-num_layers // every)
    return {"windowed_layers": (windowed, f"num_layers {num_layers}, of which the first and every further {every}th have no window")}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table and its norm, the layers, the last norm, the head."""
    width, tokens = shape.hidden_size, workload.sequence_length
    yield embedding("token_embedding", shape.vocab_size, width)
    yield layernorm("embedding_norm", width, bias=shape.norm_bias)
    # The first layer's attention takes what the norm of the embedding has made, without one of its own.
    yield from repeat([layernorm("attention_norm", width, bias=shape.norm_bias)], shape.num_layers - 1)
    yield from repeat(_layer(shape, tokens), shape.num_layers)
    window = Window(width=shape.local_attention)
    yield from layered_scores(_heads(shape), workload, shape.num_layers, shape.windowed_layers, window, causal=False)
    yield layernorm("final_norm", width, bias=shape.norm_bias)
    head = MaskedHead(
        hidden_size=width,
        table_width=width,
        vocab_size=shape.vocab_size,
        tied=shape.tie_word_embeddings,
        dense_bias=shape.classifier_bias,
        norm_bias=shape.norm_bias,
        decoder_biases=1 if shape.decoder_bias else 0,
    )
    yield from masked_lm_head(head, tokens)


def _heads(shape: Shape) -> Heads:
    return even_heads(shape.hidden_size, shape.num_attention_heads, bias=shape.attention_bias)


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield from projections(_heads(shape), tokens)
    yield layernorm("mlp_norm", shape.hidden_size, bias=shape.norm_bias)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens, bias=shape.mlp_bias)

"""MPT (MosaicML 2023, www.databricks.com/blog/mpt-7b), as in transformers' ``MptForCausalLM``.

A decoder with ALiBi (no params), no biases at all, not even in its norms, and an MLP four times as wide as the model. MosaicML's own
implementation (llm-foundry) has options that transformers' ignores: which model is meant cannot be told, so they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_mlp, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, number, size, switch, text
from scalecheck.parts import layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("mpt",)
HEADS = ("causal_lm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """A decoder's sizes; transformers' MPT has no switches that change a count but the tie."""

    family: str = "mpt"
    tie_word_embeddings: bool = True


KEYS: dict[str, Key] = {
    "num_layers": size("n_layers", "num_hidden_layers"),
    "hidden_size": size("d_model", "hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_heads", "num_attention_heads"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
    "expansion_ratio": number("expansion_ratio"),
    "no_bias": switch("no_bias"),
    "learned_pos_emb": switch("learned_pos_emb"),
    "alibi": switch("attn_config.alibi"),
    "qk_ln": switch("attn_config.qk_ln"),
    "attn_type": text("attn_config.attn_type"),
    "ffn_type": text("ffn_config.ffn_type"),
    "ffn_hidden_size": size("ffn_config.ffn_hidden_size"),
}

# transformers 5.23.0, MptConfig: the sizes of MosaicML's 1B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 50368,
    "num_attention_heads": 16,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width, or an option that transformers' model ignores and llm-foundry's obeys.
    """
    refused = next(_ignored(values), None)
    if refused:
        message = f"{refused}: transformers' MPT ignores it and MosaicML's does not, so which model is meant cannot be told"
        raise ConfigError(message)
    return derive_heads(values) | derive_mlp(values)


def _ignored(values: Mapping[str, Any]) -> Iterator[str]:
    """Name the options with which the two implementations are different models."""
    if values.get("expansion_ratio", 4) != 4:
        yield f"expansion_ratio={values['expansion_ratio']} is not 4"
    if values.get("no_bias") is False:
        yield "no_bias=false"
    if values.get("qk_ln"):
        yield "qk_ln=true"
    for name, only in (("attn_type", "multihead_attention"), ("ffn_type", "mptmlp")):
        if values.get(name, only) != only:
            yield f"{name}={values[name]}"
    if "ffn_hidden_size" in values:
        yield f"ffn_hidden_size={values['ffn_hidden_size']}"
    if values.get("alibi") is False and values.get("learned_pos_emb", True):
        yield "alibi=false with learned_pos_emb"


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, layernorm("final_norm", shape.hidden_size, bias=False)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield layernorm("attention_norm", shape.hidden_size, bias=False)
    yield from attention(heads_of(shape), workload)
    yield layernorm("mlp_norm", shape.hidden_size, bias=False)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length)

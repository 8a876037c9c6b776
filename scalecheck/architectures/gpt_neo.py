"""GPT-Neo (Black et al. 2021, doi 10.5281/zenodo.5297715), as in transformers' ``GPTNeoForCausalLM``.

GPT-2's layers without biases on queries, keys and values; every other layer attends only to the last ``window_size`` positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Window, layered_scores, projections
from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_mlp, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, check_length, entries, size, switch, texts
from scalecheck.parts import embedding, layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ("gpt_neo",)
HEADS = ("causal_lm",)

# transformers 5.23.0, GPTNeoConfig without attention_types: global and local by turns, in 24 layers, whatever num_layers says.
_DEFAULT_LAYERS = ("global", "local") * 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """GPT-Neo's own sizes. ``local_layers`` have the window; ``None`` where the config tells them in a form that is not read."""

    family: str = "gpt_neo"
    max_positions: int | None
    local_layers: int | None = None
    window_size: int = 256
    tie_word_embeddings: bool = True


# GPTNeoConfig spreads attention_types ([[["global", "local"], 12]]) to attention_layers, which its config.json holds besides and which
# wins over it; of attention_types alone a Key can only tell that it is there.
KEYS: dict[str, Key] = {
    "num_layers": size("num_layers", "num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_heads", "num_attention_heads"),
    "intermediate_size": size("intermediate_size"),
    "max_positions": size("max_position_embeddings"),
    "attention_layers": texts("attention_layers"),
    "attention_types": entries("attention_types"),
    "window_size": size("window_size"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, GPTNeoConfig: the 1.3B model.
CLASS_DEFAULTS: dict[str, int | bool] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 50257,
    "num_attention_heads": 16,
    "max_positions": 2048,
    "window_size": 256,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the missing fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: the heads do not divide the width, or the layers listed are not those of the model.
    """
    return derive_heads(values) | derive_mlp(values) | _derive_windows(values)


def _derive_windows(values: Mapping[str, Any]) -> Derived:
    num_layers, listed = values.get("num_layers"), values.get("attention_layers")
    if num_layers is None or (listed is None and "attention_types" in values):
        return {}
    if listed is None and num_layers != len(_DEFAULT_LAYERS):
        message = f"attention_layers is not set, and GPT-Neo's default is {len(_DEFAULT_LAYERS)} layers, not num_layers={num_layers}"
        raise ConfigError(message)
    layers = _DEFAULT_LAYERS if listed is None else listed
    check_length("attention_layers", layers, num_layers)
    foreign = next((kind for kind in layers if kind not in ("global", "local")), None)
    if foreign is not None:
        message = f"attention_layers names '{foreign}'; a layer of GPT-Neo is global or local"
        raise ConfigError(message)
    return {"local_layers": (layers.count("local"), f"local ones among {len(layers)} attention_layers")}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token and position tables, the layers, the last norm, the head."""
    positions = embedding("position_embedding", shape.max_positions, shape.hidden_size, kind="position_embedding")
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    yield from decoder(shape, workload, (positions, *layers, *_scores(shape, workload), layernorm("final_norm", shape.hidden_size)))


def _scores(shape: Shape, workload: Workload) -> Iterator[Part]:
    if shape.local_layers is None and workload.attention == "windowed":
        yield Part(name="attention.scores", kind="scores", forward_flops=None)
        return
    yield from layered_scores(heads_of(shape), workload, shape.num_layers, shape.local_layers or 0, Window(width=shape.window_size))


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    yield layernorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, output_bias=True), tokens)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens, bias=True)

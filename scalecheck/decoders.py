"""What most decoders have in common: their sizes, how Hugging Face configs name them, and the frame around the layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scalecheck.attention import Heads, Window, attention, layered_scores, projections
from scalecheck.errors import ConfigError
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, check_groups, count_layers, even_head_dim, size, switch
from scalecheck.parts import embedding, gated_mlp, layernorm, lm_head, mlp, rmsnorm
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderShape(ModelShape):
    """The sizes of a decoder. ``intermediate_size`` is, in a gated MLP, the width of one of its two branches."""

    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int


DECODER_KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "num_key_value_heads": size("num_key_value_heads"),
    "head_dim": size("head_dim"),
    "intermediate_size": size("intermediate_size"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}


def derive_heads(values: Mapping[str, Any]) -> Derived:
    """Return the key-value heads and the head width where they follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: no head_dim is given and the heads do not divide the width, or the key-value heads do not divide the heads.
    """
    derived: Derived = {}
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if num_heads is None:
        return derived
    check_groups(num_heads, values.get("num_key_value_heads"))
    if values.get("num_key_value_heads") is None:
        derived["num_key_value_heads"] = (num_heads, f"as many as num_attention_heads {num_heads}")
    if values.get("head_dim") is None and hidden_size is not None:
        derived["head_dim"] = (even_head_dim(hidden_size, num_heads), f"hidden_size {hidden_size} / num_attention_heads {num_heads}")
    return derived


def derive_mlp(values: Mapping[str, Any]) -> Derived:
    """Return ``intermediate_size`` as four times the width, where it is not given."""
    hidden_size = values.get("hidden_size")
    if values.get("intermediate_size") is not None or hidden_size is None:
        return {}
    return {"intermediate_size": (4 * hidden_size, f"4 x hidden_size {hidden_size}")}


def derive_shrunk_mlp(values: Mapping[str, Any], ratio: float, multiple: int) -> Derived:
    """Return one branch's width as flash-linear-attention has it: 2/3 x ratio x width, rounded up to a multiple.

    In the code's order, in floating point: a product that falls short of a whole number is cut down before it is rounded up.
    """
    hidden_size, ratio = values.get("hidden_size"), values.get("hidden_ratio", ratio)
    if hidden_size is None:
        return {}
    wanted = int(hidden_size * ratio * 2 / 3)
    because = f"2/3 x hidden_ratio {ratio} x hidden_size {hidden_size} = {wanted}, rounded up to a multiple of {multiple}"
    return {"intermediate_size": (-(-wanted // multiple) * multiple, because)}


def heads_of(shape: DecoderShape, *, qkv_bias: bool = False, output_bias: bool = False) -> Heads:
    """Return the geometry of a decoder's attention."""
    return Heads(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_key_value_heads,
        head_dim=shape.head_dim,
        qkv_bias=qkv_bias,
        output_bias=output_bias,
    )


def derive_last_windows(values: Mapping[str, Any]) -> Derived:
    """Return how many layers have a window where it is a switch: those listed, else the layers behind the first ``max_window_layers``.

    Raises:
        ConfigError: layer types that do not fit, or a window that is listed or switched on and is not told.
    """
    num_layers, listed = values.get("num_layers"), count_layers(values, "sliding_attention")
    has_window = bool(values.get("use_sliding_window")) and values.get("sliding_window") is not None
    if listed and not has_window:
        message = f"layer_types has {listed} times sliding_attention, and without use_sliding_window and sliding_window there is no window"
        raise ConfigError(message)
    if listed is not None:
        return {"windowed_layers": (listed, f"{listed} of layer_types are sliding_attention")}
    if not has_window:
        return {"windowed_layers": (0, "use_sliding_window is not set, or sliding_window is not")}
    first = values.get("max_window_layers")
    if first is None:
        message = "use_sliding_window is true, and max_window_layers is not set: it tells how many layers have no window"
        raise ConfigError(message)
    return {} if num_layers is None else {"windowed_layers": (max(num_layers - first, 0), f"{num_layers} layers without the first {first}")}


def derive_listed_windows(values: Mapping[str, Any]) -> Derived:
    """Return how many layers have a window by ``layer_types``; nothing where it is not set.

    Raises:
        ConfigError: layer types that do not fit, or a window without a width.
    """
    listed = count_layers(values, "sliding_attention")
    if listed and values.get("sliding_window") is None:
        message = f"layer_types has {listed} times sliding_attention, and sliding_window is not set: the width of their window is missing"
        raise ConfigError(message)
    return {} if listed is None else {"windowed_layers": (listed, f"{listed} of layer_types are sliding_attention")}


def windowed_scores(shape: DecoderShape, workload: Workload, width: int | None, layers: int, *, causal: bool = True) -> Iterator[Part]:
    """The scores of all layers, of which ``layers`` see a sliding window of ``width`` positions, if there is one."""
    window = None if width is None else Window(width=width)
    return layered_scores(heads_of(shape), workload, shape.num_layers, layers if window else 0, window, causal=causal)


def gpt_layer(shape: DecoderShape, workload: Workload) -> Iterator[Part]:
    """GPT-2's layer: LayerNorm before attention and before a plain MLP, biases throughout."""
    yield layernorm("attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=True, output_bias=True), workload)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)


def llama_layer(shape: DecoderShape, tokens: int, *, qkv_bias: bool = False) -> Iterator[Part]:
    """Llama's layer but for its scores: RMSNorm before attention and before a gated MLP, no biases but on q, k and v where asked."""
    yield rmsnorm("attention_norm", shape.hidden_size)
    yield from projections(heads_of(shape, qkv_bias=qkv_bias), tokens)
    yield rmsnorm("mlp_norm", shape.hidden_size)
    yield from gated_mlp(shape.hidden_size, shape.intermediate_size, tokens=tokens)


def decoder(shape: ModelShape, workload: Workload, body: Iterable[Part], *, head_bias: bool = False) -> Iterator[Part]:
    """Put a stack into its frame: the token table before it, the projection to the vocabulary behind it."""
    yield embedding("token_embedding", shape.vocab_size, shape.hidden_size)
    yield from body
    yield lm_head(shape.hidden_size, shape.vocab_size, tokens=workload.sequence_length, tied=shape.tie_word_embeddings)
    if head_bias:
        yield Part(name="lm_head.bias", kind="bias", params=shape.vocab_size)

"""OLMo (Groeneveld et al. 2024, arXiv 2402.00838) as its own training code builds it: allenai/OLMo, olmo/model.py, class ``OLMo``.

The options of its ``ModelConfig`` reach from a GPT-2 with learned positions to OLMo 2 (arXiv 2501.00656). Read at commit 59a53e3 of
September 2025; the blocks and norms of release v0.1.0, which that commit no longer has, are counted too. ``mlp_hidden_size`` and
``mlp_ratio`` give what the first matrix puts out: of a gated unit (``swiglu``) both halves. Where norms stand (``norm_after``),
``clip_qkv``, ``scale_logits`` and ``block_group_size`` change no count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch, text
from scalecheck.parts import embedding, gated_mlp, layernorm, lm_head, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ()
HEADS = ("causal_lm",)
_ACTIVATIONS = ("swiglu", "gelu", "relu")
_BLOCKS = ("sequential", "llama", "parallel")
_NORMS = ("default", "low_precision", "rms", "amd_compatible")
"""All four have the same parameters: a gain and, if ``bias_for_layer_norm``, an offset (olmo/model.py, ``LayerNormBase``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """OLMo's own options. ``intermediate_size`` is the width of one branch; ``embedding_size`` the rows of the token table and of the head.

    ``max_positions`` is the rows of the position table, ``None`` where positions are rotary or ALiBi's. A norm without ``affine`` has no
    parameters; queries' and keys' norms have a switch of their own.
    """

    family: str = "ai2_olmo"
    tie_word_embeddings: bool = True
    embedding_size: int | None = None
    max_positions: int | None = None
    activation_type: str = "swiglu"
    block_type: str = "sequential"
    include_bias: bool = True
    norm_bias: bool = True
    norm_affine: bool = True
    query_key_norm: bool = False
    query_key_norm_affine: bool = True
    embedding_norm: bool = False


# olmo/config.py, ModelConfig.
KEYS: dict[str, Key] = {
    "num_layers": size("n_layers"),
    "hidden_size": size("d_model"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_heads"),
    "num_key_value_heads": size("n_kv_heads"),
    "multi_query": switch("multi_query_attention"),
    "mlp_hidden_size": size("mlp_hidden_size"),
    "mlp_ratio": size("mlp_ratio"),
    "embedding_size": size("embedding_size"),
    "tie_word_embeddings": switch("weight_tying"),
    "max_length": size("max_sequence_length"),
    "alibi": switch("alibi"),
    "rope": switch("rope"),
    "activation_type": text("activation_type"),
    "block_type": text("block_type"),
    "layer_norm_type": text("layer_norm_type"),
    "include_bias": switch("include_bias"),
    "norm_bias": switch("bias_for_layer_norm"),
    "norm_affine": switch("layer_norm_with_affine"),
    "query_key_norm": switch("attention_layer_norm"),
    "query_key_norm_affine": switch("attention_layer_norm_with_affine"),
    "embedding_norm": switch("embedding_layer_norm"),
}

# olmo/config.py, ModelConfig: a GPT-2 with a gated unit. What is None there is derived.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 12,
    "hidden_size": 768,
    "vocab_size": 50257,
    "num_attention_heads": 12,
    "mlp_ratio": 4,
    "embedding_size": 50304,
    "tie_word_embeddings": True,
    "max_length": 1024,
    "alibi": False,
    "rope": False,
    "activation_type": "swiglu",
    "block_type": "sequential",
    "layer_norm_type": "default",
    "include_bias": True,
    "norm_affine": True,
    "query_key_norm": False,
    "query_key_norm_affine": True,
    "embedding_norm": False,
}

# configs/official-1124/OLMo2-7B-stage1.yaml, whose model card says 7,298,617,344 parameters in 32 layers.
EXAMPLE: dict[str, Any] = {
    "d_model": 4096,
    "n_heads": 32,
    "n_layers": 32,
    "mlp_hidden_size": 22016,
    "weight_tying": False,
    "alibi": False,
    "rope": True,
    "rope_theta": 500000,
    "include_bias": False,
    "block_type": "sequential",
    "layer_norm_type": "rms",
    "layer_norm_with_affine": True,
    "bias_for_layer_norm": False,
    "attention_layer_norm": True,
    "attention_layer_norm_with_affine": True,
    "norm_after": True,
    "activation_type": "swiglu",
    "max_sequence_length": 4096,
    "vocab_size": 100278,
    "embedding_size": 100352,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the fields that follow from ``values``, each with its arithmetic (olmo/model.py, ``OLMoBlock`` and ``OLMo``).

    Raises:
        ConfigError: an option that OLMo does not have, or sizes and options of which its code builds no model.
    """
    for name, known in (("activation_type", _ACTIVATIONS), ("block_type", _BLOCKS), ("layer_norm_type", _NORMS)):
        if values.get(name, known[0]) not in known:
            message = f"{name}={values[name]} is none of OLMo's ({', '.join(known)}): another code's option, whose parameters are not known"
            raise ConfigError(message)
    if values.get("alibi") and values.get("rope"):
        message = "alibi and rope are both true, and OLMo takes one of them: set one to false"
        raise ConfigError(message)
    heads = _derive_key_value_heads(values)
    grouped = dict(values) | {name: value for name, (value, _) in heads.items()}
    _check_rows(values)
    derived = _derive_positions(values) | _derive_mlp(values) | heads | derive_heads(grouped)
    if "include_bias" in values:
        derived["norm_bias"] = (values["include_bias"], "as include_bias, where bias_for_layer_norm is not set")
    return derived


def _derive_key_value_heads(values: Mapping[str, Any]) -> Derived:
    """Return ``ModelConfig.effective_n_kv_heads``; derived fields fill what is not set, so one that is set must agree."""
    num_heads, told, is_multi_query = values.get("num_attention_heads"), values.get("num_key_value_heads"), values.get("multi_query")
    hidden_size = values.get("hidden_size")
    if num_heads is None:
        return {}
    if hidden_size is not None:
        even_head_dim(hidden_size, num_heads)
    wanted = told if is_multi_query is None else 1 if is_multi_query else num_heads
    if told is not None and told != wanted:
        message = (
            f"num_key_value_heads={told}, but multi_query_attention={str(is_multi_query).lower()} means {wanted}: set only one of the two"
        )
        raise ConfigError(message)
    if values.get("block_type") == "llama" and not is_multi_query and wanted not in (None, num_heads):
        message = (
            f"block_type=llama makes as many keys as num_attention_heads={num_heads}, and num_key_value_heads={wanted}: OLMo cannot run it"
        )
        raise ConfigError(message)
    because = "as many as n_heads" if is_multi_query is None else f"multi_query_attention={str(is_multi_query).lower()}"
    return {"num_key_value_heads": (wanted or num_heads, because)}


def _derive_positions(values: Mapping[str, Any]) -> Derived:
    if values.get("alibi") or values.get("rope"):
        return {}
    rows = values.get("max_length")
    if rows is None:
        message = "neither rope nor alibi is true, and max_sequence_length is not set: it tells the rows of the table of learned positions"
        raise ConfigError(message)
    return {"max_positions": (rows, f"max_sequence_length {rows} rows of learned positions, as neither rope nor alibi is true")}


def _derive_mlp(values: Mapping[str, Any]) -> Derived:
    """Return one branch's width: the first matrix puts out ``mlp_hidden_size``, else ``mlp_ratio x d_model``; SwiGLU halves it."""
    hidden_size, width, ratio = values.get("hidden_size"), values.get("mlp_hidden_size"), values.get("mlp_ratio")
    told = f"mlp_hidden_size {width}"
    if width is None:
        if hidden_size is None or ratio is None:
            return {}
        width, told = ratio * hidden_size, f"mlp_ratio {ratio} x d_model {hidden_size}"
    if values.get("activation_type", "swiglu") != "swiglu":
        return {"intermediate_size": (width, told)}
    if width % 2:
        message = f"{told} is odd, and swiglu splits it into two halves"
        raise ConfigError(message)
    return {"intermediate_size": (width // 2, f"{told}, of which swiglu's gate takes one half")}


def _check_rows(values: Mapping[str, Any]) -> None:
    """Refuse fewer rows than tokens, as OLMo does; its tables have ``embedding_size`` rows, and ``vocab_size`` where that is null."""
    rows, vocab_size = values.get("embedding_size"), values.get("vocab_size")
    if rows is not None and vocab_size is not None and rows < vocab_size:
        message = f"embedding_size={rows} is less than vocab_size={vocab_size}: OLMo needs a row for every token"
        raise ConfigError(message)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token and position tables, the layers, the last norm, the head."""
    tokens, rows = workload.sequence_length, None if shape.vocab_size is None else shape.embedding_size or shape.vocab_size
    yield embedding("token_embedding", rows, shape.hidden_size)
    if shape.max_positions is not None:
        yield embedding("position_embedding", shape.max_positions, shape.hidden_size, kind="position_embedding")
    if shape.embedding_norm:
        yield from _norm(shape, "embedding_norm", shape.hidden_size)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    yield from _norm(shape, "final_norm", shape.hidden_size)
    yield lm_head(shape.hidden_size, rows, tokens=tokens, tied=shape.tie_word_embeddings)
    if shape.include_bias and not shape.tie_word_embeddings:
        yield Part(name="lm_head.bias", kind="bias", params=rows)


def _norm(shape: Shape, name: str, width: int) -> Iterator[Part]:
    if shape.norm_affine:
        yield layernorm(name, width, bias=shape.norm_bias)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    """One block; the parallel one of the first releases has a single norm for both its halves."""
    tokens, bias = workload.sequence_length, shape.include_bias
    yield from _norm(shape, "attention_norm", shape.hidden_size)
    yield from attention(heads_of(shape, qkv_bias=bias, output_bias=bias), workload)
    if shape.query_key_norm and shape.query_key_norm_affine:
        yield layernorm("attention.query_norm", shape.hidden_size, bias=shape.norm_bias)
        yield layernorm("attention.key_norm", shape.num_key_value_heads * shape.head_dim, bias=shape.norm_bias)
    if shape.block_type != "parallel":
        yield from _norm(shape, "mlp_norm", shape.hidden_size)
    feed_forward = gated_mlp if shape.activation_type == "swiglu" else mlp
    yield from feed_forward(shape.hidden_size, shape.intermediate_size, tokens=tokens, bias=bias)

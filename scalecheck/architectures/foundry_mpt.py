"""MPT (MosaicML 2023, www.databricks.com/blog/mpt-7b) as its own training code builds it: mosaicml/llm-foundry, class ``MPTForCausalLM``.

Read at commit 8c8dd48 of July 2025 (llmfoundry/models/mpt and llmfoundry/models/layers). Unlike transformers' MPT it has biases, a table of
learned positions and multi-head attention unless told otherwise, and options for each. ``no_bias`` takes the offsets of
norms too, and leaves those of queries, keys and values to ``attention_bias``. Mixtures of experts are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import projections
from scalecheck.decoders import DecoderShape, decoder, derive_heads, heads_of, windowed_scores
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, number, size, switch, text
from scalecheck.parts import embedding, gated_mlp, layernorm, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES = ()
HEADS = ("causal_lm",)
_FEED_FORWARD = ("mptmlp", "mptglu")
_LAYER_NORMS = ("low_precision_layernorm", "layernorm")
_NORMS = (*_LAYER_NORMS, "low_precision_rmsnorm", "rmsnorm", "triton_rmsnorm")
_ATTENTION = ("multihead_attention", "multiquery_attention", "grouped_query_attention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """MPT's own options. ``max_positions`` is the rows of the position table, ``None`` where there is none.

    ``query_key_norm`` normalises queries and keys over all heads (``qk_ln``), ``query_key_head_norm`` each head alike (``qk_gn``).
    """

    family: str = "foundry_mpt"
    tie_word_embeddings: bool = True
    max_positions: int | None = None
    ffn_type: str = "mptmlp"
    norm_type: str = "low_precision_layernorm"
    no_bias: bool = False
    qkv_bias: bool = True
    query_key_norm: bool = False
    query_key_head_norm: bool = False
    sliding_window: int | None = None


# llmfoundry/models/mpt/configuration_mpt.py, MPTConfig. A window is told by the dialect, since -1 is how none is written.
KEYS: dict[str, Key] = {
    "num_layers": size("n_layers"),
    "hidden_size": size("d_model"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("n_heads"),
    "num_key_value_heads": size("attn_config.kv_n_heads"),
    "head_dim": size("head_dim"),
    "attn_type": text("attn_config.attn_type"),
    "expansion_ratio": number("expansion_ratio"),
    "intermediate_size": size("ffn_config.ffn_hidden_size"),
    "ffn_type": text("ffn_config.ffn_type"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
    "max_length": size("max_seq_len"),
    "learned_pos_emb": switch("learned_pos_emb"),
    "alibi": switch("attn_config.alibi"),
    "rope": switch("attn_config.rope"),
    "norm_type": text("norm_type"),
    "no_bias": switch("no_bias"),
    "qkv_bias": switch("attention_bias"),
    "query_key_norm": switch("attn_config.qk_ln"),
    "query_key_head_norm": switch("attn_config.qk_gn"),
}

# MPTConfig, and llmfoundry/models/utils/config_defaults.py for the nested ones. What is None there is derived.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 50368,
    "num_attention_heads": 16,
    "attn_type": "multihead_attention",
    "expansion_ratio": 4,
    "ffn_type": "mptmlp",
    "tie_word_embeddings": True,
    "max_length": 2048,
    "learned_pos_emb": True,
    "alibi": False,
    "rope": False,
    "norm_type": "low_precision_layernorm",
    "no_bias": False,
    "query_key_norm": False,
    "query_key_head_norm": False,
}

# scripts/train/yamls/pretrain/mpt-1b.yaml
EXAMPLE: dict[str, Any] = {
    "name": "mpt_causal_lm",
    "init_device": "meta",
    "d_model": 2048,
    "n_heads": 16,
    "n_layers": 24,
    "expansion_ratio": 4,
    "max_seq_len": 2048,
    "vocab_size": 50368,
    "attn_config": {"attn_impl": "flash"},
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the fields that follow from ``values``, each with its arithmetic.

    Raises:
        ConfigError: an option that is not counted, or sizes of which llm-foundry builds no model.
    """
    for name, known in (("ffn_type", _FEED_FORWARD), ("norm_type", _NORMS), ("attn_type", _ATTENTION)):
        if str(values.get(name, known[0])).lower() not in known:
            message = f"{name}={values[name]} is none of those whose parameters are known ({', '.join(known)})"
            raise ConfigError(message)
    if values.get("query_key_norm") and values.get("query_key_head_norm"):
        message = "attn_config.qk_ln and attn_config.qk_gn are both true: llm-foundry takes one of them"
        raise ConfigError(message)
    if "hidden_size" in values and "num_attention_heads" in values:
        even_head_dim(values["hidden_size"], values["num_attention_heads"])  # also where head_dim is set
    heads = _derive_key_value_heads(values)
    grouped = dict(values) | {name: value for name, (value, _) in heads.items()}
    derived = _derive_positions(values) | _derive_feed_forward(values) | heads | derive_heads(grouped)
    if values.get("qkv_bias") is None:
        derived["qkv_bias"] = (not values.get("no_bias", False), "unless no_bias, where attention_bias is not set")
    return derived


def _derive_key_value_heads(values: Mapping[str, Any]) -> Derived:
    """Return the heads of keys and values, which the type of attention tells (llmfoundry/models/layers/attention.py)."""
    kind, told, num_heads = values.get("attn_type", _ATTENTION[0]), values.get("num_key_value_heads"), values.get("num_attention_heads")
    wanted = told if kind == "grouped_query_attention" else 1 if kind == "multiquery_attention" else num_heads
    if wanted is None:
        if kind == "grouped_query_attention":
            message = "attn_type=grouped_query_attention needs attn_config.kv_n_heads, which is not set"
            raise ConfigError(message)
        return {}
    if told not in (None, wanted):
        message = f"num_key_value_heads={told}, but attn_type={kind} has {wanted}: llm-foundry takes it with grouped_query_attention only"
        raise ConfigError(message)
    return {"num_key_value_heads": (wanted, f"attn_type is {kind}")}


def _derive_positions(values: Mapping[str, Any]) -> Derived:
    """Return the rows of the position table: ``MPTConfig`` has none with ALiBi or rotary positions, or without ``learned_pos_emb``."""
    if values.get("alibi") or values.get("rope") or not values.get("learned_pos_emb", True):
        return {}
    rows = values.get("max_length")
    if rows is None:
        message = "max_seq_len is not set: it tells the rows of the table of learned positions"
        raise ConfigError(message)
    return {"max_positions": (rows, f"max_seq_len {rows} rows of learned positions, as neither rope nor alibi is true")}


def _derive_feed_forward(values: Mapping[str, Any]) -> Derived:
    """Return the width that ``resolve_ffn_hidden_size`` gives; in ``mptglu`` each of the two branches is as wide."""
    hidden_size, ratio = values.get("hidden_size"), values.get("expansion_ratio", 4)
    if values.get("intermediate_size") is not None or hidden_size is None:
        return {}
    width = hidden_size * ratio
    if width != int(width):
        message = f"expansion_ratio={ratio} x hidden_size={hidden_size} is {width}: llm-foundry takes whole numbers only"
        raise ConfigError(message)
    return {"intermediate_size": (int(width), f"expansion_ratio {ratio} x d_model {hidden_size}")}


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token and position tables, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload.sequence_length), shape.num_layers)
    scored = windowed_scores(shape, workload, shape.sliding_window, shape.num_layers)
    yield from decoder(shape, workload, (*_positions(shape), *layers, *scored, _norm(shape, "final_norm")))


def _positions(shape: Shape) -> Iterator[Part]:
    if shape.max_positions is not None:
        yield embedding("position_embedding", shape.max_positions, shape.hidden_size, kind="position_embedding")


def _norm(shape: Shape, name: str) -> Part:
    return layernorm(name, shape.hidden_size, bias=shape.norm_type.lower() in _LAYER_NORMS and not shape.no_bias)


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    bias = not shape.no_bias
    yield _norm(shape, "attention_norm")
    yield from projections(heads_of(shape, qkv_bias=shape.qkv_bias, output_bias=bias), tokens)
    yield from _query_key_norms(shape)
    yield _norm(shape, "mlp_norm")
    feed_forward = gated_mlp if shape.ffn_type == "mptglu" else mlp
    yield from feed_forward(shape.hidden_size, shape.intermediate_size, tokens=tokens, bias=bias)


def _query_key_norms(shape: Shape) -> Iterator[Part]:
    """Queries' and keys' norms are ``GroupedQueryAttention``'s own LayerNorms: ``MPTBlock`` does not hand ``norm_type`` on to it."""
    if shape.query_key_norm or shape.query_key_head_norm:
        heads = (shape.num_attention_heads, shape.num_key_value_heads) if shape.query_key_norm else (1, 1)
        yield layernorm("attention.query_norm", heads[0] * shape.head_dim, bias=not shape.no_bias)
        yield layernorm("attention.key_norm", heads[1] * shape.head_dim, bias=not shape.no_bias)

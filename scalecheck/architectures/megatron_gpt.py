"""Megatron's GPT (Shoeybi et al. 2019, arXiv 1909.08053): ``GPTModel`` of megatron/core/models/gpt in NVIDIA/Megatron-LM.

NeMo 1.x and 2.x build the same from their own config (nemo/collections/nlp/models/language_modeling/megatron_gpt_model.py in NVIDIA/NeMo,
``MegatronGPTModel``), or, with ``mcore_gpt: false``, an older one with the same parameters. A pre-norm decoder whose biases, norms, gates,
positions and experts are options; the token table is padded so that tensor parallelism divides it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, derive_heads, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, check_experts, number, size, switch, text
from scalecheck.parts import embedding, gated_mlp, layernorm, linear, lm_head, mlp, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("causal_lm",)

# launcher_scripts/conf/training/gpt3/5b.yaml of NVIDIA/NeMo-Framework-Launcher, with the vocabulary of its tokenizer written out.
EXAMPLE: dict[str, Any] = {
    "model": {
        "mcore_gpt": True,
        "megatron_amp_O2": True,
        "tensor_model_parallel_size": 1,
        "make_vocab_size_divisible_by": 128,
        "encoder_seq_length": 2048,
        "max_position_embeddings": 2048,
        "num_layers": 24,
        "hidden_size": 4096,
        "ffn_hidden_size": 16384,
        "num_attention_heads": 32,
        "kv_channels": None,
        "num_query_groups": None,
        "vocab_size": 50257,
    },
    "exp_manager": {"name": "megatron_gpt"},
}

GATED = ("swiglu", "geglu", "reglu", "fast-swiglu", "fast-geglu", "fast-reglu")
PLAIN = ("gelu", "approx-gelu", "squared-relu")
_WITHOUT_TABLE = ("rope", "none", "alibi", "xpos", "sandwich", "yarn", "mrope")
_NORM_BIAS = {"layernorm": True, "layernorm1p": True, "rmsnorm": False}
_DEFAULT_ROWS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """``vocab_size`` is the tokenizer's: the table has that many rows, rounded up to ``vocab_multiple``, or ``table_rows`` as told.

    ``expert_layers`` of the layers have experts in place of the plain feed-forward block. ``max_positions`` is the rows of the position
    table, ``None`` where there is none. ``norm_bias`` is LayerNorm's offset, which ``bias=False`` does not drop.
    """

    family: str = "megatron_gpt"
    vocab_multiple: int = 128
    table_rows: int | None = None
    max_positions: int | None = None
    bias: bool = True
    qkv_bias: bool = False
    norm_bias: bool = True
    qk_norm: bool = False
    gated_mlp: bool = False
    num_experts: int = 0
    num_active_experts: int = 0
    expert_layers: int = 0
    expert_intermediate_size: int | None = None
    shared_intermediate_size: int | None = None
    shared_gate: bool = False
    tie_word_embeddings: bool = True


# NeMo's names, then those of Megatron-LM's arguments where they are others and mean the same.
KEYS: dict[str, Key] = {
    "num_layers": size("num_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "num_query_groups": size("num_query_groups"),
    "group_query_attention": switch("group_query_attention"),
    "head_dim": size("kv_channels"),
    "intermediate_size": size("ffn_hidden_size"),
    "swiglu": switch("swiglu"),
    "multiple_of": size("multiple_of"),
    "hidden_dim_multiplier": number("hidden_dim_multiplier"),
    "activation": text("activation"),
    "normalization": text("normalization"),
    "position_embedding_type": text("position_embedding_type"),
    "mcore_gpt": switch("mcore_gpt"),
    "encoder_seq_length": size("encoder_seq_length"),
    "max_position_embeddings": size("max_position_embeddings"),
    "vocab_divisor": size("make_vocab_size_divisible_by"),
    "tensor_parallel": size("tensor_model_parallel_size"),
    "table_rows": size("override_vocab_size", "padded_vocab_size"),
    "bias": switch("bias", "add_bias_linear"),
    "qkv_bias": switch("qkv_bias", "add_qkv_bias"),
    "qk_norm": switch("qk_layernorm"),
    "experts": size("num_moe_experts", "num_experts"),
    "experts_per_token": size("moe_router_topk"),
    "expert_intermediate_size": size("moe_ffn_hidden_size"),
    "shared_intermediate_size": size("moe_shared_expert_intermediate_size"),
    "shared_gate": switch("moe_shared_expert_gate"),
    "tie_word_embeddings": switch("share_embeddings_and_output_weights"),
}

# MegatronGPTModel and MegatronBaseModel of NeMo 2.0, where they ask the config with a default of their own. Megatron-LM's arguments
# (megatron/training/arguments.py, core 0.9) have the same defaults under other names.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "activation": "gelu",
    "normalization": "layernorm",
    "position_embedding_type": "learned_absolute",
    "mcore_gpt": False,
    "vocab_divisor": 128,
    "tensor_parallel": 1,
    "bias": True,
    "qkv_bias": False,
    "qk_norm": False,
    "experts_per_token": 2,
    "shared_gate": False,
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return what the options make of the layers, each with its arithmetic.

    Raises:
        ConfigError: sizes of which no model can be built, and options that are not counted.
    """
    derived = _norms_and_gates(values) | _widths(values) | _positions(values) | _experts(values)
    divisor, parallel = values.get("vocab_divisor", 128), values.get("tensor_parallel", 1)
    because = f"make_vocab_size_divisible_by {divisor} x tensor_model_parallel_size {parallel}"
    return derived | {"vocab_multiple": (divisor * parallel, because)}


def _norms_and_gates(values: Mapping[str, Any]) -> Derived:
    norm, activation = values.get("normalization", "layernorm"), values.get("activation", "gelu")
    if norm.lower() not in _NORM_BIAS:
        message = f"normalization is {norm!r}; counted are layernorm, layernorm1p and rmsnorm"
        raise ConfigError(message)
    if activation not in (*GATED, *PLAIN):
        message = f"activation is {activation!r}; Megatron's are {', '.join((*PLAIN, *GATED))}"
        raise ConfigError(message)
    is_gated = activation in GATED or bool(values.get("swiglu"))
    gate = "swiglu is true" if values.get("swiglu") else f"activation is {activation}"
    return {"norm_bias": (_NORM_BIAS[norm.lower()], f"normalization is {norm}"), "gated_mlp": (is_gated, gate)}


def _widths(values: Mapping[str, Any]) -> Derived:
    """Return the key-value heads and, where it is not told, the feed-forward width: 4h, or 8h/3 rounded with ``swiglu``.

    The rounding is ``validate_args`` of megatron/training/arguments.py: down to a multiple of 64; ``multiple_of`` rounds up instead, in
    FlagOpen/FlagScale's version of that file.
    """
    hidden_size, groups = values.get("hidden_size"), values.get("num_query_groups")
    grouped = {**values, "num_key_value_heads": groups if values.get("group_query_attention", True) else None}
    derived = derive_heads(grouped)
    if groups is not None and "num_key_value_heads" not in derived:
        derived["num_key_value_heads"] = (groups, f"num_query_groups {groups}")
    if hidden_size is None:
        return derived
    if not values.get("swiglu"):
        return derived | {"intermediate_size": (4 * hidden_size, f"4 x hidden_size {hidden_size}")}
    wanted, multiple = int(4 * hidden_size * 2 / 3), values.get("multiple_of")
    if multiple is None:
        return derived | {"intermediate_size": (wanted // 64 * 64, f"8/3 x hidden_size {hidden_size}, rounded down to a multiple of 64")}
    wanted = int(wanted * values.get("hidden_dim_multiplier", 1))
    because = f"8/3 x hidden_size {hidden_size} = {wanted}, rounded up to multiple_of {multiple}"
    return derived | {"intermediate_size": (-(-wanted // multiple) * multiple, because)}


def _positions(values: Mapping[str, Any]) -> Derived:
    """Return the rows of the position table: NeMo gives ``GPTModel`` encoder_seq_length, and the older model max_position_embeddings."""
    kind = values.get("position_embedding_type", "learned_absolute")
    if kind.lower() in _WITHOUT_TABLE:
        return {}
    if kind != "learned_absolute":
        message = f"position_embedding_type is {kind!r}; counted are learned_absolute, {', '.join(_WITHOUT_TABLE)}"
        raise ConfigError(message)
    if values.get("mcore_gpt"):
        rows = values.get("encoder_seq_length", _DEFAULT_ROWS)
        return {"max_positions": (rows, f"encoder_seq_length {rows}, the rows that NeMo gives Megatron core's position table")}
    rows = values.get("max_position_embeddings")
    if rows is None:
        message = "position_embedding_type is learned_absolute, and max_position_embeddings, the rows of its table, is not set"
        raise ConfigError(message)
    return {"max_positions": (rows, f"max_position_embeddings {rows}")}


def _experts(values: Mapping[str, Any]) -> Derived:
    experts, active, width = values.get("experts"), values.get("experts_per_token", 2), values.get("intermediate_size")
    if experts is None or (experts == 1 and not values.get("mcore_gpt")):
        return {}  # the older models take one expert for none
    active = 1 if experts == 1 else active
    check_experts({"num_experts": experts, "num_active_experts": active})
    derived: Derived = {
        "num_experts": (experts, f"{experts} experts"),
        "num_active_experts": (active, f"moe_router_topk {active}"),
        "expert_layers": (values.get("num_layers", 0), "every layer has experts"),
    }
    if width is not None:
        derived["expert_intermediate_size"] = (width, f"ffn_hidden_size {width}")
    return derived


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: the padded token table and the position table, the layers, the last norm, the head."""
    hidden_size, tokens = shape.hidden_size, workload.sequence_length
    rows = _rows(shape)
    yield embedding("token_embedding", rows, hidden_size)
    if shape.max_positions is not None:
        yield embedding("position_embedding", shape.max_positions, hidden_size, kind="position_embedding")
    yield from repeat(_attention(shape, workload), shape.num_layers)
    dense_layers = shape.num_layers - shape.expert_layers
    if dense_layers:
        yield from repeat(_mlp(shape, shape.intermediate_size, "mlp", tokens), dense_layers)
    if shape.expert_layers:
        yield from repeat(_mixture(shape, tokens), shape.expert_layers)
    yield _norm("final_norm", hidden_size, shape)
    yield lm_head(hidden_size, rows, tokens=tokens, tied=shape.tie_word_embeddings)


def _rows(shape: Shape) -> int | None:
    """Return the rows of the table, as ``_vocab_size_with_padding`` of either code rounds them up."""
    if shape.table_rows is not None or shape.vocab_size is None:
        return shape.table_rows
    return -(-shape.vocab_size // shape.vocab_multiple) * shape.vocab_multiple


def _attention(shape: Shape, workload: Workload) -> Iterator[Part]:
    yield _norm("attention_norm", shape.hidden_size, shape)
    yield from attention(heads_of(shape, qkv_bias=shape.bias or shape.qkv_bias, output_bias=shape.bias), workload)
    if shape.qk_norm:
        yield _norm("attention.query_norm", shape.head_dim, shape)
        yield _norm("attention.key_norm", shape.head_dim, shape)
    yield _norm("mlp_norm", shape.hidden_size, shape)


def _mixture(shape: Shape, tokens: int) -> Iterator[Part]:
    """The experts of one layer (megatron/core/transformer/moe): a router without biases, experts as wide as told, shared ones besides."""
    yield from linear("router", shape.hidden_size, shape.num_experts, tokens=tokens)
    expert = _mlp(shape, shape.expert_intermediate_size or shape.intermediate_size, "experts", tokens)
    yield from repeat(expert, shape.num_experts, shape.num_active_experts)
    if shape.shared_intermediate_size:
        yield from _mlp(shape, shape.shared_intermediate_size, "shared_experts", tokens)
        if shape.shared_gate:
            yield from linear("shared_experts.weight", shape.hidden_size, 1, tokens=tokens)


def _mlp(shape: Shape, width: int, name: str, tokens: int) -> Iterator[Part]:
    block = gated_mlp if shape.gated_mlp else mlp
    yield from block(shape.hidden_size, width, tokens=tokens, bias=shape.bias, name=name)


def _norm(name: str, width: int, shape: Shape) -> Part:
    return layernorm(name, width) if shape.norm_bias else rmsnorm(name, width)

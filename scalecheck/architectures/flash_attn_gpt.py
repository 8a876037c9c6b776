"""FlashAttention's GPT (Dao et al. 2022, arXiv 2205.14135): ``GPTLMHeadModel`` of flash_attn/models/gpt.py in Dao-AILab/flash-attention.

It is built from transformers' ``GPT2Config`` and reads options beside it that GPT-2 does not have: rotary positions, grouped heads, gated
feed-forward layers, RMSNorm, parallel blocks, a padded vocabulary. Those named ``fused_*`` and ``use_flash_attn`` change speed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Heads, Window, layered_scores, projections
from scalecheck.errors import ConfigError
from scalecheck.facts import ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, check_groups, count, even_head_dim, size, switch, text
from scalecheck.parts import convolution, embedding, layernorm, linear, lm_head, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("causal_lm",)

# training/configs/experiment/pile/gpt3xl-flash-rotary-60B.yaml of the repository, with the class's vocabulary written out.
EXAMPLE: dict[str, Any] = {
    "model": {
        "_target_": "flash_attn.models.gpt.GPTLMHeadModel",
        "config": {
            "_target_": "transformers.GPT2Config",
            "n_embd": 2048,
            "n_head": 16,
            "n_layer": 24,
            "n_positions": 2048,
            "max_position_embeddings": 0,
            "rotary_emb_fraction": 0.5,
            "vocab_size": 50257,
            "pad_vocab_size_multiple": 8,
        },
    }
}

GATED = ("glu", "swiglu", "geglu")
_FUSED = ("gelu_new", "gelu_fast", "gelu_approx", "gelu_pytorch_tanh", "relu", "sqrelu")
_CONVOLUTION_WIDTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """``intermediate_size`` is one branch of a gated layer; ``max_positions`` 0 is no position table; ``projection_size`` is OPT-350m's."""

    family: str = "flash_attn_gpt"
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    max_positions: int
    activation: str = "gelu_new"
    vocab_multiple: int = 1
    projection_size: int | None = None
    attention_window: int | None = None
    qkv_bias: bool = True
    output_bias: bool = True
    up_bias: bool = True
    down_bias: bool = True
    head_bias: bool = False
    rms_norm: bool = False
    prenorm: bool = True
    parallel_block: bool = False
    shared_norm: bool = False
    attention_convolution: bool = False
    fused_dense_sqrelu: bool = False
    tie_word_embeddings: bool = True


# GPT2Config sets its own names first and then, by its attribute_map, the general ones: where both stand, the general one is left.
KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers", "n_layer"),
    "hidden_size": size("hidden_size", "n_embd"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads", "n_head"),
    "num_key_value_heads": size("n_head_kv"),
    "inner_size": size("n_inner"),
    "inner_multiple": size("mlp_multiple_of"),
    "max_positions": count("max_position_embeddings", "n_positions"),
    "activation": text("activation_function"),
    "vocab_multiple": size("pad_vocab_size_multiple"),
    "projection_size": size("word_embed_proj_dim"),
    "qkv_bias": switch("qkv_proj_bias"),
    "output_bias": switch("out_proj_bias"),
    "up_bias": switch("mlp_fc1_bias"),
    "down_bias": switch("mlp_fc2_bias"),
    "head_bias": switch("lm_head_bias"),
    "rms_norm": switch("rms_norm"),
    "prenorm": switch("prenorm"),
    "parallel_block": switch("parallel_block"),
    "shared_norm": switch("parallel_block_tied_norm"),
    "attention_convolution": switch("attn_dwconv"),
    "fused_mlp": switch("fused_mlp"),
    "fused_dense_sqrelu": switch("fused_dense_sqrelu_dense"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# transformers 5.23.0, GPT2Config, for what it knows; the rest is what flash_attn/models/gpt.py fills in.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 12,
    "hidden_size": 768,
    "vocab_size": 50257,
    "num_attention_heads": 12,
    "max_positions": 1024,
    "activation": "gelu_new",
    "vocab_multiple": 1,
    "inner_multiple": 128,
    "qkv_bias": True,
    "output_bias": True,
    "up_bias": True,
    "down_bias": True,
    "head_bias": False,
    "rms_norm": False,
    "prenorm": True,
    "parallel_block": False,
    "shared_norm": False,
    "attention_convolution": False,
    "fused_dense_sqrelu": False,
    "tie_word_embeddings": True,
}

WITHOUT_EFFECT = ("add_cross_attention",)  # GPT2Config has it, and flash_attn's blocks have no cross attention


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the key-value heads and the feed-forward width, each with its arithmetic.

    Raises:
        ConfigError: heads that do not divide, an activation that the code does not have, or options that it refuses together.
    """
    _check(values)
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    derived: Derived = {}
    if num_heads is not None:
        check_groups(num_heads, values.get("num_key_value_heads"))
        derived["num_key_value_heads"] = (num_heads, f"as many as num_attention_heads {num_heads}: n_head_kv is not set")
    if hidden_size is not None and num_heads is not None:
        even_head_dim(hidden_size, num_heads)
    if hidden_size is not None:
        derived["intermediate_size"] = _inner_size(values, hidden_size)
    return derived


def _inner_size(values: Mapping[str, Any], hidden_size: int) -> tuple[int, str]:
    """Return the feed-forward width: ``Mlp`` takes n_inner or 4h, ``GatedMlp`` n_inner or 8h/3, rounded up (flash_attn/modules/mlp.py)."""
    told = values.get("inner_size")
    if values.get("activation", "gelu_new") not in GATED:
        return (told, "n_inner") if told else (4 * hidden_size, f"4 x hidden_size {hidden_size}")
    multiple = values.get("inner_multiple", 128)
    wanted = told or int(8 * hidden_size / 3)
    source = f"n_inner {told}" if told else f"8/3 x hidden_size {hidden_size} = {wanted}"
    return -(-wanted // multiple) * multiple, f"{source}, rounded up to a multiple of {multiple}"


def _check(values: Mapping[str, Any]) -> None:
    activation = values.get("activation", "gelu_new")
    is_fused, is_dense = values.get("fused_mlp"), values.get("fused_dense_sqrelu")
    message = ""
    if activation not in (*_FUSED, *GATED, "gelu"):
        message = f"activation_function={activation!r} is none that flash_attn's GPT has: {', '.join((*_FUSED, *GATED, 'gelu'))}"
    elif is_fused and activation not in _FUSED:
        message = f"fused_mlp is true, and flash_attn has no fused layer for activation_function={activation!r}: set fused_mlp=false"
    elif is_dense and (is_fused or activation != "sqrelu"):
        message = f"fused_dense_sqrelu_dense needs activation_function=sqrelu and fused_mlp=false, and they are {activation!r}, {is_fused}"
    elif values.get("parallel_block") and not values.get("prenorm", True):
        message = "parallel_block is true and prenorm is false, and flash_attn builds parallel blocks with prenorm only"
    if message:
        raise ConfigError(message)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table and position table, the layers, the last norm (pre-norm models alone), the head."""
    hidden_size, tokens = shape.hidden_size, workload.sequence_length
    rows = None if shape.vocab_size is None else -(-shape.vocab_size // shape.vocab_multiple) * shape.vocab_multiple
    width = shape.projection_size or hidden_size
    yield embedding("token_embedding", rows, width)
    if shape.projection_size is not None:
        yield from linear("project_in", width, hidden_size, tokens=tokens)
    if shape.max_positions:
        yield embedding("position_embedding", shape.max_positions, hidden_size, kind="position_embedding")
    yield from repeat(_layer(shape, tokens), shape.num_layers)
    window = None if shape.attention_window is None else Window(width=shape.attention_window)
    yield from layered_scores(_heads(shape), workload, shape.num_layers, shape.num_layers if window else 0, window)
    if shape.prenorm:
        yield _norm("final_norm", shape)
    if shape.projection_size is not None:
        yield from linear("project_out", hidden_size, width, tokens=tokens)
    yield lm_head(width, rows, tokens=tokens, tied=shape.tie_word_embeddings)
    if shape.head_bias:
        yield Part(name="lm_head.bias", kind="bias", params=rows)


def _layer(shape: Shape, tokens: int) -> Iterator[Part]:
    hidden_size, inner = shape.hidden_size, shape.intermediate_size
    yield _norm("attention_norm", shape)
    yield from projections(_heads(shape), tokens)
    if shape.attention_convolution:
        heads = _heads(shape)
        channels = heads.head_dim * (heads.num_heads + 2 * heads.num_key_value_heads)
        # One channel at a time, over two tokens more than there are: the padding's outputs are computed and cut off.
        outputs = tokens + _CONVOLUTION_WIDTH - 1
        yield from convolution("attention.convolution", (1, channels), _CONVOLUTION_WIDTH, outputs=outputs, bias=True)
    if not (shape.parallel_block and shape.shared_norm):
        yield _norm("mlp_norm", shape)
    # FusedDenseSqreluDense is built without asking for the biases, and has them.
    up_bias, down_bias = (shape.up_bias or shape.fused_dense_sqrelu, shape.down_bias or shape.fused_dense_sqrelu)
    if shape.activation in GATED:
        yield from linear("mlp.gate", hidden_size, inner, tokens=tokens, bias=up_bias)
    yield from linear("mlp.up", hidden_size, inner, tokens=tokens, bias=up_bias)
    yield from linear("mlp.down", inner, hidden_size, tokens=tokens, bias=down_bias)


def _norm(name: str, shape: Shape) -> Part:
    return rmsnorm(name, shape.hidden_size) if shape.rms_norm else layernorm(name, shape.hidden_size)


def _heads(shape: Shape) -> Heads:
    return Heads(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_key_value_heads,
        head_dim=shape.hidden_size // shape.num_attention_heads,
        qkv_bias=shape.qkv_bias,
        output_bias=shape.output_bias,
    )

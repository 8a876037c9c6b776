"""Forgetting Transformer, FoX (Lin et al. 2025, arXiv 2503.02130): ``ForgettingTransformerForCausalLM`` of its repository.

The file is model/forgetting_transformer/modeling_forgetting_transformer.py in src/ of zhixuan-lin/forgetting-transformer.
A Llama-like decoder whose heads forget by a gate of the input. Its "Pro" layers shift keys and values, norm queries, keys and outputs, and
gate the outputs. Pruning (``log_pruning_tolerance``) skips scores that come out at nothing: FLOPs are counted as without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import attention
from scalecheck.decoders import DecoderShape, decoder, derive_heads, derive_shrunk_mlp, heads_of
from scalecheck.errors import ConfigError
from scalecheck.facts import Part, Workload
from scalecheck.keys import Derived, Key, number, size, switch, text
from scalecheck.parts import gated_mlp, linear, matmul, repeat, rmsnorm
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("causal_lm",)

# configs/experiment/longcrawl64/forgetting_transformer/pro_760m_48b.yaml of the repository; its data module fills vocab_size in.
EXAMPLE: dict[str, Any] = {
    "model": {
        "_target_": "forgetting_transformer.model.forgetting_transformer.modeling_forgetting_transformer.ForgettingTransformerForCausalLM",
        "config": {
            "vocab_size": 50257,
            "hidden_size": 1536,
            "hidden_ratio": 3.5,
            "num_hidden_layers": 24,
            "num_heads": 24,
            "num_kv_heads": None,
            "fgate_type": "full",
            "fgate_bias_init": False,
            "use_output_gate": True,
            "use_output_norm": True,
            "qk_norm": True,
            "qk_norm_share_param_across_head": False,
            "use_k_shift": True,
            "use_v_shift": True,
            "tie_word_embeddings": False,
        },
    }
}

_MULTIPLE, _RATIO = 256, 4
_GATES = ("full", "bias_only", "fixed", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(DecoderShape):
    """``forget_gate``: ``full`` is computed from the input, ``bias_only`` is learned, ``fixed`` and ``none`` store no parameters."""

    family: str = "forgetting_transformer"
    forget_gate: str
    output_gate: bool
    output_norm: bool
    qk_norm: bool
    shared_qk_norm: bool
    key_shift: bool
    value_shift: bool


KEYS: dict[str, Key] = {
    "num_layers": size("num_hidden_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_heads"),
    "told_key_value_heads": size("num_kv_heads"),
    "hidden_ratio": number("hidden_ratio"),
    "intermediate_size": size("intermediate_size"),
    "activation": text("hidden_act"),
    "forget_gate": text("fgate_type"),
    "forget_bias_set": switch("fgate_bias_init"),
    "output_gate": switch("use_output_gate"),
    "output_norm": switch("use_output_norm"),
    "qk_norm": switch("qk_norm"),
    "shared_qk_norm": switch("qk_norm_share_param_across_head"),
    "key_shift": switch("use_k_shift"),
    "value_shift": switch("use_v_shift"),
    "tie_word_embeddings": switch("tie_word_embeddings"),
}

# ForgettingTransformerConfig's own.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "num_layers": 24,
    "hidden_size": 2048,
    "vocab_size": 32000,
    "num_attention_heads": 32,
    "hidden_ratio": _RATIO,
    "activation": "swish",
    "forget_gate": "full",
    "forget_bias_set": False,
    "output_gate": False,
    "output_norm": False,
    "qk_norm": False,
    "shared_qk_norm": False,
    "key_shift": False,
    "value_shift": False,
    "tie_word_embeddings": False,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return the heads' sizes and the feed-forward width, each with its arithmetic.

    Raises:
        ConfigError: heads that do not divide or are grouped, a gate or an activation that the code does not have.
    """
    _check(values)
    return derive_heads(values) | derive_shrunk_mlp(values, _RATIO, _MULTIPLE)


def _check(values: Mapping[str, Any]) -> None:
    gate, activation = values.get("forget_gate"), values.get("activation")
    grouped, is_set = values.get("told_key_value_heads"), values.get("forget_bias_set")
    message = ""
    if grouped is not None:
        message = f"num_kv_heads={grouped}: this code has no grouped heads and stops where it is set; leave it null"
    elif gate is not None and gate not in _GATES:
        message = f"fgate_type={gate!r} is none of the forget gates that the code has: {', '.join(_GATES)}"
    elif gate in ("full", "none") and is_set:
        message = f"fgate_bias_init is true, and fgate_type={gate} has no bias to set: the code stops; set fgate_bias_init=false"
    elif gate == "fixed" and not is_set:
        message = "fgate_type is fixed, and its bias is not set: the code needs fgate_bias_init=true"
    elif activation not in (None, "swish", "sigmoid"):
        message = f"hidden_act={activation!r}: the code has swish and sigmoid"
    if message:
        raise ConfigError(message)


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: token table, the layers, the last norm, the head."""
    layers = repeat(_layer(shape, workload), shape.num_layers)
    yield from decoder(shape, workload, (*layers, rmsnorm("final_norm", shape.hidden_size)))


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    hidden_size, num_heads, tokens = shape.hidden_size, shape.num_attention_heads, workload.sequence_length
    yield rmsnorm("attention_norm", hidden_size)
    yield from attention(heads_of(shape), workload)
    for name, is_shifted in (("key", shape.key_shift), ("value", shape.value_shift)):
        if is_shifted:
            yield matmul(f"attention.{name}_shift", hidden_size, num_heads, tokens=tokens)
    if shape.forget_gate == "full":
        yield from linear("attention.forget_gate", hidden_size, num_heads, tokens=tokens, bias=True)
    elif shape.forget_gate == "bias_only":
        yield Part(name="attention.forget_gate.bias", kind="bias", params=num_heads)
    if shape.qk_norm:
        width = shape.head_dim if shape.shared_qk_norm else hidden_size
        yield rmsnorm("attention.query_norm", width)
        yield rmsnorm("attention.key_norm", width)
    if shape.output_gate:
        yield matmul("attention.output_gate", hidden_size, hidden_size, tokens=tokens)
    if shape.output_norm:
        yield rmsnorm("attention.output_norm", hidden_size)
    yield rmsnorm("mlp_norm", hidden_size)
    yield from gated_mlp(hidden_size, shape.intermediate_size, tokens=tokens)

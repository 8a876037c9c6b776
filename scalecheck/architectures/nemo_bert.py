"""NeMo's BERT (Shoeybi et al. 2019, arXiv 1909.08053): ``MegatronBertModel`` of megatron_bert_model.py in NVIDIA/NeMo, 1.x and 2.x.

The file is under nemo/collections/nlp/models/language_modeling. An encoder with biases throughout, by default with its norms before the
blocks; token types and a second head over them only with ``bert_binary_head``. It builds Megatron core's ``BertModel``
(megatron/core/models/bert in NVIDIA/Megatron-LM) where ``mcore_bert`` is true, else ``NeMoBertModel`` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scalecheck.attention import Heads, attention
from scalecheck.encoders import MaskedHead, masked_lm_head
from scalecheck.errors import ConfigError
from scalecheck.facts import Head, ModelShape, Part, Workload
from scalecheck.keys import Derived, Key, even_head_dim, size, switch, text
from scalecheck.parts import embedding, layernorm, linear, mlp, repeat
from scalecheck.values import dataclass

MODEL_TYPES: tuple[str, ...] = ()
HEADS = ("masked_lm",)

# launcher_scripts/conf/training/bert/110m.yaml of NVIDIA/NeMo-Framework-Launcher, with the vocabulary of its tokenizer written out.
EXAMPLE: dict[str, Any] = {
    "model": {
        "megatron_amp_O2": True,
        "tensor_model_parallel_size": 1,
        "make_vocab_size_divisible_by": 128,
        "encoder_seq_length": 512,
        "max_position_embeddings": 512,
        "num_layers": 12,
        "hidden_size": 768,
        "ffn_hidden_size": 3072,
        "num_attention_heads": 12,
        "kv_channels": None,
        "bert_binary_head": False,
        "vocab_size": 30522,
    },
    "exp_manager": {"name": "megatron_bert"},
}

_TOKEN_TYPES, _BINARY = 2, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(ModelShape):
    """``vocab_size`` is the tokenizer's: the table has that many rows, rounded up to ``vocab_multiple``."""

    family: str = "nemo_bert"
    num_attention_heads: int
    head_dim: int
    intermediate_size: int
    max_positions: int
    vocab_multiple: int = 128
    binary_head: bool = True
    pooler: bool = True
    first_norm: bool = False
    final_norm: bool = True
    tie_word_embeddings: bool = True
    head: Head = "masked_lm"


KEYS: dict[str, Key] = {
    "num_layers": size("num_layers"),
    "hidden_size": size("hidden_size"),
    "vocab_size": size("vocab_size"),
    "num_attention_heads": size("num_attention_heads"),
    "head_dim": size("kv_channels"),
    "intermediate_size": size("ffn_hidden_size"),
    "max_positions": size("max_position_embeddings"),
    "vocab_divisor": size("make_vocab_size_divisible_by"),
    "tensor_parallel": size("tensor_model_parallel_size"),
    "mcore_bert": switch("mcore_bert"),
    "block_type": text("transformer_block_type"),
    "binary_head": switch("bert_binary_head"),
    "add_pooler": switch("add_pooler"),
    "tie_word_embeddings": switch("share_embeddings_and_output_weights"),
}

# MegatronBertModel of NeMo 2.0, where it asks the config with a default of its own.
CLASS_DEFAULTS: dict[str, int | bool | str] = {
    "vocab_divisor": 128,
    "tensor_parallel": 1,
    "mcore_bert": False,
    "block_type": "pre_ln",
    "tie_word_embeddings": True,
}


def derive(values: Mapping[str, Any]) -> Derived:
    """Return what the options make of the model, each with its reason.

    Raises:
        ConfigError: heads that do not divide the width, or another order of norms than ``pre_ln`` and ``post_ln``.
    """
    derived: Derived = {}
    hidden_size, num_heads = values.get("hidden_size"), values.get("num_attention_heads")
    if hidden_size is not None and num_heads is not None and values.get("head_dim") is None:
        because = f"hidden_size {hidden_size} / num_attention_heads {num_heads}"
        derived["head_dim"] = (even_head_dim(hidden_size, num_heads), because)
    block, is_core = values.get("block_type", "pre_ln"), bool(values.get("mcore_bert"))
    if block not in ("pre_ln", "post_ln"):
        message = f"transformer_block_type is {block!r}; counted are pre_ln and post_ln"
        raise ConfigError(message)
    because = f"transformer_block_type is {block}"
    derived["first_norm"] = (block == "post_ln", because)
    # Megatron core ends its stack with a norm whatever the order; NeMo's own leaves it out behind post_ln.
    derived["final_norm"] = (is_core or block == "pre_ln", because)
    derived["pooler"] = _pooler(values, is_core=is_core)
    divisor, parallel = values.get("vocab_divisor", 128), values.get("tensor_parallel", 1)
    multiple = f"make_vocab_size_divisible_by {divisor} x tensor_model_parallel_size {parallel}"
    return derived | {"vocab_multiple": (divisor * parallel, multiple)}


def _pooler(values: Mapping[str, Any], *, is_core: bool) -> tuple[bool, str]:
    """Tell whether there is a pooler: core builds one with the binary head or where asked, NeMo's own model unless it is told not to."""
    asked = values.get("add_pooler")
    if is_core:
        return bool(asked) or bool(values.get("binary_head")), "Megatron core has a pooler with bert_binary_head or add_pooler"
    return (True, "NeMo 2 builds a pooler where add_pooler is not set") if asked is None else (asked, f"add_pooler is {asked}")


def parts(shape: Shape, workload: Workload) -> Iterator[Part]:
    """Yield the ledger: tables, the layers, the norms around them, pooler, masked-LM head and binary head; the last pools one token."""
    width, tokens = shape.hidden_size, workload.sequence_length
    rows = None if shape.vocab_size is None else -(-shape.vocab_size // shape.vocab_multiple) * shape.vocab_multiple
    yield embedding("token_embedding", rows, width)
    yield embedding("position_embedding", shape.max_positions, width, kind="position_embedding")
    if shape.binary_head:
        yield embedding("token_type_embedding", _TOKEN_TYPES, width, kind="token_type_embedding")
    if shape.first_norm:
        yield layernorm("first_norm", width)
    yield from repeat(_layer(shape, workload), shape.num_layers)
    if shape.final_norm:
        yield layernorm("final_norm", width)
    if shape.pooler:
        yield from linear("pooler", width, width, tokens=1, bias=True)
    head = MaskedHead(hidden_size=width, table_width=width, vocab_size=rows, tied=shape.tie_word_embeddings)
    yield from masked_lm_head(head, tokens)
    if shape.binary_head:
        yield from linear("binary_head", width, _BINARY, tokens=1, bias=True)


def _layer(shape: Shape, workload: Workload) -> Iterator[Part]:
    heads = Heads(
        hidden_size=shape.hidden_size,
        num_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_attention_heads,
        head_dim=shape.head_dim,
        qkv_bias=True,
        output_bias=True,
    )
    yield layernorm("attention_norm", shape.hidden_size)
    yield from attention(heads, workload, causal=False)
    yield layernorm("mlp_norm", shape.hidden_size)
    yield from mlp(shape.hidden_size, shape.intermediate_size, tokens=workload.sequence_length, bias=True)

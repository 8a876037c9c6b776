"""The arguments of NVIDIA/Megatron-LM in a config (``swiglu``, ``untie_embeddings_and_output_weights``), as FlagScale has them.

They are those of megatron/training/arguments.py, written with underscores. A launcher may spread them over nodes side by side
(FlagOpen/FlagScale: ``system``, ``model``, ``data``), so that what the model's node does not tell is looked for in the nodes beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, join, said
from scalecheck.text import shown
from scalecheck.vocabulary import Tokenizer, Vocabulary

RANK = 0
SPELLINGS: Keys = {}
_SIZES = {"num_layers", "hidden_size", "num_attention_heads"}
_ONLY_HERE = {
    "untie_embeddings_and_output_weights", "swiglu", "squared_relu", "group_query_attention", "disable_bias_linear", "add_qkv_bias",
    "use_rotary_position_embeddings", "no_position_embedding", "apply_layernorm_1p", "use_mcore_models", "transformer_impl",
    "no_masked_softmax_fusion", "norm_epsilon",
}  # fmt: skip
_BESIDE = {"seq_length", "max_position_embeddings", "train_iters", "train_samples", "micro_batch_size", "global_batch_size",
           "make_vocab_size_divisible_by", "tensor_model_parallel_size", "use_distributed_optimizer", "normalization"}  # fmt: skip
_ENOUGH = (2, 5)
# EleutherAI/gpt-neox takes several of the names, and builds another model; the others have a dialect of their own.
_FOREIGN = {"pos_emb", "no_weight_tying", "gpt_j_residual", "norm", "pipe_parallel_size", "model_parallel_size", "mcore_gpt", "model_type",
            "megatron_amp_O2", "num_hidden_layers", "bert_binary_head", "share_embeddings_and_output_weights"}  # fmt: skip
_REFUSED = (
    "multi_latent_attention", "kv_lora_rank", "mtp_num_layers", "heterogeneous_layers_config_path", "encoder_num_layers",
    "decoder_num_layers", "hybrid_override_pattern", "hybrid_layer_pattern", "is_hybrid_model", "retro_add_retriever", "spec", "peft_type",
    "qk_layernorm_hidden_dim", "attention_output_gate", "experimental_attention_variant", "linear_attention_type", "moe_latent_size",
    "img_h", "img_w", "patch_dim", "vision_tower", "vision_ckpt", "extra_vocab_size", "moe_use_upcycling", "quick_geglu",
)  # fmt: skip
_BY_TYPE = {"GPT2BPETokenizer": 50257, "BertWordPieceLowerCase": 30522, "BertWordPieceCase": 28996}
# Fields by the argument that tells them as it stands, where it is not at the model's own node.
_AS_THEY_STAND = {
    "vocab_divisor": "make_vocab_size_divisible_by", "tensor_parallel": "tensor_model_parallel_size", "table_rows": "padded_vocab_size",
    "qkv_bias": "add_qkv_bias", "swiglu": "swiglu", "normalization": "normalization", "qk_norm": "qk_layernorm", "experts": "num_experts",
    "experts_per_token": "moe_router_topk", "expert_intermediate_size": "moe_ffn_hidden_size", "shared_gate": "moe_shared_expert_gate",
    "shared_intermediate_size": "moe_shared_expert_intermediate_size", "num_query_groups": "num_query_groups", "head_dim": "kv_channels",
    "group_query_attention": "group_query_attention", "intermediate_size": "ffn_hidden_size", "multiple_of": "multiple_of",
    "hidden_dim_multiplier": "hidden_dim_multiplier", "position_embedding_type": "position_embedding_type",
    "max_position_embeddings": "max_position_embeddings",
}  # fmt: skip
_LONGEST_PATTERN = 200
# Arguments that have to go together, and what is said where they do not.
_TOGETHER = {
    "num_query_groups": "group_query_attention is not true, so that Megatron-LM would ignore it",
    "num_experts": "a router over one expert is not counted",
    "position_embedding_type": "use_rotary_position_embeddings is true, which overrides it: leave one of them out",
    "disable_bias_linear": "another switch asks for biases",
    "no_position_embedding": "Megatron-LM takes that with rotary positions alone",
    "num_attention_heads": "", "group_query_attention": "", "use_rotary_position_embeddings": "", "add_bias_linear": "", "bias": "",
}  # fmt: skip


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes with the sizes of a model and, there or beside it, enough arguments that only Megatron-LM has."""
    nodes = []
    for node, children in survey.nodes.items():
        if not set(children) >= _SIZES or set(children) & _FOREIGN:
            continue
        names = {name for place in _places(survey.view, node) for name in survey.view.keys(place)}
        if len(names & _ONLY_HERE) >= _ENOUGH[0] and len(names & (_ONLY_HERE | _BESIDE)) >= _ENOUGH[1]:
            nodes.append(node)
    return tuple(nodes)


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell Megatron core's GPT, unless an argument or the script that is started makes it another model."""
    refused = _refusal(view, root)
    if refused is not None:
        return refused
    presets = {field: told for field, name in _AS_THEY_STAND.items() for told in [_told(view, root, name)] if told is not None}
    presets |= _switches(view, root) | _null_tokenizer(view, root)
    frequency = _expert_layers(view, root)
    if isinstance(frequency, Unknown):
        return frequency
    presets |= frequency
    return FamilyClaim(
        family="megatron_gpt",
        because=f"{root or 'the root'} has arguments of Megatron-LM",
        key=root or None,
        class_name="Megatron-LM's arguments",
        assumed_defaults=not _names_megatron(view, root),
        presets=presets,
    )


def vocabulary(survey: Survey, root: str, tokenizer: Tokenizer | None) -> Vocabulary | None:
    """Return the tokens of the tokenizer's type, before padding; where its file was read, what that has."""
    view = survey.view
    kind, told, padded = (_find(view, root, name) for name in ("tokenizer_type", "vocab_size", "padded_vocab_size"))
    if padded is not None and type(padded[1]) is int and padded[1] > 0:
        return Vocabulary(rows=padded[1], key=padded[0], because=f"{padded[0]}, padded already")
    size = _BY_TYPE.get(kind[1]) if kind and isinstance(kind[1], str) else None
    if tokenizer is not None:
        doubtful = size is not None or tokenizer.is_stated
        return Vocabulary(rows=tokenizer.size, key=tokenizer.key, because=tokenizer.because, assumed=doubtful)
    if kind is not None and size is not None:
        return Vocabulary(rows=size, key=kind[0], because=f"{kind[1]} has {size:,} tokens with the published file", assumed=True)
    if told is not None and type(told[1]) is int and told[1] > 0:
        because = f"{told[0]}; Megatron-LM takes as many as the tokenizer has, which should be the same"
        return Vocabulary(rows=told[1], key=told[0], because=because, assumed=True)
    return None


def _null_tokenizer(view: View, root: str) -> dict[str, tuple[Any, str]]:
    """Return the rows with ``NullTokenizer``: its vocabulary and one token more, the end of a document (megatron/training/tokenizer)."""
    rows, divisor, parallel = (
        _value(view, root, name) for name in ("vocab_size", "make_vocab_size_divisible_by", "tensor_model_parallel_size")
    )
    if _value(view, root, "tokenizer_type") != "NullTokenizer" or type(rows) is not int:
        return {}
    multiple = (divisor if type(divisor) is int else 128) * (parallel if type(parallel) is int else 1)
    return {"table_rows": (-(-(rows + 1) // multiple) * multiple, f"vocab_size {rows} and NullTokenizer's end of a document, padded")}


def _places(view: View, root: str) -> Iterator[str]:
    """Yield the node itself, then those beside it and one level below them: where a launcher may have put the other arguments."""
    yield root
    parent = root.rpartition(".")[0]
    for name in view.keys(parent) if root else ():
        node = join(parent, name)
        if node == root or name in ("hydra", "experiment"):
            continue
        yield node
        yield from (join(node, child) for child in view.keys(node))


def _find(view: View, root: str, name: str) -> tuple[str, Any] | None:
    """Return the key and the value of an argument; the first that is set."""
    for place in _places(view, root):
        if name in view.keys(place):
            value = view.get(join(place, name))
            if value is not None:
                return join(place, name), value
    return None


def _value(view: View, root: str, name: str) -> Any:
    found = _find(view, root, name)
    return None if found is None else found[1]


def _told(view: View, root: str, name: str) -> tuple[Any, str] | None:
    found = _find(view, root, name)
    if found is None or isinstance(found[1], Unreadable) or found[0] == join(root, name):
        return None  # what stands at the node itself is read there
    return found[1], f"{found[0]} is {shown(found[1])}"


def _refusal(view: View, root: str) -> Unknown | None:
    for name in _REFUSED:
        found = _find(view, root, name)
        if found is not None and found[1] not in (False, 0):
            return refused(found[0], f"{found[0]} is {said(found[1])}, which is not counted")
    for place in _places(view, root):
        foreign = sorted(set(view.keys(place)) & _FOREIGN - {"norm"})
        if foreign:
            return refused(join(place, foreign[0]), f"{join(place, foreign[0])} is no argument of Megatron-LM, which the others are")
    script = _script(view)
    if script is not None and "gpt" not in script[1]:
        return refused(script[0], f"{script[0]} is {script[1]}, which trains another model than Megatron's GPT")
    return _contradiction(view, root)


def _contradiction(view: View, root: str) -> Unknown | None:
    """Refuse arguments that Megatron-LM would ignore, override or refuse beside another."""
    told = {name: _value(view, root, name) for name in _TOGETHER}
    groups, heads = told["num_query_groups"], told["num_attention_heads"]
    kind, positions = told["position_embedding_type"], told["use_rotary_position_embeddings"] is True
    problems = {
        "num_query_groups": groups not in (None, heads) and told["group_query_attention"] is not True,
        "num_experts": told["num_experts"] == 1,
        "position_embedding_type": positions and kind not in (None, "rope"),
        "disable_bias_linear": told["disable_bias_linear"] is True and bool(told["add_bias_linear"] or told["bias"]),
        "no_position_embedding": told["no_position_embedding"] is True and not positions and kind != "rope",
    }
    name = next((name for name, is_wrong in problems.items() if is_wrong), None)
    found = None if name is None else _find(view, root, name)
    if name is None or found is None:
        return None
    return refused(found[0], f"{found[0]} is {said(found[1])}, and {_TOGETHER[name]}")


def _script(view: View) -> tuple[str, str] | None:
    key = "experiment.task.entrypoint"
    value = view.get(key) if "entrypoint" in view.keys("experiment.task") else None
    return (key, value.rpartition("/")[2].lower()) if isinstance(value, str) else None


def _names_megatron(view: View, root: str) -> bool:
    backend = view.get("experiment.task.backend") if "backend" in view.keys("experiment.task") else None
    used = _find(view, root, "use_mcore_models")
    return backend == "megatron" or (used is not None and used[1] is True)


def _switches(view: View, root: str) -> dict[str, tuple[Any, str]]:
    """Return the fields that an argument tells by another name, or the other way round."""
    told: dict[str, tuple[Any, str]] = {}
    if _find(view, root, "group_query_attention") is None:
        told["group_query_attention"] = (False, "group_query_attention is not set")
    for name, field, value in (
        ("untie_embeddings_and_output_weights", "tie_word_embeddings", False),
        ("disable_bias_linear", "bias", False),
        ("use_rotary_position_embeddings", "position_embedding_type", "rope"),
        ("squared_relu", "activation", "squared-relu"),
    ):
        found = _find(view, root, name)
        if found is not None and found[1] is True:
            told[field] = (value, f"{found[0]} is true")
    return told


def _expert_layers(view: View, root: str) -> dict[str, tuple[Any, str]] | Unknown:
    """Return how many layers have experts: every N-th from the first, or those that a list marks with 1 (``moe_layer_freq``)."""
    found, layers = _find(view, root, "moe_layer_freq"), view.get(join(root, "num_layers"))
    if found is None or found[1] == 1 or _find(view, root, "num_experts") is None or not isinstance(layers, int):
        return {}
    key, value = found
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return {"expert_layers": (-(-layers // value), f"{key}={value}: every {value}th of {layers} layers, from the first")}
    marks = _pattern(value) if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else None
    if marks is None or len(marks) != layers or set(marks) - {0, 1}:
        return refused(key, f"{key} is {said(value)}, and it needs a 0 or 1 for each of {layers} layers")
    return {"expert_layers": (sum(marks), f"{key} marks {sum(marks)} of {layers} layers")}


def _pattern(text: str) -> list[int] | None:
    """Read a pattern such as ``([0]+[1]*26)*2`` as Python would, with lists, ``+`` and ``*`` alone; ``None`` for anything else."""
    try:
        return _listed(ast.parse(text.strip(), mode="eval").body) if len(text) <= _LONGEST_PATTERN else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _listed(node: ast.expr) -> list[int]:
    if isinstance(node, ast.List):
        return [_whole(item) for item in node.elts]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _listed(node.left) + _listed(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        times = _whole(node.right)
        listed = _listed(node.left)
        if times <= 1000 and len(listed) <= 1000:
            return listed * times
    raise ValueError


def _whole(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    raise ValueError

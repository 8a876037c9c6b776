"""OLMo's own names (``d_model``, ``mlp_ratio``, ``weight_tying``, ``block_type`` ...), as in allenai/OLMo's ModelConfig.

Many codes write ``d_model``, ``n_heads`` and ``n_layers``; OLMo is recognised by several of the names that go with them there. Its
code refuses a key that ModelConfig does not have (``BaseConfig.load`` merges into a structured config), so a node with such a
key is a fork's, whose model may be another one.
"""

from __future__ import annotations

from scalecheck.facts import Unknown, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, assigned, join
from scalecheck.text import shown

RANK = 0
SPELLINGS: Keys = {}
TRAINING_LENGTHS = ("max_sequence_length",)
"""olmo/train.py asserts that every batch is as long as this."""
_SIZES = ("d_model", "n_heads", "n_layers", "max_sequence_length")
# Names of ModelConfig that few other codes use. Four of them beside the sizes are OLMo; its configs in public have five or more.
_TELLING = frozenset((
    "mlp_ratio", "mlp_hidden_size", "weight_tying", "block_type", "layer_norm_type", "activation_type", "include_bias",
    "bias_for_layer_norm", "layer_norm_with_affine", "attention_layer_norm", "attention_layer_norm_with_affine", "embedding_size",
    "embedding_layer_norm", "residual_dropout", "embedding_dropout", "init_cutoff_factor", "multi_query_attention", "n_kv_heads",
    "block_group_size", "alibi_bias_max",
))  # fmt: skip
_ENOUGH = 4
# The other fields of ModelConfig: they change no count, or are read by the family.
_OTHERS = frozenset((
    "vocab_size", "clip_qkv", "alibi", "rope", "rope_full_precision", "rope_theta", "flash_attention", "attention_dropout",
    "layer_norm_eps", "scale_logits", "eos_token_id", "pad_token_id", "init_device", "init_fn", "init_std", "precision",
    "scale_emb_init", "emb_init_std", "norm_after",
))  # fmt: skip
# What transformers writes into the config.json of a released OLMo (model_type hf_olmo).
_ASIDE = frozenset((
    "model_type", "architectures", "auto_map", "transformers_version", "torch_dtype", "dtype", "use_cache", "tie_word_embeddings",
    "_name_or_path", "_recursive_", "_convert_",
))  # fmt: skip
_MODEL_TYPES = ("hf_olmo", "olmo")


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that carry a model in this dialect: all four sizes, and at least four names that few others use."""
    return tuple(node for node in survey.nodes_with(*_SIZES) if len(_TELLING & set(survey.nodes[node])) >= _ENOUGH)


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family: OLMo's own code, unless a key says that it was changed into something else."""
    names = view.keys(root)
    key = join(root, "model_type")
    model_type = view.get(key) if "model_type" in names else None
    if model_type not in (None, *_MODEL_TYPES):
        reason = f"{key} is {shown(model_type)}: keys like OLMo's, but a model of another code"
        return refused(key, reason)
    told = ", ".join([name for name in names if name in _TELLING][:_ENOUGH])
    return _foreign(view, root, names) or FamilyClaim(
        family="ai2_olmo",
        because=f"{root or 'the root'} has the names of OLMo's ModelConfig: {told}",
        key=join(root, "n_layers"),
        class_name="OLMo's ModelConfig",
    )


def _foreign(view: View, root: str, names: tuple[str, ...]) -> Unknown | None:
    """Refuse a node with a key that is set and that OLMo does not have."""
    for name in names:
        if name in _TELLING | _OTHERS | _ASIDE | set(_SIZES):
            continue
        key = join(root, name)
        value = view.get(key)
        if value is None or value is False or (name == "_target_" and "olmo" in str(value).lower()):
            continue
        reason = f"{assigned(key, value)}, which OLMo's ModelConfig does not have: a changed OLMo, whose parameters are not known"
        return refused(key, reason)
    return None

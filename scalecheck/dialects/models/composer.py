"""llm-foundry's models (MosaicML, trained with Composer), which ``model.name`` picks from its registry: ``mpt_causal_lm``.

Its MPT (llmfoundry/models/mpt, ``MPTConfig`` at 8c8dd48) is a family of its own: transformers' MPT ignores most of its options and has
other defaults. ``MPTConfig`` takes any key, so one that is not known here is a fork's. ``hf_causal_lm`` and others that take a model
of the hub are left to the dialects that read hub names.
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
_MPT = "mpt_causal_lm"
_NOT_COUNTED = {
    "mosaic_bert": "MosaicBERT (ALiBi and a gated feed-forward layer in BERT's names)",
    "flex_bert": "FlexBERT (a BERT of exchangeable parts)",
    "mosaic_gpt": "MosaicML's GPT of before llm-foundry",
}
_BESIDE = frozenset(("d_model", "n_layers", "n_heads", "pretrained_model_name", "model_config"))
# What MPTConfig and ComposerMPTCausalLM take and what changes no count.
_WITHOUT_EFFECT = frozenset((
    "name", "init_device", "max_seq_len", "resid_pdrop", "emb_pdrop", "logit_scale", "embedding_fraction", "norm_eps", "use_cache",
    "init_config", "use_pad_tok_in_ffn", "final_logit_softcapping", "loss_fn", "use_train_metrics", "additional_train_metrics",
    "fuse_norm_attn_norm", "verbose", "pad_token_id", "eos_token_id", "bos_token_id", "attn_config.attn_pdrop", "attn_config.attn_impl",
    "attn_config.fused_qkv", "attn_config.clip_qkv", "attn_config.softmax_scale", "attn_config.attn_uses_sequence_id",
    "attn_config.attn_logit_softcapping", "attn_config.alibi_bias_max", "attn_config.attn_temperature_tuning", "attn_config.rope_theta",
    "attn_config.rope_impl", "attn_config.rope_dail_config", "attn_config.rope_hf_config", "attn_config.prefix_lm",
))  # fmt: skip
_READ = frozenset((
    "d_model", "n_heads", "n_layers", "vocab_size", "tie_word_embeddings", "head_dim", "expansion_ratio", "no_bias", "attention_bias",
    "learned_pos_emb", "norm_type", "attn_config.attn_type", "attn_config.kv_n_heads", "attn_config.alibi", "attn_config.rope",
    "attn_config.qk_ln", "attn_config.qk_gn", "ffn_config.ffn_type", "ffn_config.ffn_hidden_size",
))  # fmt: skip
_WINDOW, _LINEAR = "attn_config.sliding_window_size", "fc_type"
_LINEARS = ("torch", "te")  # the same parameters


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes whose ``name`` is a model of this dialect, and that have a key of one besides."""
    named = (node for node in survey.nodes_with("name") if _BESIDE & set(survey.nodes[node]))
    return tuple(node for node in named if survey.view.get(join(node, "name")) in (_MPT, *_NOT_COUNTED))


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family: llm-foundry's MPT, unless it has an option whose parameters are not known."""
    key = join(root, "name")
    name = str(view.get(key))
    if name in _NOT_COUNTED:
        reason = f"{key} is {name}: {_NOT_COUNTED[name]}, which cannot be counted yet"
        return refused(key, reason)
    options = _options(view, root)
    window = view.get(join(root, _WINDOW)) if _WINDOW in options else None
    presets = {} if window in (None, -1) else {"sliding_window": (window, f"{join(root, _WINDOW)} {shown(window)}")}
    return _refused(view, root, options) or FamilyClaim(
        family="foundry_mpt", because=f"{key} is {name}", key=key, class_name="llm-foundry's MPTConfig", presets=presets
    )


def _refused(view: View, root: str, options: list[str]) -> Unknown | None:
    """Name the first option that is set and whose effect on the count is not known."""
    for option in options:
        key = join(root, option)
        value = view.get(key)
        if option in _WITHOUT_EFFECT | _READ or value is None or value is False:
            continue
        linear = view.get(join(key, "name")) if option == _LINEAR and "name" in view.keys(key) else value
        if option == _LINEAR and linear in _LINEARS:
            continue
        if option == _WINDOW and type(value) is int and (value == -1 or value > 0):
            continue
        reason = f"{assigned(key, value)}: its effect on the count is not known"
        return refused(key, reason)
    return None


def _options(view: View, root: str) -> list[str]:
    """Return the node's keys; those of its two nested nodes with their path."""
    nested = ("attn_config", "ffn_config")
    below = [f"{node}.{name}" for node in nested for name in view.keys(join(root, node))]
    return [name for name in view.keys(root) if name not in nested] + below

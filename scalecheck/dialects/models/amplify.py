"""The configs of chandar-lab/AMPLIFY: Hugging Face's names under a ``_name_``, and the vocabulary beside them at ``tokenizer``.

Its trainer builds ``AMPLIFY(AMPLIFYConfig(**cfg.model, **cfg.tokenizer))`` whatever ``_name_`` says (src/amplify/trainer/trainer.py), so
that its ``ESM`` is the same class with other switches.
"""

from __future__ import annotations

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, checked, join
from scalecheck.vocabulary import Tokenizer, Vocabulary

RANK = 0
SPELLINGS: Keys = {}
_CLASSES = ("AMPLIFY", "AMPLIFYConfig")
_SWITCHES = {"rms_norm", "layer_norm_after_embedding", "layer_norm_before_last_layer", "ffn_bias", "att_bias"}
# What AMPLIFYConfig takes: another key would go unheard in its **kwargs, or belongs to a changed model.
_KNOWN = _SWITCHES | {
    "_name_", "_target_", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", "vocab_size",
    "dropout_prob", "embedding_init_range", "decoder_init_range", "norm_eps", "pad_token_id", "max_length",
}  # fmt: skip


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that name AMPLIFY, or its ESM with all of AMPLIFY's own switches."""
    return tuple(node for node in survey.by_names(_with_a_name) if _named(survey.view, node))


def _with_a_name(survey: Survey) -> list[str]:
    return [node for node, children in survey.nodes.items() if "_name_" in children or "_target_" in children]


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell that it is AMPLIFY, unless a key says that it was changed into something else."""
    key = _named(view, root) or root
    for name in sorted(set(view.keys(root)) - _KNOWN):
        if view.get(join(root, name)) not in (None, False):
            reason = f"{join(root, name)} is set, and AMPLIFY has no such option: it is a changed model"
            return refused(join(root, name), reason)
    return FamilyClaim(family="amplify", because=f"{key} is {view.get(key)}", key=key, class_name="AMPLIFYConfig")


def vocabulary(survey: Survey, root: str, tokenizer: Tokenizer | None) -> Vocabulary | Unknown | None:  # noqa: ARG001  one interface
    """Return the rows of the token table: ``vocab_size`` of the ``tokenizer`` node beside the model; the tokenizer's files tell nothing."""
    node = join(root.rpartition(".")[0], "tokenizer")
    key = join(node, "vocab_size")
    if node not in survey.nodes or "vocab_size" not in survey.nodes[node]:
        return None
    value = survey.view.get(key)
    told = checked("vocab_size", key, value, "size")
    if isinstance(told, int):
        return Vocabulary(rows=told, key=key, because="AMPLIFYConfig takes the tokenizer's keys too")
    reason = f"{key} cannot be read ({value.reason})" if isinstance(value, Unreadable) else str(told.reason)
    return Unknown(field="vocab_size", key=key, reason=reason, remedies=(f"{key}=27",))


def _named(view: View, node: str) -> str | None:
    """Return the key that names AMPLIFY at a node."""
    names = set(view.keys(node))
    target = view.get(join(node, "_target_")) if "_target_" in names else None
    if isinstance(target, str) and target.partition(".")[0] == "amplify" and target.rpartition(".")[2] in _CLASSES:
        return join(node, "_target_")
    name = view.get(join(node, "_name_")) if "_name_" in names else None
    is_amplify = name == "AMPLIFY" and "hidden_size" in names
    return join(node, "_name_") if is_amplify or (name == "ESM" and names >= _SWITCHES) else None

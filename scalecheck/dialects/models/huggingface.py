"""Hugging Face config names (``num_hidden_layers``, ``hidden_size`` ...) at any node of the config.

The family is what ``model_type`` says, else the class that ``_target_`` names, else what the keys give away; with no
evidence it is unknown, because the same names stand for gated and plain feed-forward layers.
"""

from __future__ import annotations

from scalecheck.facts import Unknown, View
from scalecheck.models import FamilyClaim, claim_by_class, claim_by_model_type, class_name, refuse_unmodelled
from scalecheck.survey import Survey, join

SPELLINGS: dict[str, tuple[str, ...]] = {}
_LLAMA_EVIDENCE = ("rms_norm_eps", "num_key_value_heads")
_GATED = ("silu", "swish", "swiglu")


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that carry a model in this dialect."""
    return survey.nodes_with("num_hidden_layers", "hidden_size")


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family of the model at a node, or why it cannot be told."""
    refused = refuse_unmodelled(view, root)
    if refused:
        return refused
    return claim_by_model_type(view, root) or claim_by_class(class_name(view, root)) or _by_evidence(view, root)


def _by_evidence(view: View, root: str) -> FamilyClaim | Unknown:
    names = set(view.keys(root))
    for name in _LLAMA_EVIDENCE:
        if name in names and "intermediate_size" in names:
            return FamilyClaim(family="llama", because=f"{join(root, name)} is set and model_type is not", assumed=True)
    activation = view.get(join(root, "hidden_act")) if "hidden_act" in names else None
    if activation in _GATED and "intermediate_size" in names:
        return FamilyClaim(family="llama", because=f"{join(root, 'hidden_act')} is {activation} and model_type is not set", assumed=True)
    key = join(root, "model_type")
    return Unknown(field="family", key=root or None, reason=f"nothing at {root or 'the root'} tells which architecture it is; {key} would",
                   remedies=(f"+{key}=llama", f"+{key}=gpt2"))  # fmt: skip

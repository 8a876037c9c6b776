"""Hugging Face config names (``num_hidden_layers``, ``hidden_size`` ...) at any node of the config.

The family is what ``model_type`` says, else the class that ``_target_`` names, else what the keys give away; with no
evidence it is unknown, because the same names stand for gated and plain feed-forward layers.
"""

from __future__ import annotations

from dataclasses import replace

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import claim, claim_by_class, family_of_type, refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, join
from scalecheck.text import shown

RANK = 2
SPELLINGS: Keys = {}
_LLAMA_EVIDENCE = ("rms_norm_eps", "num_key_value_heads")
_GATED = ("silu", "swish")


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that carry a model in this dialect."""
    named = {node for node in survey.nodes_with("model_type") if _is_known(survey.view, node)}
    found = named.union(survey.nodes_with("num_hidden_layers", "hidden_size"))
    return tuple(node for node in survey.nodes if node in found)


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family of the model at a node, or why it cannot be told."""
    return claim(view, root) or _by_evidence(view, root)


def _is_known(view: View, node: str) -> bool:
    name = view.get(join(node, "model_type"))
    return isinstance(name, str) and family_of_type(name) is not None and len(view.keys(node)) > 1


def _by_evidence(view: View, root: str) -> FamilyClaim | Unknown:
    names = set(view.keys(root))
    if "architectures" in names:
        return _by_architecture(view, root)
    activation = view.get(join(root, "hidden_act")) if "hidden_act" in names else None
    if activation is not None and activation not in _GATED:  # StarCoder2 has these keys too, and a plain feed-forward layer
        said = activation.reason if isinstance(activation, Unreadable) else shown(activation)
        return _untold(root, f" ({join(root, 'hidden_act')} is {said}, not one of Llama's)")
    for name in _LLAMA_EVIDENCE:
        if name in names and "intermediate_size" in names:
            return FamilyClaim(family="llama", because=f"{join(root, name)} is set and model_type is not", assumed=True)
    if activation and "intermediate_size" in names:
        return FamilyClaim(family="llama", because=f"{join(root, 'hidden_act')} is {activation} and model_type is not set", assumed=True)
    return _untold(root, "")


def _by_architecture(view: View, root: str) -> FamilyClaim | Unknown:
    """Take the family from the class in ``architectures``, as transformers' own configs name it; one that is not known is not another."""
    key = join(root, "architectures")
    listed = view.get(key)
    name = listed[0] if isinstance(listed, list | tuple) and listed else listed
    told = claim_by_class(name) if isinstance(name, str) else None
    if told is None:
        reason = f"{key} is {shown(name)}, which is no class that can be counted"
        return refused(key, reason)
    return replace(told, key=key, assumed_defaults=True)


def _untold(root: str, beside: str) -> Unknown:
    key = join(root, "model_type")
    reason = f"nothing at {root or 'the root'} tells which architecture it is{beside}; {key} would"
    return Unknown(field="family", key=root or None, reason=reason, remedies=(f"+{key}=llama", f"+{key}=gpt2"))

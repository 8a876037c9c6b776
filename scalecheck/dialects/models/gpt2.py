"""GPT-2's own names (``n_layer``, ``n_embd``, ``n_head``), as in GPT2Config and in nanoGPT (``block_size``, ``bias``)."""

from __future__ import annotations

from scalecheck.facts import Unknown, View
from scalecheck.models import FamilyClaim, claim_by_class, claim_by_model_type, class_name, refuse_unmodelled
from scalecheck.survey import Survey, join

SPELLINGS = {"max_positions": ("block_size",), "bias": ("bias",)}
_GATED = ("swiglu", "geglu", "glu", "reglu")


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that carry a model in this dialect."""
    return survey.nodes_with("n_layer", "n_embd")


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family of the model at a node: GPT-2, unless a key says that it was changed into something else."""
    refused = refuse_unmodelled(view, root) or _changed(view, root)
    if refused:
        return refused
    claim = claim_by_model_type(view, root) or claim_by_class(class_name(view, root))
    if isinstance(claim, FamilyClaim) and claim.family != "gpt2":
        return Unknown(field="family", key=root, reason=f"{root} has GPT-2's key names, but {claim.because}")
    return claim or FamilyClaim(family="gpt2", because=f"{join(root, 'n_layer')} and {join(root, 'n_embd')} are GPT-2's names")


def _changed(view: View, root: str) -> Unknown | None:
    names = set(view.keys(root))
    for name in {"activation_function", "activation"} & names:
        value = view.get(join(root, name))
        if isinstance(value, str) and value.lower() in _GATED:
            return _refusal(root, name, value, "a gated feed-forward layer, whose width has several conventions")
    for name in {"rotary_emb_fraction", "use_rotary", "rotary", "alibi"} & names:
        value = view.get(join(root, name))
        if value not in (None, False, 0, 0.0):
            return _refusal(root, name, value, "no learned position table")
    return None


def _refusal(root: str, name: str, value: object, meaning: str) -> Unknown:
    key = join(root, name)
    return Unknown(field="family", key=key, reason=f"{key}={value} means {meaning}, which plain GPT-2 does not have",
                   remedies=("+hydra.callbacks.scalecheck.read.total_params=124439808",))  # fmt: skip

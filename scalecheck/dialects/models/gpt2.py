"""GPT-2's own names (``n_layer``, ``n_embd``, ``n_head``), as in GPT2Config and in nanoGPT (``block_size``, ``bias``)."""

from __future__ import annotations

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys, size, switch
from scalecheck.models import claim, refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, join
from scalecheck.text import shown

RANK = 2
SPELLINGS: Keys = {"max_positions": size("block_size"), "bias": switch("bias")}
_GATED = ("swiglu", "geglu", "glu", "reglu")
# GPT-J and CodeGen have n_layer and n_embd too, but rotary positions (rotary_dim) and one norm a layer; GPT-BigCode shares its keys.
_NOT_PLAIN: dict[str, str] = {
    "rotary_emb_fraction": "no learned position table",
    "rotary_dim": "no learned position table",
    "use_rotary": "no learned position table",
    "rotary": "no learned position table",
    "alibi": "no learned position table",
    "multi_query": "keys and values shared by all heads",
}


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that carry a model in this dialect."""
    return survey.nodes_with("n_layer", "n_embd")


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family of the model at a node: GPT-2, unless a key says that it was changed into something else."""
    told = claim(view, root)
    if isinstance(told, Unknown) or (told and told.family != "gpt2"):
        return told
    because = f"{join(root, 'n_layer')} and {join(root, 'n_embd')} are GPT-2's names"
    return _changed(view, root) or told or FamilyClaim(family="gpt2", because=because, assumed=True)


def _changed(view: View, root: str) -> Unknown | None:
    names = set(view.keys(root))
    for activation in [key for key in ("activation_function", "activation") if key in names]:
        value = view.get(join(root, activation))
        if isinstance(value, str) and value.lower() in _GATED:
            return _refusal(root, activation, value, "a gated feed-forward layer, whose width has several conventions")
        if isinstance(value, Unreadable):
            return _untold(root, activation, value)
    for name, meaning in _NOT_PLAIN.items():
        if name not in names:
            continue
        value = view.get(join(root, name))
        if isinstance(value, Unreadable):
            return _untold(root, name, value)
        if value not in (None, False, 0, 0.0):
            return _refusal(root, name, value, meaning)
    return None


def _refusal(root: str, name: str, value: object, meaning: str) -> Unknown:
    key = join(root, name)
    reason = f"{key}={shown(value)} means {meaning}, which plain GPT-2 does not have"
    return refused(key, reason)


def _untold(root: str, name: str, value: Unreadable) -> Unknown:
    key = join(root, name)
    return refused(key, f"{key}, which could change the architecture, cannot be read ({value.reason})")

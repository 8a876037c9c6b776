"""Configs of flash-linear-attention and of the forgetting-transformer repository, named by the ``_target_`` of a model or of its config.

Of fla's models Transformer++ is counted, and of forgetting-transformer that and FoX; the others are refused by name.
"""

from __future__ import annotations

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, join
from scalecheck.text import shown
from scalecheck.vocabulary import Tokenizer, Vocabulary

RANK = 0
SPELLINGS: Keys = {}
_FOX, _FLA = "forgetting_transformer", "fla"
_PACKAGES = (f"{_FOX}.model.", f"{_FLA}.models.")
_FAMILIES = {
    (_FOX, "TransformerForCausalLM"): "fla_transformer",
    (_FOX, "TransformerConfig"): "fla_transformer",
    (_FOX, "ForgettingTransformerForCausalLM"): "forgetting_transformer",
    (_FOX, "ForgettingTransformerConfig"): "forgetting_transformer",
    (_FLA, "TransformerForCausalLM"): "fla_transformer",
    (_FLA, "TransformerConfig"): "fla_transformer",
}
_OF_HYDRA = ("_target_", "_recursive_", "_convert_", "_partial_")
# Parts that some version of a code has, or that its class does not have although the family does: (package, family) -> keys.
_FOREIGN = {
    (_FOX, "fla_transformer"): ("qkv_bias", "qk_norm", "attnres_block_size", "norm_first", "fgate_type", "use_output_gate", "use_k_shift"),
    (_FOX, "forgetting_transformer"): ("qkv_bias", "attnres_block_size"),
    (_FLA, "fla_transformer"): ("attnres_block_size", "norm_first", "attention_bias", "use_output_gate"),
}
# VOCAB_SIZE of the data module, from which forgetting-transformer's train.py writes vocab_size into the config.
_DATA_MODULE, _DATA_ROWS = "forgetting_transformer.datamodule.longcrawl64.LongCrawl64DataModule", 50257


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the config nodes of these packages' models; of one whose config is not spelled out, the model's own node."""
    named = [node for node in survey.nodes_with("_target_") if _target(survey.view, node)]
    nodes = (node if _class(survey.view, node).endswith("Config") else _config_of(survey, node) for node in named)
    return tuple(dict.fromkeys(nodes))


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family by the model's class, and that its config is of the same; other classes are refused by name."""
    parent = root.rpartition(".")[0]
    has_parent = root.rpartition(".")[2] == "config" and _target(view, parent) is not None
    model = parent if has_parent else root
    named, key = (_package(view, model), _class(view, model)), join(model, "_target_")
    told = _FAMILIES.get(named)
    if told is None:
        return refused(key, f"{key} is {named[0]}'s {named[1]}, which cannot be counted yet")
    if not has_parent and not named[1].endswith("Config"):
        return refused(join(model, "config"), f"{join(model, 'config')} is not spelled out at its place, so that its sizes cannot be read")
    problem = _config_problem(view, root, named, told) if has_parent else None
    return problem or _foreign(view, root, named, told) or FamilyClaim(
        family=told, because=f"{key} is {named[0]}'s {named[1]}", key=key, class_name=f"{named[0]}'s {named[1]}"
    )  # fmt: skip


def vocabulary(survey: Survey, root: str, tokenizer: Tokenizer | None) -> Vocabulary | Unknown | None:  # noqa: ARG001  one interface
    """Return the constant of the data module that forgetting-transformer's training takes the vocabulary from, if the config names it."""
    for node, children in survey.nodes.items():
        key = join(node, "_target_")
        if "_target_" in children and survey.view.get(key) == _DATA_MODULE:
            return Vocabulary(rows=_DATA_ROWS, key=key, because=f"VOCAB_SIZE of LongCrawl64DataModule, which {key} names")
    return None


def _target(view: View, node: str) -> str | None:
    """Return what a node names, where it is of these packages' models."""
    value = view.get(join(node, "_target_"))
    return value if isinstance(value, str) and value.startswith(_PACKAGES) else None


def _package(view: View, node: str) -> str:
    return (_target(view, node) or "").partition(".")[0]


def _class(view: View, node: str) -> str:
    return (_target(view, node) or "").rpartition(".")[2]


def _config_of(survey: Survey, node: str) -> str:
    config = join(node, "config")
    return config if config in survey.nodes else node


def _config_problem(view: View, root: str, named: tuple[str, str], told: str) -> Unknown | None:
    """Refuse a config of another class than the model's, and arguments of the model beside its config."""
    key, parent = join(root, "_target_"), root.rpartition(".")[0]
    value = view.get(key) if "_target_" in view.keys(root) else None
    if value is not None and _FAMILIES.get((_package(view, root), _class(view, root))) != told:
        said = value.reason if isinstance(value, Unreadable) else value
        return refused(key, f"{key} is {said}, and the model is {named[0]}'s {named[1]}")
    for argument in sorted(set(view.keys(parent)) - {"config", *_OF_HYDRA}):
        if view.get(join(parent, argument)) is not None:
            return refused(join(parent, argument), f"{join(parent, argument)} is set, and what it does to the size is not known")
    return None


def _foreign(view: View, root: str, named: tuple[str, str], told: str) -> Unknown | None:
    for name in _FOREIGN[named[0], told]:
        value = view.get(join(root, name)) if name in view.keys(root) else None
        if value not in (None, False):
            said = value.reason if isinstance(value, Unreadable) else shown(value)
            return refused(join(root, name), f"{join(root, name)} is {said}, a part that {named[0]}'s {named[1]} is not counted with")
    return None

"""Stage 1, model side: finding the model in a config, and telling which family it is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any

from scalecheck import registry
from scalecheck.facts import ModelShape, Origin, Unknown, Unreadable, View
from scalecheck.shapes import FamilyClaim, Request, read_shape, unused_keys
from scalecheck.survey import Notes, Survey, join, shown, transformers_class

DECLARE = ("+hydra.callbacks.scalecheck.read.total_params=124439808",)
_CLASS_SUFFIXES = ("Config", "ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForConditionalGeneration", "ForImageClassification", "Model")


def claim_by_model_type(view: View, root: str) -> FamilyClaim | Unknown | None:
    """Take the family from ``model_type``; one that is not supported is unknown, its nearest neighbour named but not used."""
    key = join(root, "model_type")
    name = view.get(key) if "model_type" in view.keys(root) else None
    if not isinstance(name, str):
        return None
    family = family_of_type(name)
    if family:
        return FamilyClaim(family=family, because=f"{key} is {name}", key=key)
    return Unknown(field="family", key=key, reason=f"{key} is {shown(name)}, which is none of the {_unknown_type_hint(name)}")


def claim(view: View, root: str) -> FamilyClaim | Unknown | None:
    """Take the family from ``model_type`` and the class that the node names, which must agree; ``None`` where neither tells."""
    by_type, named = claim_by_model_type(view, root), claim_by_class(class_name(view, root))
    foreign = transformers_class(view, root)
    if foreign and named is None:
        reason = f"{root or 'the root'} is a {foreign}, which cannot be counted yet"
        return Unknown(field="family", key=join(root, "_target_"), reason=reason, remedies=DECLARE)
    if isinstance(by_type, FamilyClaim) and named:
        if by_type.family != named.family:
            return Unknown(field="family", key=by_type.key, reason=f"{by_type.because}, but {named.because}", remedies=DECLARE)
        return named  # the class says the same, and has defaults
    return by_type or named


def family_of_type(model_type: str) -> str | None:
    """Return the family that counts a ``model_type``: the file of that name, the only one that is imported."""
    named = model_type.replace("-", "_")
    is_there = named in registry.names("architectures")
    return named if is_there and model_type in registry.load("architectures", named).MODEL_TYPES else None


def _unknown_type_hint(model_type: str) -> str:
    """Say how many families there are and which is nearest in name, for a ``model_type`` that is none of them."""
    known = registry.names("architectures")
    near = difflib.get_close_matches(model_type, known, n=1, cutoff=0.4)
    hint = f"; the nearest in name is {near[0]}, which is not used" if near else ""
    return f"{len(known)} families that can be counted{hint}"


def class_name(view: View, root: str) -> str | None:
    """Return the class that the node, or its parent, names in ``_target_``, ``class_name`` or ``config_class``."""
    for node in (root, root.rpartition(".")[0]):
        for name in ("_target_", "class_name", "config_class"):
            value = view.get(join(node, name)) if name in view.keys(node) else None
            if isinstance(value, str):
                return value.rpartition(".")[2]
    return None


def claim_by_class(name: str | None) -> FamilyClaim | None:
    """Take the family from a class name such as ``LlamaConfig`` or ``GPT2LMHeadModel``."""
    for suffix in _CLASS_SUFFIXES:
        stem = name.removesuffix(suffix).lower() if name and name.endswith(suffix) else None
        family = _families_by_stem().get(stem) if stem else None
        if family:
            return FamilyClaim(family=family, because=f"the class is {name}", class_name=name)
    return None


@cache
def _families_by_stem() -> Mapping[str, str]:
    """Return the families by their name as transformers' classes write it: without underscores, in lower case."""
    return {name.replace("_", ""): name for name in registry.names("architectures")}


def read_model(
    view: View, survey: Survey, root: str | None, given: Mapping[str, Any], notes: Notes, prefix: str
) -> tuple[ModelShape | None, str | None]:
    """Find the model, read its fields, and build its shape. Returns the shape (``None`` if untold) and the dialect's name."""
    found = [(name, node) for name in registry.names("dialects/models") for node in registry.load("dialects/models", name).roots(survey)]
    if root is not None:
        found = [(name, node) for name, node in found if node == root] or [(n, k) for n, k in found if k.startswith(f"{root}.")]
    if len({node for _, node in found}) > 1:
        nodes = sorted({node or "the root" for _, node in found})
        lines = tuple(f"+{prefix}.read.model={node}" for _, node in found[:4] if node)
        notes.unknowns.append(
            Unknown(field="model", reason=f"there are {len(nodes)} models in the config: {', '.join(nodes[:6])}", remedies=lines)
        )
        return None, None
    if not found:
        _nothing_found(root, given, notes, prefix)
        return None, None
    dialect, node = found[0]
    module = registry.load("dialects/models", dialect)
    claimed = module.family(view, node)
    refusal = claimed if isinstance(claimed, Unknown) else _unmodelled(view, node, claimed)
    if refusal:
        notes.unknowns.append(refusal)
        return None, dialect
    notes.origins["family"] = Origin(key=claimed.key, assumed=claimed.assumed, because=claimed.because)
    return read_shape(view, node, claimed, Request(given=given, prefix=prefix, spellings=module.SPELLINGS), notes), dialect


def _unmodelled(view: View, node: str, claimed: FamilyClaim) -> Unknown | None:
    """Refuse a node with keys that its family does not have: counted without them, N would be silently wrong."""
    architecture = registry.load("architectures", claimed.family)
    unused = unused_keys(view, node, architecture)
    if unused:
        value = view.get(unused[0])
        said = f" cannot be read ({value.reason})" if isinstance(value, Unreadable) else f"={shown(value)}"
        reason = f"{unused[0]}{said}, and {claimed.family} ({claimed.because}) has no such part: it is another architecture"
        return Unknown(field="family", key=unused[0], reason=reason)
    if "is_encoder_decoder" in view.keys(node) and view.get(join(node, "is_encoder_decoder")) is True and "causal_lm" in architecture.HEADS:
        key = join(node, "is_encoder_decoder")
        return Unknown(field="family", key=key, reason=f"{key} is true, and {claimed.family} is a decoder alone")
    return None


def _nothing_found(root: str | None, given: Mapping[str, Any], notes: Notes, prefix: str) -> None:
    if "total_params" in given:
        return
    where = f" under {root}" if root else ""
    reason = f"no model{where} with names that are known (num_hidden_layers and hidden_size, or n_layer and n_embd)"
    notes.unknowns.append(Unknown(field="total_params", reason=reason, remedies=(f"+{prefix}.read.total_params=124439808",)))

"""Stage 1, model side: finding the model in a config, and telling which family it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

from scalecheck import registry
from scalecheck.facts import ModelShape, Origin, Unknown, View
from scalecheck.shapes import FamilyClaim, Request, read_shape, unused_keys, used_names
from scalecheck.survey import Notes, Survey, assigned, join, transformers_class
from scalecheck.suspects import ANY, Harmless, suspect
from scalecheck.text import shown
from scalecheck.values import dataclass
from scalecheck.vocabulary import Tokenizer, Vocabulary, find_tokenizer, generic

DECLARE = ("+hydra.callbacks.scalecheck.read.total_params=124439808",)
_ONLY_WHERE_NO_OTHER = 3  # the rank from which a dialect is asked only where none before it has found a model
# What the families that are told by names alone have anyway: patterns of keys, the first that fits, and the values that say so.
_HARMLESS: Mapping[str, Harmless] = {
    "gpt2": {
        "qk|untie|rms": (False,),
        "tie|tying": (True,),
        "norm": ("layernorm", "layer_norm", "ln", True),
        "(mlp|ffn|ff).*(ratio|mult)|expansion": (4, 4.0),
        "pos": ("learned", "learnt", "absolute", "learned_absolute", True),
        "(attention|attn)": ("full", "causal", "mha", "multihead"),
    },
    "llama": {
        "qk": (False,),
        "untie": (True,),
        "tie|tying|share|layer_?norm": (False,),
        "norm": ("rmsnorm", "rms_norm", "rms", True),
        "glu|gated": (True, "swiglu"),
        "theta|rotary_(base|pct|emb_base)|rope_(base|scaling|type|parameters)|partial_rotary": ANY,
        "pos|rope|rotary": ("rope", "rotary", True),
        "(mlp|ffn)_?(type|class)": ("swiglu", "gated", "llama", "llamamlp"),
        "(attention|attn)": ("full", "causal", "gqa", "mha", "multihead"),
    },
}
_CLASS_SUFFIXES = ("Config", "ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForConditionalGeneration", "ForImageClassification", "Model")


def refused(key: str | None, reason: str, *lines: str) -> Unknown:
    """Return why a model is not counted, with the lines that tell it: those of the case, and N itself."""
    return Unknown(field="family", key=key, reason=reason, remedies=(*lines, *DECLARE))


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
    by_type, told = claim_by_model_type(view, root), class_name(view, root)
    named = claim_by_class(told)
    if named and told and not by_type and "." in told and told.partition(".")[0] != "transformers":
        reason = f"{told} is no class of transformers: nothing tells that it is built as transformers builds {named.family}"
        line = f"+hydra.callbacks.scalecheck.read.family={named.family}"
        return refused(root or None, reason, line)
    if isinstance(by_type, FamilyClaim) and _is_foreign(view, root):
        by_type = replace(by_type, assumed=True, because=f"{by_type.because}, although its class is none of transformers")
    foreign = transformers_class(view, root)
    if foreign and named is None:
        reason = f"{root or 'the root'} is a {foreign}, which cannot be counted yet"
        return refused(join(root, "_target_"), reason)
    if isinstance(by_type, FamilyClaim) and named:
        if by_type.family != named.family:
            return refused(by_type.key, f"{by_type.because}, but {named.because}")
        return named  # the class says the same, and has defaults
    return by_type or named


def _is_foreign(view: View, root: str) -> bool:
    """Tell whether the node itself names a class that is not of transformers."""
    target = view.get(join(root, "_target_")) if "_target_" in view.keys(root) else None
    return isinstance(target, str) and "." in target and target.partition(".")[0] not in ("transformers", "builtins", "omegaconf")


def family_of_type(model_type: str) -> str | None:
    """Return the family that counts a ``model_type``: the file of that name, the only one that is imported."""
    named = model_type.replace("-", "_")
    is_there = named in registry.names("architectures")
    return named if is_there and model_type in registry.load("architectures", named).MODEL_TYPES else None


def _unknown_type_hint(model_type: str) -> str:
    """Say how many families there are and which is nearest in name, for a ``model_type`` that is none of them."""
    import difflib

    known = registry.names("architectures")
    near = difflib.get_close_matches(model_type, known, n=1, cutoff=0.4)
    hint = f"; the nearest in name is {near[0]}, which is not used" if near else ""
    return f"{len(known)} families that can be counted{hint}"


def class_name(view: View, root: str) -> str | None:
    """Return the class, with its package, that the node, or its parent, names in ``_target_``, ``class_name`` or ``config_class``."""
    for node in (root, root.rpartition(".")[0]):
        for name in ("_target_", "class_name", "config_class"):
            value = view.get(join(node, name)) if name in view.keys(node) else None
            if isinstance(value, str):
                return value
    return None


def claim_by_class(path: str | None) -> FamilyClaim | None:
    """Take the family from a class such as ``LlamaConfig`` or ``transformers.GPT2LMHeadModel``."""
    name = path.rpartition(".")[2] if path else None
    for suffix in _CLASS_SUFFIXES:
        stem = name.removesuffix(suffix).lower() if name and name.endswith(suffix) else None
        family = _families_by_stem().get(stem) if stem else None
        if family and registry.load("architectures", family).MODEL_TYPES:  # a training code's own model is not told by a class name alone
            return FamilyClaim(family=family, because=f"the class is {name}", class_name=name)
    return None


@cache
def _families_by_stem() -> Mapping[str, str]:
    """Return the families by their name as transformers' classes write it: without underscores, in lower case."""
    return {name.replace("_", ""): name for name in registry.names("architectures")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The model that a config has: its shape (``None`` if untold), the dialect that knows it, its node, and keys of its training length."""

    shape: ModelShape | None = None
    dialect: str | None = None
    node: str | None = None
    length_keys: tuple[str, ...] = ()


def read_model(survey: Survey, read: Mapping[str, Any], given: Mapping[str, Any], notes: Notes, prefix: str) -> Found:
    """Find the model, read its fields, and build its shape. ``read`` may pin the node (``model``) and name the family."""
    root = str(read["model"]) if read.get("model") else None
    nodes = _pinned(_nodes(survey), root)
    if len(nodes) > 1:
        listed = sorted(node or "the root" for node in nodes)
        lines = tuple(f"+{prefix}.read.model={node}" for node in nodes if node)[:4]
        reason = f"there are {len(nodes)} models in the config: {', '.join(listed[:6])}"
        notes.unknowns.append(Unknown(field="model", reason=reason, remedies=lines))
        return Found()
    if read.get("family"):
        return _told_family(survey, str(read["family"]), next(iter(nodes), root or ""), given, (notes, prefix))
    if not nodes:
        _nothing_found(root, given, notes, prefix)
        return Found()
    node, dialect = next(iter(nodes.items()))
    module = registry.load("dialects/models", dialect)
    lengths = tuple(join(node, name) for name in getattr(module, "TRAINING_LENGTHS", ()))
    claimed = module.family(survey.view, node)
    refusal = claimed if isinstance(claimed, Unknown) else _unmodelled(survey.view, node, claimed)
    if refusal:
        notes.unknowns.append(refusal)
        return Found(dialect=dialect, node=node, length_keys=lengths)
    notes.origins["family"] = Origin(key=claimed.key, assumed=claimed.assumed, because=claimed.because)
    request = Request(given=given, prefix=prefix, spellings=module.SPELLINGS, **_askers(survey, node, module))
    shape = read_shape(survey.view, node, claimed, request, notes)
    return Found(shape=shape, dialect=dialect, node=node, length_keys=lengths)


def _nodes(survey: Survey) -> dict[str, str]:
    """Return every node that a dialect knows as a model, with the dialect that knows it best: the one of the lowest rank."""
    modules = _modules()
    nodes: dict[str, str] = {}
    for name in modules:
        if nodes and modules[name].RANK >= _ONLY_WHERE_NO_OTHER:
            break
        for node in modules[name].roots(survey):
            nodes.setdefault(node, name)
    # A node inside a model that a training code's own dialect knows is a part of it, not a second model.
    owners = {node for node, name in nodes.items() if modules[name].RANK == 0}
    return {node: name for node, name in nodes.items() if not any(node != owner and _is_below(node, owner) for owner in owners)}


@cache
def _modules() -> Mapping[str, ModuleType]:
    """Return the dialects by their names, that of the lowest rank first."""
    modules = {name: registry.load("dialects/models", name) for name in registry.names("dialects/models")}
    return dict(sorted(modules.items(), key=lambda item: item[1].RANK))


def _is_below(node: str, owner: str) -> bool:
    return owner != "" and node.startswith(f"{owner}.")


def _pinned(nodes: dict[str, str], root: str | None) -> dict[str, str]:
    if root is None:
        return nodes
    return {node: name for node, name in nodes.items() if node == root} or {k: v for k, v in nodes.items() if k.startswith(f"{root}.")}


def _told_family(survey: Survey, family: str, node: str, given: Mapping[str, Any], filing: tuple[Notes, str]) -> Found:
    """Read a node as the family that the policy names; what neither the node nor the mapping tells is the family's default, assumed."""
    notes, prefix = filing
    because = f"{prefix}.read.family is {family}"
    claimed = FamilyClaim(family=family, because=because, key=f"{prefix}.read.family", class_name=family, assumed_defaults=True)
    notes.origins["family"] = Origin(key=claimed.key, because=because)
    request = Request(given=given, prefix=prefix, spellings={})
    return Found(shape=read_shape(survey.view, node, claimed, request, notes), dialect="read.family", node=node)


def _askers(survey: Survey, node: str, module: ModuleType) -> dict[str, Callable[[], Vocabulary | Unknown | None]]:
    """Return who is asked for the rows of a token table that no key tells: the dialect, which knows its code; then the tokenizer alone."""
    asked: list[Tokenizer | Unknown | None] = []

    def tokenizer() -> Tokenizer | Unknown | None:
        if not asked:
            asked.append(find_tokenizer(survey, node))
        return asked[0]

    def by_the_code() -> Vocabulary | Unknown | None:
        found = tokenizer()
        told: Vocabulary | Unknown | None = module.vocabulary(survey, node, found if isinstance(found, Tokenizer) else None)
        return told

    def by_the_tokenizer() -> Vocabulary | Unknown | None:
        found = tokenizer()
        return generic(found) if isinstance(found, Tokenizer) else found

    def by_a_stated_size() -> Vocabulary | Unknown | None:
        found = tokenizer()
        return generic(found) if isinstance(found, Tokenizer) and found.is_stated else None

    askers = {"tokenizer_rows": by_the_tokenizer, "stated_rows": by_a_stated_size}
    return askers | {"rows": by_the_code} if hasattr(module, "vocabulary") else askers


def _unmodelled(view: View, node: str, claimed: FamilyClaim) -> Unknown | None:
    """Refuse a node with keys that its family does not have: counted without them, N would be silently wrong."""
    view, node = (view, node) if claimed.view is None else (claimed.view, "")
    architecture = registry.load("architectures", claimed.family)
    unused = unused_keys(view, node, architecture)
    if unused:
        told = assigned(unused[0], view.get(unused[0]))
        reason = f"{told}, and {claimed.family} ({claimed.because}) has no such part: it is another architecture"
        return Unknown(field="family", key=unused[0], reason=reason)
    is_named = not claimed.assumed and (claimed.class_name is not None or (claimed.key or "").endswith("model_type"))
    is_alone = claimed.assumed and node != "" and not (claimed.key or "").endswith("model_type")  # told by the names of sizes alone
    changing = (
        None
        if claimed.is_file or not architecture.MODEL_TYPES
        else suspect(view, node, used_names(architecture), _HARMLESS.get(claimed.family, {}), is_named=is_named, is_alone=is_alone)
    )
    if changing:
        told = assigned(changing, view.get(changing))
        reason = f"{told} may change the model, and {claimed.family} ({claimed.because}) has no such key"
        line = f"+hydra.callbacks.scalecheck.read.family={claimed.family}"
        return Unknown(field="family", key=changing, reason=reason, remedies=(*DECLARE, line))
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

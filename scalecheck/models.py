"""Stage 1, model side: a node of the config in some dialect -> a family's shape, with the origin of every field."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import ModuleType
from typing import Any

from scalecheck import registry
from scalecheck.errors import ConfigError
from scalecheck.facts import Impossible, ModelShape, Origin, Unknown, Unreadable, View
from scalecheck.survey import Survey, join, shown, whole

_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", "num_moe_experts", "n_experts")
_OTHERS = ("kv_lora_rank", "encoder_layers", "num_decoder_layers", "d_state", "state_size")
_CLASS_SUFFIXES = ("Config", "ForCausalLM", "LMHeadModel", "Model")


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyClaim:
    """Which architecture a node holds, on what ground; ``class_name`` when a class with known defaults is named."""

    family: str
    because: str
    key: str | None = None
    class_name: str | None = None
    assumed: bool = False


@dataclass(slots=True, kw_only=True)
class Notes:
    """What stage 1 collects on its way: origins by field, unknowns, impossible values."""

    origins: dict[str, Origin] = field(default_factory=dict)
    unknowns: list[Unknown] = field(default_factory=list)
    impossible: list[Impossible] = field(default_factory=list)

    def speaks_of(self, name: str) -> bool:
        """Tell whether a field has been filed as unknown or impossible."""
        return any(item.field == name for item in self.unknowns) or any(item.field == name for item in self.impossible)

    def keep(self, value: Any) -> Any:
        """Return a value, or file it under what it is and return ``None``."""
        if isinstance(value, Unknown):
            self.unknowns.append(value)
        elif isinstance(value, Impossible):
            self.impossible.append(value)
        else:
            return value
        return None


def refuse_unmodelled(view: View, root: str) -> Unknown | None:
    """Refuse a node with keys that dense decoders do not have: counted without them, N would be silently wrong."""
    names = set(view.keys(root))
    for child in [child for child in ("moe", "moe_config", "ffn_config") if child in names]:
        found = refuse_unmodelled(view, join(root, child))
        if found:
            return found
    for name in (*_EXPERTS, *_OTHERS):
        value = view.get(join(root, name)) if name in names else None
        if value in (None, 0, 1):
            continue
        key = join(root, name)
        if isinstance(value, Unreadable):
            return Unknown(field="family", key=key, reason=f"{key} cannot be read ({value.reason}): the model may have several experts")
        return Unknown(field="family", key=key, reason=f"{key}={shown(value)} is no part of the architectures that can be counted yet")
    if "is_encoder_decoder" in names and view.get(join(root, "is_encoder_decoder")) is True:
        key = join(root, "is_encoder_decoder")
        return Unknown(field="family", key=key, reason=f"{key} is true, and encoder-decoders cannot be counted yet")
    return None


def claim_by_model_type(view: View, root: str) -> FamilyClaim | Unknown | None:
    """Take the family from ``model_type``; one that is not supported is unknown, its nearest neighbour named but not used."""
    key = join(root, "model_type")
    name = view.get(key) if "model_type" in view.keys(root) else None
    if not isinstance(name, str):
        return None
    for family, module in _families().items():
        if name in module.MODEL_TYPES:
            return FamilyClaim(family=family, because=f"{key} is {name}", key=key)
    near = difflib.get_close_matches(name, _families(), n=1, cutoff=0.4)
    hint = f"; the nearest that can be counted is {near[0]}, which is not used" if near else ""
    return Unknown(field="family", key=key, reason=f"{key} is {shown(name)}, which is not among {', '.join(_families())}{hint}")


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
        for family, module in _families().items():
            if stem and stem in module.MODEL_TYPES:
                return FamilyClaim(family=family, because=f"the class is {name}", class_name=name)
    return None


def _families() -> dict[str, ModuleType]:
    return {name: registry.load("architectures", name) for name in registry.names("architectures")}


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
    claim = registry.load("dialects/models", dialect).family(view, node)
    if isinstance(claim, Unknown):
        notes.unknowns.append(claim)
        return None, dialect
    notes.origins["family"] = Origin(key=claim.key, assumed=claim.assumed, because=claim.because)
    return _shape(view, node, claim, _Request(dialect=dialect, given=given, prefix=prefix), notes), dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    dialect: str
    given: Mapping[str, Any]
    prefix: str


def _nothing_found(root: str | None, given: Mapping[str, Any], notes: Notes, prefix: str) -> None:
    if "total_params" in given:
        return
    where = f" under {root}" if root else ""
    reason = f"no model{where} with names that are known (num_hidden_layers and hidden_size, or n_layer and n_embd)"
    notes.unknowns.append(Unknown(field="total_params", reason=reason, remedies=(f"+{prefix}.read.total_params=124439808",)))


def _shape(view: View, node: str, claim: FamilyClaim, request: _Request, notes: Notes) -> ModelShape | None:
    module = registry.load("architectures", claim.family)
    wrong = len(notes.impossible) + len(notes.unknowns)
    values = _read_fields(view, node, module, request, notes)
    if len(notes.impossible) + len(notes.unknowns) > wrong:
        _default_vocabulary(values, notes, node, request.prefix)
        if len(notes.impossible) > 0 or any(unknown.field != "vocab_size" for unknown in notes.unknowns[wrong:]):
            return None
    if claim.class_name:
        for name, default in module.CLASS_DEFAULTS.items():
            if values.get(name) is None:
                values[name] = default
                notes.origins[name] = Origin(assumed=True, because=f"the default of {claim.class_name}")
    if not _derived(module, values, notes, _Node(node, family_is_assumed=claim.assumed)):
        return None
    return _built(
        module, claim.family, values, notes, _Place(node=node, prefix=request.prefix, spellings=_spellings(module, request.dialect))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    node: str
    prefix: str
    spellings: Mapping[str, tuple[str, ...]]


def _spellings(module: ModuleType, dialect: str) -> dict[str, tuple[str, ...]]:
    """Return the names of each field: the family's own, and those of the dialect."""
    extra: Mapping[str, tuple[str, ...]] = registry.load("dialects/models", dialect).SPELLINGS
    return {name: (*module.KEYS.get(name, ()), *extra.get(name, ())) for name in {**module.KEYS, **extra}}


def _read_fields(view: View, node: str, module: ModuleType, request: _Request, notes: Notes) -> dict[str, Any]:
    values: dict[str, Any] = {}
    children = set(view.keys(node))
    for name, spellings in _spellings(module, request.dialect).items():
        if name in request.given:
            values[name] = request.given[name]
            continue
        spelling = next((word for word in spellings if word in children and view.get(join(node, word)) is not None), None)
        if spelling is None:
            continue
        key = join(node, spelling)
        raw = view.get(key)
        notes.origins[name] = Origin(key=key)
        if name == "vocab_size" and raw == -1:
            notes.unknowns.append(Unknown(field=name, key=key, reason=f"{key} is -1, to be filled in when the run starts"))
        elif isinstance(raw, bool) and name in ("tie_word_embeddings", "bias", "attention_bias", "mlp_bias"):
            values[name] = raw
        else:
            kept = notes.keep(whole(name, key, raw))
            if kept is not None:
                values[name] = kept
    return values


def _default_vocabulary(values: dict[str, Any], notes: Notes, node: str, prefix: str) -> None:
    """Turn an unreadable vocabulary into an unknown one: the rest of the model can still be counted."""
    if "vocab_size" not in values:
        values["vocab_size"] = None
    for number, unknown in enumerate(notes.unknowns):
        if unknown.field == "vocab_size" and not unknown.remedies:
            lines = (f"{join(node, 'vocab_size')}=50257", f"+{prefix}.read.vocab_size=50257")
            notes.unknowns[number] = Unknown(field="vocab_size", key=unknown.key, reason=unknown.reason, remedies=lines)


@dataclass(frozen=True, slots=True)
class _Node:
    key: str
    family_is_assumed: bool


def _derived(module: ModuleType, values: dict[str, Any], notes: Notes, place: _Node) -> bool:
    node = place.key
    needed = ("num_layers", "hidden_size", "num_attention_heads")
    missing = [name for name in needed if values.get(name) is None]
    for name in missing:
        spelled = " or ".join(join(node, word) for word in module.KEYS[name])
        line = f"+{join(node, module.KEYS[name][0])}=12"
        notes.unknowns.append(Unknown(field=name, key=node or None, reason=f"{spelled} is not set", remedies=(line,)))
    if missing:
        return False
    try:
        derived = module.derive({name: value for name, value in values.items() if value is not None})
    except ConfigError as error:
        key = notes.origins.get("num_attention_heads", Origin()).key
        involved = ("num_attention_heads", "num_key_value_heads", "hidden_size")
        heads = f" ({', '.join(str(notes.origins[name].key) for name in involved if name in notes.origins and notes.origins[name].key)})"
        notes.impossible.append(Impossible(field="num_attention_heads", key=key, reason=f"{error}{heads}"))
        return False
    for name, (value, because) in derived.items():
        if values.get(name) is None:
            values[name] = value
            # What a family's own definition derives is not our choice; the choice of the family may be.
            notes.origins[name] = Origin(assumed=place.family_is_assumed and name != "head_dim", because=because)
    return True


def _built(module: ModuleType, family: str, values: dict[str, Any], notes: Notes, place: _Place) -> ModelShape | None:
    node, prefix = place.node, place.prefix
    if values.get("vocab_size") is None and not any(unknown.field == "vocab_size" for unknown in notes.unknowns):
        key = join(node, "vocab_size")
        lines = (f"+{key}=50257", f"+{prefix}.read.vocab_size=50257")
        notes.unknowns.append(Unknown(field="vocab_size", key=node or None, reason=f"{key} is not set", remedies=lines))
    values.setdefault("vocab_size", None)
    names = [item.name for item in fields(module.Shape)]
    for name in names:
        if name not in values and name not in ("family", *_defaulted(module)):
            key = join(node, place.spellings.get(name, (name,))[0])
            notes.unknowns.append(Unknown(field=name, key=node or None, reason=f"{key} is not set", remedies=(f"+{key}=1024",)))
            return None
    for item in fields(module.Shape):
        if item.name not in values and item.name in place.spellings:
            notes.origins[item.name] = Origin(assumed=True, because=f"not set; the default of {family}")
    shape: ModelShape = module.Shape(family=family, **{name: values[name] for name in names if name in values})
    return shape


def _defaulted(module: ModuleType) -> tuple[str, ...]:
    return tuple(item.name for item in fields(module.Shape) if item.default is not MISSING)

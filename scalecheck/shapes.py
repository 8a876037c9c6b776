"""Stage 1, model side: a node whose family is known -> the family's shape, with the origin of every field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from functools import cache
from types import ModuleType
from typing import Any

from scalecheck import registry
from scalecheck.errors import ConfigError
from scalecheck.facts import Impossible, ModelShape, Origin, Unknown, Unreadable, View
from scalecheck.keys import Key, Keys
from scalecheck.survey import Notes, checked, join
from scalecheck.text import shown
from scalecheck.values import dataclass
from scalecheck.vocabulary import Vocabulary

_HEADS: Mapping[str, tuple[str, ...]] = {
    "ForCausalLM": ("causal_lm",),
    "LMHeadModel": ("causal_lm", "seq2seq_lm"),
    "ForMaskedLM": ("masked_lm",),
    "ForConditionalGeneration": ("seq2seq_lm", "speech_seq2seq"),
    "ForImageClassification": ("image_classification",),
}
# Keys that belong to some families only and change the count: on another family they mean a model that is not the one counted.
TELLING = frozenset((
    "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", "num_moe_experts", "n_experts",
    "n_shared_experts", "shared_expert_intermediate_size", "kv_lora_rank", "q_lora_rank", "encoder_layers", "num_decoder_layers", "d_state",
    "state_size", "add_cross_attention", "num_nextn_predict_layers", "multi_query", "parallel_attn", "use_qk_norm", "qk_layernorm",
))  # fmt: skip
_NESTED = frozenset(("moe", "moe_config", "ffn_config"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyClaim:
    """Which architecture a node holds, on what ground; ``class_name`` when a class or code with known defaults is named.

    ``presets`` are what the recognised code fixes for fields that the config does not set, each with its reason. ``view`` is where
    the fields are read instead of the node, a file that the config refers to, and ``source`` its name. ``is_file`` says that the
    node is a whole model config, so that what it does not tell about the head is told to the user.
    """

    family: str
    because: str
    key: str | None = None
    class_name: str | None = None
    assumed: bool = False
    assumed_defaults: bool = False
    is_file: bool = False
    presets: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    view: View | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How a node is to be read: what the policy maps, where the policy lives, and the dialect's own spellings.

    ``rows`` asks the dialect for the rows of the token table where no key tells them, ``tokenizer_rows`` the tokenizer alone.
    """

    given: Mapping[str, Any]
    prefix: str
    spellings: Keys
    rows: Callable[[], Vocabulary | Unknown | None] | None = None
    tokenizer_rows: Callable[[], Vocabulary | Unknown | None] | None = None
    stated_rows: Callable[[], Vocabulary | Unknown | None] | None = None


def keys_of(module: ModuleType, spellings: Keys) -> Keys:
    """Return the names of each field: the family's own, then those of a dialect."""
    own: Keys = module.KEYS
    if not spellings:
        return own
    both = {name: Key((*own[name].names, *spellings[name].names), own[name].kind) for name in own if name in spellings}
    return {**spellings, **own, **both}


def unused_keys(view: View, node: str, module: ModuleType) -> tuple[str, ...]:
    """Return the keys of a node that would change the count of another family, and that this one does not use."""
    children, used = set(view.keys(node)), used_names(module)
    places = [(node, children - used)] + [(join(node, name), set(view.keys(join(node, name)))) for name in _NESTED & children - used]
    unused = []
    for place, names in places:
        for name in sorted(names & TELLING):
            value = view.get(join(place, name))
            is_dense = value in (None, 0) or (value == 1 and value is not True and "expert" in name)  # one expert is a dense layer
            if isinstance(value, Unreadable) or not is_dense:
                unused.append(join(place, name))
    return tuple(unused)


@cache
def used_names(module: ModuleType) -> frozenset[str]:
    """Return the names of keys that a family reads or knows to have no effect."""
    names = {part for key in module.KEYS.values() for name in key.names for part in (name, name.partition(".")[0])}
    return frozenset(names | set(getattr(module, "WITHOUT_EFFECT", ())))


def read_shape(view: View, node: str, claim: FamilyClaim, request: Request, notes: Notes) -> ModelShape | None:
    """Read a node as the family that it is claimed to be; what keeps it from being one is filed in ``notes``."""
    module = registry.load("architectures", claim.family)
    before = (len(notes.unknowns), len(notes.impossible))
    keys = keys_of(module, request.spellings)
    place, read_from = (node, view) if claim.view is None else ("", claim.view)
    values = _read_fields(read_from, place, keys, request, notes)
    head = _head(read_from, place, module, claim, notes)
    if head is not None:
        values["head"] = head
    if claim.view is not None:
        _say_the_source(values, claim, request, notes)
    _fill_presets(values, claim, notes)
    refused = _ask_for_rows(values, request.rows, keys, notes)
    filed = {unknown.field for unknown in notes.unknowns[before[0] :]} | {wrong.field for wrong in notes.impossible[before[1] :]}
    if filed:
        _keep_vocabulary_apart(values, notes, node, request.prefix)
        if len(notes.impossible) > before[1] or filed != {"vocab_size"}:
            return None
    if claim.class_name and "vocab_size" not in values and "vocab_size" in module.CLASS_DEFAULTS:
        refused = _ask_for_rows(values, request.stated_rows, keys, notes) or refused  # a size beside the tokenizer is no default
    if claim.class_name:
        for name, default in module.CLASS_DEFAULTS.items():
            if name not in values:
                values[name] = default
                # A class that the config itself names has its defaults: that is not our choice. A file only says what it was saved from.
                notes.origins[name] = Origin(assumed=claim.assumed_defaults, because=f"the default of {claim.class_name}")
    if not refused:  # the code's own rule says that the tokenizer alone does not tell
        _ask_for_rows(values, request.tokenizer_rows, keys, notes)
    if not _derive(module, values, notes):
        return None
    return _built(module, values, keys, _Place(node=node, prefix=request.prefix, family=claim.family), notes)


def _read_fields(view: View, node: str, keys: Mapping[str, Key], request: Request, notes: Notes) -> dict[str, Any]:
    """Read each field under the first of its names that is there; one that is there and null is ``None``, which is no default."""
    values: dict[str, Any] = {}
    children = set(view.keys(node))
    for name, key in keys.items():
        if name in request.given:
            values[name] = request.given[name]
            continue
        is_there, place, raw = False, "", None
        for word in key.names:
            if word in children or ("." in word and _is_there(view, node, word)):
                is_there, place = True, join(node, word)
                raw = view.get(place)
                if raw is not None:
                    break
        if not is_there:
            continue
        if raw is None:
            values[name] = None
            continue
        notes.origins[name] = Origin(key=place)
        if name == "vocab_size" and raw == -1:
            notes.unknowns.append(Unknown(field=name, key=place, reason=f"{place} is -1, to be filled in when the run starts"))
            continue
        kept = notes.keep(checked(name, place, raw, key.kind))
        if kept is not None:
            values[name] = kept
    return values


def _say_the_source(values: Mapping[str, Any], claim: FamilyClaim, request: Request, notes: Notes) -> None:
    """Point the origins of what was read from another file at the key that refers to it."""
    for name in values:
        origin = notes.origins.get(name)
        if origin is not None and origin.key and name not in request.given:
            # Where the source itself is assumed, the family says so once for all.
            notes.origins[name] = Origin(key=claim.key, because=f"{origin.key} in {claim.source}")


def _fill_presets(values: dict[str, Any], claim: FamilyClaim, notes: Notes) -> None:
    for name, (value, because) in claim.presets.items():
        if values.get(name) is None and not notes.speaks_of(name):
            values[name] = value
            notes.origins[name] = Origin(key=claim.key, because=because)


def _ask_for_rows(values: dict[str, Any], ask: Callable[[], Vocabulary | Unknown | None] | None, keys: Keys, notes: Notes) -> bool:
    """Fill in the rows of the token table where no key tells them, also where one says that they are filled in when the run starts.

    Returns whether who was asked refused to say.
    """
    if ask is None or "vocab_size" not in keys or values.get("vocab_size") is not None:
        return False
    told = ask()
    if isinstance(told, Vocabulary):
        values["vocab_size"] = told.rows
        notes.origins["vocab_size"] = Origin(key=told.key, assumed=told.assumed, because=told.because)
        notes.unknowns[:] = [unknown for unknown in notes.unknowns if unknown.field != "vocab_size"]
    elif isinstance(told, Unknown):
        notes.unknowns[:] = [unknown for unknown in notes.unknowns if unknown.field != "vocab_size"]
        notes.unknowns.append(told)
    return isinstance(told, Unknown)


def _is_there(view: View, node: str, word: str) -> bool:
    parent, _, child = word.rpartition(".")
    return child in view.keys(join(node, parent))


def _head(view: View, node: str, module: ModuleType, claim: FamilyClaim, notes: Notes) -> str | None:
    """Return what stands on the stack: what ``architectures`` or the class says, else the family's pre-training head."""
    key = join(node, "architectures")
    listed = view.get(key) if "architectures" in view.keys(node) else None
    names = [str(name) for name in listed] if isinstance(listed, list | tuple) else [str(listed)] if isinstance(listed, str) else []
    default: str = module.HEADS[0]
    for name in names or [claim.class_name or ""]:
        supported = next(
            (head for suffix, heads in _HEADS.items() if name.endswith(suffix) for head in heads if head in module.HEADS), None
        )
        if supported:
            notes.origins["head"] = Origin(key=key if names else claim.key, because=f"the class is {name}")
            return supported
    bare = next((name for name in names or [claim.class_name or ""] if name.endswith("Model")), None)
    if names and not bare:
        known = ", ".join(f"...{suffix}" for suffix, heads in _HEADS.items() if set(heads) & set(module.HEADS))
        reason = f"{key} is {shown(names[0])}, whose head is not counted; of {claim.family} these are: {known}"
        notes.unknowns.append(Unknown(field="head", key=key, reason=reason))
        return None
    if claim.is_file or bare:
        because = f"{bare} does not tell" if bare else f"{key} is not set"
        notes.origins["head"] = Origin(assumed=True, because=f"{default}: {because}; it is what {claim.family} is pre-trained with")
    return default


def _keep_vocabulary_apart(values: dict[str, Any], notes: Notes, node: str, prefix: str) -> None:
    """Turn an unreadable vocabulary into an unknown one: the rest of the model can still be counted."""
    values.setdefault("vocab_size", None)
    for number, unknown in enumerate(notes.unknowns):
        if unknown.field == "vocab_size" and not unknown.remedies:
            lines = (f"{join(node, 'vocab_size')}=50257", f"+{prefix}.read.vocab_size=50257")
            notes.unknowns[number] = Unknown(field="vocab_size", key=unknown.key, reason=unknown.reason, remedies=lines)


def _derive(module: ModuleType, values: dict[str, Any], notes: Notes) -> bool:
    """Fill in what follows from the family's definition; sizes of which no model can be built are filed as impossible."""
    try:
        derived = module.derive({name: value for name, value in values.items() if value is not None})
    except ConfigError as error:
        sentence = str(error)
        involved = {name: origin.key for name, origin in notes.origins.items() if origin.key and name in sentence}
        first = involved.get("num_attention_heads") or next(iter(involved.values()), None)
        place = f" ({', '.join(involved.values())})" if involved else ""
        notes.impossible.append(Impossible(field="num_attention_heads", key=first, reason=f"{sentence}{place}"))
        return False
    for name, (value, because) in derived.items():
        if values.get(name) is None:
            values[name] = value
            # What a family's own definition derives is not our choice; the choice of the family may be, and says so itself.
            notes.origins[name] = Origin(because=because)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    node: str
    prefix: str
    family: str


@cache
def _fields(module: ModuleType) -> Mapping[str, Field[Any]]:
    return {item.name: item for item in fields(module.Shape)}


def _built(module: ModuleType, values: dict[str, Any], keys: Keys, place: _Place, notes: Notes) -> ModelShape | None:
    own = _fields(module)
    needed = [item for item in own.values() if item.name not in ("family", "vocab_size", "head")]
    missing = [item.name for item in needed if item.default is MISSING and values.get(item.name) is None]
    for name in missing:
        _file_missing(name, keys, place, notes)
    if values.get("vocab_size") is None and not notes.speaks_of("vocab_size") and "vocab_size" in keys:
        key = join(place.node, keys["vocab_size"].names[0])
        lines = (f"+{key}=50257", f"+{place.prefix}.read.vocab_size=50257")
        notes.unknowns.append(Unknown(field="vocab_size", key=place.node or None, reason=f"{key} is not set", remedies=lines))
    if missing:
        return None
    values.setdefault("vocab_size", None)
    for item in needed:
        if item.name not in values and item.name in keys and item.default is not None and item.default is not MISSING:
            notes.origins[item.name] = Origin(assumed=True, because=f"not set; the default of {place.family}")
    kept = {name: value for name, value in values.items() if name in own and (value is not None or own[name].default in (None, MISSING))}
    shape: ModelShape = module.Shape(**(kept | {"family": place.family}))
    return shape


def _file_missing(name: str, keys: Keys, place: _Place, notes: Notes) -> None:
    if notes.speaks_of(name):
        return
    spellings = keys[name].names if name in keys else (name,)
    spelled = " or ".join(join(place.node, word) for word in spellings)
    line = f"+{join(place.node, spellings[0])}={12 if name.startswith('num_') else 1024}"
    notes.unknowns.append(Unknown(field=name, key=place.node or None, reason=f"{spelled} is not set", remedies=(line,)))

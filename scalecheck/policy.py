"""What a team switched on: the raw node at ``hydra.callbacks.scalecheck`` -> a ``Policy``, or one clear sentence.

A broken guard must not look like a pass, so everything unknown is refused with its dotted key and the nearest known name.
pydantic validates the options of the rules and is imported only then; when ``rules`` is one that scalecheck ships,
unchanged (``SHIPPED_FINGERPRINTS``), the tests have validated it and the dataclasses are built directly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

from scalecheck import registry
from scalecheck.errors import ExpressionError, PolicyError, did_you_mean
from scalecheck.facts import AttentionConvention, Hardware
from scalecheck.forms import Law
from scalecheck.options import choice, count_or_none, mapping, number, positive, refuse_unknown, switch
from scalecheck.policy_laws import DEFAULT_LAW, DEFAULT_LAWS, Laws
from scalecheck.text import shown
from scalecheck.values import dataclass

RuleSeverity = Literal["off", "note", "warning", "error"]
KEY = "hydra.callbacks.scalecheck"
MODES = ("off", "warn", "stop", "plan")
REJECTIONS = ("stop", "drop")
INTERNAL_ERROR_MODES = ("warn", "stop")
SEVERITIES = ("off", "note", "warning", "error")
INTENTS = ("auto", "pretrain", "finetune", "continue", "rl", "distill", "evaluate", "smoke", "ladder")
COUNTS = ("formula", "instantiate")
ATTENTIONS: tuple[AttentionConvention, ...] = get_args(AttentionConvention)
READ_NAMES = (
    "root", "model", "total_params", "num_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "head_dim", "vocab_size", "max_positions", "tie_word_embeddings", "family", "num_steps", "tokens_per_step", "sequence_length",
    "sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices", "training_tokens", "unique_tokens", "epochs",
)  # fmt: skip
_NAMES_NOT_EXPRESSIONS = ("root", "model", "family")
_OF_HYDRA = ("_target_", "_recursive_", "_convert_")
DEFAULT_NODE = "model"
SHIPPED_FINGERPRINTS = {
    "default": "9cdaf59c4878bd2e4eb5a2cb8cceba636f56a3aac5df2e813be47e6deb812629",
    "plan": "9cdaf59c4878bd2e4eb5a2cb8cceba636f56a3aac5df2e813be47e6deb812629",
    "strict": "0569e38ad04197b3fc1df1c8c1c45e7eecd1ea768bbfa4d172a02fb31bfe5ef5",
}
"""sha256 of the canonical JSON of ``rules`` in each policy of conf/scalecheck/; tests/test_policy.py proves them fresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """One rule with its options (a ``Rule`` of scalecheck/rules/), and how severe its findings are unless it says so itself."""

    severity: RuleSeverity
    rule: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is checked, by which law, how severely, and what a finding does to the launch.

    ``own_laws`` are the laws of the user's own files, by name; ``hardware`` is what time and money are told for, ``None``: nothing.
    ``count`` says whether N comes from the family's formula or from the user's own code, which builds what ``instantiate`` names.
    """

    mode: str = "warn"
    on_reject: str = "stop"
    on_internal_error: str = "warn"
    law: str = DEFAULT_LAW
    laws: tuple[str, ...] = DEFAULT_LAWS
    own_laws: Mapping[str, Law] = field(default_factory=dict)
    hardware: Hardware | None = None
    intent: str = "auto"
    count: str = "formula"
    instantiate: str = DEFAULT_NODE
    attention: AttentionConvention = "full"
    verbose: bool = False
    read: Mapping[str, Any] = field(default_factory=dict)
    assume: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)


def load_policy(raw: Mapping[str, Any] | None, base: str | Path | None = None) -> Policy:
    """Validate a raw policy; keys that are not given keep their defaults. Files of laws are looked for from ``base``.

    Raises:
        PolicyError: one sentence with the dotted key, what stands there, and what may stand there.
    """
    given = {name: value for name, value in mapping(raw, KEY).items() if name not in _OF_HYDRA}
    refuse_unknown(given, [option.name for option in fields(Policy) if option.name != "own_laws"], KEY)
    known = Laws(Path.cwd() if base is None else Path(base))
    law = known.name(given.get("law", DEFAULT_LAW), f"{KEY}.law")
    return Policy(
        mode=choice(given.get("mode", "warn"), MODES, f"{KEY}.mode"),
        on_reject=choice(given.get("on_reject", "stop"), REJECTIONS, f"{KEY}.on_reject"),
        on_internal_error=choice(given.get("on_internal_error", "warn"), INTERNAL_ERROR_MODES, f"{KEY}.on_internal_error"),
        law=law,
        laws=tuple(dict.fromkeys((law, *known.names(given.get("laws", DEFAULT_LAWS), f"{KEY}.laws")))),
        own_laws=known.own,
        hardware=_hardware(given.get("hardware"), f"{KEY}.hardware"),
        intent=choice(given.get("intent", "auto"), INTENTS, f"{KEY}.intent"),
        count=choice(given.get("count", "formula"), COUNTS, f"{KEY}.count"),
        instantiate=_node(given.get("instantiate", DEFAULT_NODE), f"{KEY}.instantiate"),
        attention=cast("AttentionConvention", choice(given.get("attention", "full"), ATTENTIONS, f"{KEY}.attention")),
        verbose=switch(given.get("verbose", False), f"{KEY}.verbose"),
        read=_read(given.get("read")),
        assume=_assume(given.get("assume")),
        rules=_rules(given.get("rules")),
    )


def fingerprint(rules: Any) -> str:
    """Return the sha256 of the canonical JSON of a policy's ``rules``; ``""`` for what JSON cannot hold."""
    try:
        text = json.dumps(rules, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


def _hardware(value: Any, key: str) -> Hardware | None:
    """Read what time and money are told for; a policy that names no accelerator loads no table of them."""
    if not any(entry is not None for entry in mapping(value, key).values()):
        return None
    from scalecheck.hardware import read_hardware

    return read_hardware(value, key)


def _node(value: Any, key: str) -> str:
    if isinstance(value, str) and all(step.isidentifier() for step in value.split(".")):
        return value
    message = f"{key} is {shown(value)}; it needs a node of the config, such as {DEFAULT_NODE}, or a function: package.module.function."
    raise PolicyError(message)


def _read(value: Any) -> dict[str, Any]:
    given = mapping(value, f"{KEY}.read")
    refuse_unknown(given, READ_NAMES, f"{KEY}.read")
    return {name: _read_entry(name, entry) for name, entry in given.items() if entry is not None}


def _read_entry(name: str, entry: Any) -> Any:
    key = f"{KEY}.read.{name}"
    if isinstance(entry, bool) and name == "tie_word_embeddings":
        return entry
    if not isinstance(entry, str):
        return positive(entry, key)
    if not entry.strip():
        message = f"{key} is empty; it needs a config key, an expression over config keys, or a number."
        raise PolicyError(message)
    if name in _NAMES_NOT_EXPRESSIONS:
        return _family(entry.strip(), key) if name == "family" else entry.strip()
    count = count_or_none(entry)
    if count is not None:
        return positive(count, key)
    from scalecheck import expression

    try:
        expression.keys(entry)
    except ExpressionError as error:
        message = f"{key}: {error}"
        raise PolicyError(message) from None
    return entry


def _family(name: str, key: str) -> str:
    known = registry.names("architectures")
    if name not in known:
        message = f"{key}: no '{name}' in scalecheck/architectures/.{did_you_mean(name, known)}"
        raise PolicyError(message)
    return name


def _assume(value: Any) -> dict[str, Any]:
    given = mapping(value, f"{KEY}.assume")
    refuse_unknown(given, ("devices",), f"{KEY}.assume")
    devices = given.get("devices")
    if devices is None:
        return {}
    count = positive(devices, f"{KEY}.assume.devices")
    if count != int(count):
        message = f"{KEY}.assume.devices is {shown(devices)}; it needs a whole number of devices."
        raise PolicyError(message)
    return {"devices": int(count)}


def _rules(value: Any) -> dict[str, RuleSetting]:
    key = f"{KEY}.rules"
    given = mapping(value, key)
    names = registry.names("rules")
    for name in given:
        if name not in names:
            message = f"{key}.{name}: no '{name}' in scalecheck/rules/.{did_you_mean(name, names)}"
            raise PolicyError(message)
    shipped = fingerprint(given) in SHIPPED_FINGERPRINTS.values()
    return {name: _rule_setting(name, given.get(name), shipped=shipped) for name in names}


def _rule_setting(name: str, value: Any, *, shipped: bool) -> RuleSetting:
    key = f"{KEY}.rules.{name}"
    options = mapping(value, key)
    kind = registry.load("rules", name).Rule
    severity = choice(options.pop("severity", kind.DEFAULT_SEVERITY), SEVERITIES, f"{key}.severity")
    rule = _built(kind, options) if shipped or not options else _validated(kind, options, key)
    return RuleSetting(severity=cast("RuleSeverity", severity), rule=rule)


def _built(kind: Any, options: Mapping[str, Any]) -> Any:
    """Build a rule from options that are known to be valid; a group of options is of the class that makes its default."""
    groups: dict[str, Any] = {option.name: option.default_factory for option in fields(kind)}
    return kind(**{name: _built(groups[name], value) if isinstance(value, Mapping) else value for name, value in options.items()})


def _validated(kind: Any, options: Mapping[str, Any], key: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    prepared = _prepared(kind, options, key)
    try:
        return TypeAdapter(kind).validate_python(prepared)
    except ValidationError as invalid:
        raise PolicyError(_sentence(invalid.errors(include_url=False)[0], key)) from None


def _prepared(kind: Any, options: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Check the names, and read numbers our way: pydantic would take ``True`` for 1.0 and refuse ``300B``."""
    hints = get_type_hints(kind)
    known = [option.name for option in fields(kind)]
    refuse_unknown(options, [*known, "severity"] if "DEFAULT_SEVERITY" in vars(kind) else known, key)
    prepared: dict[str, Any] = {}
    for name, value in options.items():
        if is_dataclass(hints[name]):
            prepared[name] = _prepared(hints[name], mapping(value, f"{key}.{name}"), f"{key}.{name}")
        elif _is_number(hints[name]) and value is not None:
            prepared[name] = number(value, f"{key}.{name}")
        else:
            prepared[name] = value
    return prepared


def _is_number(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return _is_number(get_args(hint)[0])
    return hint in (int, float) or any(_is_number(part) for part in get_args(hint) if get_origin(hint) is not Literal)


_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _sentence(error: Mapping[str, Any], key: str) -> str:
    """Say one of pydantic's errors in our words."""
    place = ".".join([key, *(str(step) for step in error["loc"] if isinstance(step, int) or str(step).isidentifier())])
    found, kind, context = shown(error["input"]), error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"{place} is {found}; it must be {words} {context[bound]:g}."
    if kind == "literal_error":
        return f"{place} is {found}; it must be {context['expected']}."
    if kind.startswith(("int", "float")):
        return f"{place} is {found}; it needs a {'whole ' if kind.startswith('int') else ''}number."
    return f"{place} is {found}; it needs a {kind.split('_')[0]} value."

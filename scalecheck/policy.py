"""What a team switched on: the raw node at ``hydra.callbacks.scalecheck`` -> a ``Policy``, or one clear sentence.

A broken guard must not look like a pass, so everything unknown is refused with its dotted key and the nearest known name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from scalecheck import registry
from scalecheck.errors import ExpressionError, PolicyError, did_you_mean
from scalecheck.facts import AttentionConvention, Hardware
from scalecheck.forms import Law
from scalecheck.options import choice, count_or_none, mapping, positive, refuse_unknown, switch
from scalecheck.policy_laws import DEFAULT_LAW, DEFAULT_LAWS, Laws
from scalecheck.rule_settings import RuleSetting, read_rules
from scalecheck.text import shown
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from scalecheck.waivers import Waiver

KEY = "hydra.callbacks.scalecheck"
MODES = ("off", "warn", "stop", "plan")
REJECTIONS = ("stop", "drop")
INTERNAL_ERROR_MODES = ("warn", "stop")
INTENTS = ("auto", "pretrain", "finetune", "continue", "rl", "distill", "evaluate", "smoke", "ladder")
COUNTS = ("formula", "instantiate")
REPORTS = ("html",)
ATTENTIONS: tuple[AttentionConvention, ...] = get_args(AttentionConvention)
READ_NAMES = (
    "root", "model", "total_params", "num_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "head_dim", "vocab_size", "max_positions", "tie_word_embeddings", "family", "num_steps", "tokens_per_step", "sequence_length",
    "sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices", "training_tokens", "unique_tokens", "epochs",
)  # fmt: skip
NAMES_NOT_EXPRESSIONS = ("root", "model", "family")
ASSUMED_NAMES = ("devices",)
OF_HYDRA = ("_target_", "_recursive_", "_convert_")
DEFAULT_NODE = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is checked, by which law, how severely, and what a finding does to the launch.

    ``own_laws`` are the laws of the user's own files, by name; ``hardware`` is what time and money are told for, ``None``: nothing.
    ``waivers`` are the findings that the team accepts, each for a reason.
    ``report`` is what is drawn of a launch beside its ``scalecheck.json``, ``None``: nothing.
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
    report: str | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    assume: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


def load_policy(raw: Mapping[str, Any] | None, base: str | Path | None = None) -> Policy:
    """Validate a raw policy; keys that are not given keep their defaults. Files of laws are looked for from ``base``.

    Raises:
        PolicyError: one sentence with the dotted key, what stands there, and what may stand there.
    """
    given = {name: value for name, value in mapping(raw, KEY).items() if name not in OF_HYDRA}
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
        report=_report(given.get("report"), f"{KEY}.report"),
        read=_read(given.get("read")),
        assume=_assume(given.get("assume")),
        rules=read_rules(given.get("rules"), f"{KEY}.rules"),
        waivers=_waivers(given.get("waivers"), f"{KEY}.waivers"),
    )


def _report(value: Any, key: str) -> str | None:
    if value is None or value in REPORTS:
        return cast("str | None", value)
    message = f"{key} is {shown(value)}; it must be html or null."
    raise PolicyError(message)


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
    if name in NAMES_NOT_EXPRESSIONS:
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
    refuse_unknown(given, ASSUMED_NAMES, f"{KEY}.assume")
    devices = given.get("devices")
    if devices is None:
        return {}
    count = positive(devices, f"{KEY}.assume.devices")
    if count != int(count):
        message = f"{KEY}.assume.devices is {shown(devices)}; it needs a whole number of devices."
        raise PolicyError(message)
    return {"devices": int(count)}


def _waivers(value: Any, key: str) -> tuple[Waiver, ...]:
    """Read what is accepted on purpose; a policy that waives nothing loads nothing for it."""
    if value is None or value in ([], ()):
        return ()
    from scalecheck.waivers import read_waivers

    return read_waivers(value, key)

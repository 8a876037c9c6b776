"""The JSON Schema of a policy, for editors and for CI: derived from the rules and from what scalecheck/policy.py accepts.

Draft-07, which editors' YAML servers know best. Wherever a value may stand, ``${...}`` and ``???`` may stand too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from scalecheck import manual, policy, registry
from scalecheck.accelerators import DTYPES
from scalecheck.hardware import OPTIONS
from scalecheck.rule_settings import SEVERITIES

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS: Schema = {
    "interpolation": {"type": "string", "pattern": r"^(\$\{.+\}|\?\?\?)$"},
    "count": {"type": "string", "pattern": r"^\s*[0-9]+(_[0-9]+)*(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?\s*[KMBGTPkE]?\s*$"},
}
"""``count`` is what ``units.parse_count`` reads, such as 300B and 1e21."""
_INTERPOLATION, _COUNT = ({"$ref": f"#/definitions/{name}"} for name in _DEFINITIONS)
_NULL: Schema = {"type": "null"}
_TEXT: Schema = {"type": "string"}
_POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
_LAW_FILE: Schema = {"type": "string", "pattern": r"\.ya?ml$"}
_OF_HARDWARE = {"accelerator": _TEXT, "dtype": {"enum": list(DTYPES)}, "price_date": _TEXT, "price_source": _TEXT}
"""The others are numbers."""
_TOLD = {
    "mode": "off: check nothing; warn: print findings; stop: an error stops the launch (exit 3); plan: print and start nothing.",
    "on_reject": "Of a sweep where mode is stop: stop all of it, or drop the jobs with an error and launch the others.",
    "on_internal_error": "When scalecheck itself fails: the run goes on (warn) or not (stop).",
    "law": "The law that judges: a published one, or the path of one that `scalecheck fit` wrote.",
    "laws": "The laws whose range is shown.",
    "intent": "What the run is for; auto reads it from the config.",
    "count": "N from the family's formula, or from the module that your own code builds.",
    "instantiate": "What is built: a node with a _target_, or package.module.function.",
    "attention": "Pairs that FLOPs count: full, T x T; causal, T(T+1)/2; windowed, within sliding windows too.",
    "verbose": "Print the arithmetic behind N, D and C with every verdict.",
    "report": "What is drawn into the directory of a run or a sweep that starts: html, a page with its pictures.",
    "read": "Which config key holds a quantity, or an expression over keys, or a number.",
    "assume": "What is assumed where the config does not tell.",
    "hardware": "What hours, money and energy are told for.",
    "rules": "What is set for each rule.",
    "waivers": "Findings that are accepted on purpose.",
}


def policy_schema() -> Schema:
    """Return the schema of the node at ``hydra.callbacks.scalecheck``."""
    told = "The policy of scalecheck: the node at hydra.callbacks.scalecheck."
    return {"$schema": DRAFT, "title": "scalecheck policy", "description": told, "definitions": _DEFINITIONS, **_policy()}


def file_schema() -> Schema:
    """Return the schema of a file that holds a policy at its place, as conf/scalecheck/ours.yaml; other keys are no matter of it."""
    node: Schema = {"anyOf": [{"$ref": "#/definitions/policy"}, _NULL, _INTERPOLATION]}
    for step in reversed(policy.KEY.split(".")):
        node = {"type": ["object", "null"], "properties": {step: node}}
    told = "A YAML file of a Hydra config, with or without a policy of scalecheck at hydra.callbacks.scalecheck."
    return {
        "$schema": DRAFT, "title": "scalecheck policy file", "description": told,
        "definitions": _DEFINITIONS | {"policy": _policy()},
        "type": ["object", "null"], "properties": node["properties"] | {"defaults": {"type": "array"}},
    }  # fmt: skip


def _policy() -> Schema:
    choices = {
        "mode": policy.MODES,
        "on_reject": policy.REJECTIONS,
        "on_internal_error": policy.INTERNAL_ERROR_MODES,
        "intent": policy.INTENTS,
        "count": policy.COUNTS,
        "attention": policy.ATTENTIONS,
    }
    options = {name: _choice(words) for name, words in choices.items()} | {
        "law": _any(_law()),
        "laws": _any([{"type": "array", "items": _any(_law())}, _NULL]),
        "instantiate": _any([_TEXT]),
        "verbose": _any([{"type": "boolean"}]),
        "report": _any([{"enum": list(policy.REPORTS)}, _NULL]),
        "read": _read(),
        "assume": _any([_object({name: _number() for name in policy.ASSUMED_NAMES}), _NULL]),
        "hardware": _hardware(),
        "rules": _any([_object({name: _rule(name) for name in registry.names("rules")}), _NULL]),
        "waivers": _waivers(),
    }
    defaults = {field.name: field.default for field in fields(policy.Policy) if field.default is not MISSING and field.name in _TOLD}
    told = {
        name: ({"default": defaults[name]} if isinstance(defaults.get(name), str | bool) else {}) | {"description": _TOLD[name]} | option
        for name, option in options.items()
    }
    return _object({name: {} for name in policy.OF_HYDRA} | told)


def _law() -> list[Schema]:
    return [{"enum": list(registry.names("laws"))}, _LAW_FILE]


def _read() -> Schema:
    families: Schema = {"enum": list(registry.names("architectures"))}
    names = {name: _any([families if name == "family" else _TEXT, _NULL]) for name in policy.NAMES_NOT_EXPRESSIONS}
    quantities = {name: _any([_TEXT, _POSITIVE, _NULL]) for name in policy.READ_NAMES if name not in names}
    quantities["tie_word_embeddings"] = _any([{"type": "boolean"}, _TEXT, _POSITIVE, _NULL])
    return _any([_object(names | quantities), _NULL])


def _hardware() -> Schema:
    return _any([_object({name: _any([_OF_HARDWARE[name], _NULL]) if name in _OF_HARDWARE else _number() for name in OPTIONS}), _NULL])


def _waivers() -> Schema:
    date: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    words: Schema = {"type": "string", "pattern": r"\S"}
    waiver = _object(
        {
            "rule": _any([{"enum": list(registry.names("rules"))}]) | {"description": "The rule whose findings are accepted."},
            "reason": _any([words]) | {"description": "Why they are."},
            "jobs": _any([_TEXT, _NULL]) | {"description": "A shell glob over the overrides of a job, its name or its config's."},
            "until": _any([date, _NULL]) | {"description": "The last day (UTC) on which it holds, as 2026-12-31."},
            "owner": _any([_TEXT, _NULL]) | {"description": "Whom to ask about it."},
        }
    )
    return _any([{"type": "array", "items": _any([waiver | {"required": ["rule", "reason"]}])}, _NULL])


def _rule(name: str) -> Schema:
    from pydantic import TypeAdapter

    kind: Any = registry.load("rules", name).Rule
    made = TypeAdapter(kind).json_schema()
    said = manual.options(name)
    common = {
        "severity": _choice(SEVERITIES) | {"description": "How severe its findings are.", "default": kind.DEFAULT_SEVERITY},
        "message": _any([_TEXT, _NULL]) | {"description": "Your own text at the end of its messages, such as whom to ask."},
    }
    options = {option: _option(f"{option}", told, made, said) for option, told in made.get("properties", {}).items()}
    return {"description": manual.summary(name)} | _any([_object(common | options), _NULL])


def _option(name: str, told: Schema, made: Schema, said: Mapping[str, str]) -> Schema:
    """Turn what pydantic says of an option into what may stand in a policy: counts for numbers, and interpolations."""
    words: Schema = {"description": said[name]} if name in said else {}
    if "$ref" in told:
        group = made["$defs"][told["$ref"].rpartition("/")[2]]["properties"]
        return words | _any([_object({part: _option(f"{name}.{part}", its, made, said) for part, its in group.items()}), _NULL])
    default = {"default": told["default"]} if "default" in told else {}
    bare = {key: value for key, value in told.items() if key not in ("default", "title", "description")}
    branches: list[Schema] = bare.get("anyOf") or [bare]
    has_numbers = any(branch.get("type") in ("number", "integer") for branch in branches)
    return words | default | _any([*branches, *([_COUNT] if has_numbers else [])])


def _number() -> Schema:
    return _any([{"type": "number"}, _COUNT, _NULL])


def _choice(words: Iterable[str]) -> Schema:
    """Return one of some words; a bare ``off`` is a switch to YAML 1.1."""
    listed: list[Any] = list(words)
    return _any([{"enum": [*listed, False] if "off" in listed else listed}])


def _any(branches: Iterable[Schema]) -> Schema:
    return {"anyOf": [*branches, _INTERPOLATION]}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}

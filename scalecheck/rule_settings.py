"""The ``rules`` of a policy: what a team set for each rule -> its ``RuleSetting``, or one clear sentence.

pydantic validates the options and is imported only then; when ``rules`` is one that scalecheck ships, unchanged
(``SHIPPED_FINGERPRINTS``), the tests have validated it and the dataclasses are built directly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

from scalecheck import registry
from scalecheck.errors import PolicyError, did_you_mean
from scalecheck.options import choice, mapping, number, refuse_unknown
from scalecheck.text import shown
from scalecheck.values import dataclass

RuleSeverity = Literal["off", "note", "warning", "error"]
SEVERITIES = ("off", "note", "warning", "error")
COMMON_OPTIONS = ("severity", "message")
"""What every rule takes beside its own options."""
SHIPPED_FINGERPRINTS = {
    "policy": "8b8b537e5563d61e858f96ec90758e81f0152eb62ef8bd29551197686976da9b",
    "strict": "3b8f3f8a9c91b9494f2e7f95e922229d90b5a8ec84d63081ae0877cc2b85c158",
}
"""sha256 of the canonical JSON of ``rules`` in each file of conf/ that sets them; tests/test_policy.py proves them fresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """One rule with its options (a ``Rule`` of scalecheck/rules/), and how severe its findings are unless it says so itself.

    ``message`` is the team's own text, such as whom to ask; it ends every message of the rule.
    """

    severity: RuleSeverity
    rule: Any
    message: str = ""


def fingerprint(rules: Any) -> str:
    """Return the sha256 of the canonical JSON of a policy's ``rules``; ``""`` for what JSON cannot hold."""
    try:
        text = json.dumps(rules, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


def read_rules(value: Any, key: str) -> dict[str, RuleSetting]:
    """Validate the ``rules`` of a policy, which stand at ``key``; a rule that is not given keeps its defaults.

    Raises:
        PolicyError: one sentence with the dotted key, what stands there, and what may stand there.
    """
    given = mapping(value, key)
    names = registry.names("rules")
    for name in given:
        if name not in names:
            message = f"{key}.{name}: no '{name}' in scalecheck/rules/.{did_you_mean(name, names)}"
            raise PolicyError(message)
    shipped = fingerprint(_without_messages(given)) in SHIPPED_FINGERPRINTS.values()
    return {name: _rule_setting(name, given.get(name), f"{key}.{name}", shipped=shipped) for name in names}


def _without_messages(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules without the team's own texts, which are no options of any rule: with them alone a policy is one that is shipped."""
    return {
        name: {option: entry for option, entry in value.items() if option != "message"} if isinstance(value, Mapping) else value
        for name, value in given.items()
    }


def _rule_setting(name: str, value: Any, key: str, *, shipped: bool) -> RuleSetting:
    options = mapping(value, key)
    kind = registry.load("rules", name).Rule
    severity = choice(options.pop("severity", kind.DEFAULT_SEVERITY), SEVERITIES, f"{key}.severity")
    message = _own_text(options.pop("message", None), f"{key}.message")
    rule = _built(kind, options) if shipped or not options else _validated(kind, options, key)
    return RuleSetting(severity=cast("RuleSeverity", severity), rule=rule, message=message)


def _own_text(value: Any, key: str) -> str:
    """Return the team's own text on one line, as every message is; null is none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        found = f"{key} is {shown(value)}; it needs a text, such as whom to ask."
        raise PolicyError(found)
    return " ".join(value.split())


def _built(kind: Any, options: Mapping[str, Any]) -> Any:
    """Build a rule from options that are known to be valid; a group of options is of the class that makes its default."""
    groups: dict[str, Any] = {option.name: option.default_factory for option in fields(kind)}
    return kind(**{name: _built(groups[name], value) if isinstance(value, Mapping) else value for name, value in options.items()})


def _validated(kind: Any, options: Mapping[str, Any], key: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    prepared = _prepared(kind, options, key)
    try:
        rule = TypeAdapter(kind).validate_python(prepared)
    except ValidationError as invalid:
        raise PolicyError(_sentence(invalid.errors(include_url=False)[0], key)) from None
    _check_order(rule, key)
    return rule


def _check_order(rule: Any, key: str) -> None:
    """Refuse a limit of errors that lies on the wrong side of the limit of findings (``ORDER`` of a rule): it would never be reached."""
    for name, word, other in getattr(rule, "ORDER", ()):
        value, bound = getattr(rule, name), getattr(rule, other)
        if value is not None and bound is not None and not (value <= bound if word == "at most" else value >= bound):
            message = f"{key}.{name} is {value:g}; it must be {word} {other}, which is {bound:g}."
            raise PolicyError(message)


def _prepared(kind: Any, options: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Check the names, and read numbers our way: pydantic would take ``True`` for 1.0 and refuse ``300B``."""
    hints = get_type_hints(kind)
    known = [option.name for option in fields(kind)]
    refuse_unknown(options, [*known, *COMMON_OPTIONS] if "DEFAULT_SEVERITY" in vars(kind) else known, key)
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

"""The manual page of a rule, as Markdown: what its docstring says, its severity, and what every rule takes.

Findings about waivers are no rule's; their pages stand here.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from typing import Any

from scalecheck import registry
from scalecheck.facts import Severity

KEY = "hydra.callbacks.scalecheck"
_COMMON = (
    "- ``severity``: ``off``, ``note``, ``warning`` or ``error``.",
    "- ``message`` (default null): your own text at the end of the rule's messages, such as whom to ask.",
)
_SEVERITIES: dict[str, Severity] = {"expired_waiver": "error", "unmatched_waiver": "note"}
_OF_WAIVERS = {
    "expired_waiver": """A waiver of the policy would accept a finding, and its ``until`` is past.

## What it does
Reports, as an error, each waiver that is about a finding of the job and that ended before today (UTC; the ``until`` itself is the
last day on which it holds). The finding that it was about counts again.

## Why
An exception with a date was granted until that date. Were it to go on in silence, nobody would look again.

## Example
``{rule: undertrained, jobs: "experiment=debug*", reason: smoke-scale ablation, until: 2026-12-31, owner: mia}`` on 2027-01-01.

## Fix
Resolve the finding and take the waiver out of ``waivers``; or ask its owner, and set a later ``until``.

## Options
None; it cannot be waived itself.
""",
    "unmatched_waiver": """A waiver of the policy is about no finding of anything that was checked.

## What it does
Notes each waiver that names no finding, where a whole repo is checked (``scalecheck check``). A launch is a part of a repo, so it is
not said there.

## Why
What it accepted was resolved, or its ``jobs`` has a typo. A list of exceptions that nobody needs hides those that somebody does.

## Example
``{rule: undertrained, jobs: "experiment=debgu*", reason: smoke-scale ablation}`` where the group's option is ``debug``.

## Fix
Take the waiver out of ``waivers``, or correct its ``jobs``: a shell glob over each override of a job, all of them joined by spaces, its
name and its config's name.

## Options
None.
""",
}


def names() -> tuple[str, ...]:
    """Return everything that has a page: the rules, and what is found about waivers."""
    return tuple(sorted((*registry.names("rules"), *_OF_WAIVERS)))


def is_rule(name: str) -> bool:
    """Tell whether a page is about a rule, which a policy can set options of."""
    return name in registry.names("rules")


def page(name: str) -> str:
    """Return the manual page of a rule as Markdown.

    Raises:
        PolicyError: there is no such rule; names the nearest.
    """
    if name in _OF_WAIVERS:
        return _markdown(f"# {name}\n\n{_lead(_OF_WAIVERS[name])}\n\nSeverity: ``{severity(name)}``.\n\n{_sections(_OF_WAIVERS[name])}")
    rule = _rule(name)
    text = inspect.cleandoc(rule.__doc__)
    before, heading, after = _sections(text).partition("## Options\n")
    options, break_, references = after.partition("\n\n")
    own = [] if options.startswith("None but") else [options]
    remark = options.removeprefix("None but ``severity``").strip(" ;.\n")
    common = [_COMMON[0].replace(".", f"; {remark}.", 1) if remark and not own else _COMMON[0], _COMMON[1]]
    settings = f"Severity: ``{severity(name)}`` unless the policy says otherwise. Its options stand under ``{KEY}.rules.{name}``."
    listed = "\n".join([*own, *common])
    return _markdown(f"# {name}\n\n{_lead(text)}\n\n{settings}\n\n{before}{heading}{listed}{break_}{references}")


def summary(name: str) -> str:
    """Return the first paragraph of a page on one line, as Markdown."""
    text = _OF_WAIVERS[name] if name in _OF_WAIVERS else inspect.cleandoc(_rule(name).__doc__)
    return _markdown(" ".join(_lead(text).split())).strip()


def severity(name: str) -> Severity:
    """Return how severe its findings are unless a policy says otherwise."""
    found: Severity = _SEVERITIES[name] if name in _SEVERITIES else _rule(name).DEFAULT_SEVERITY
    return found


def options(name: str) -> dict[str, str]:
    """Return what the page says of each option of a rule; those of a group as ``sweep.max_gpu_hours``."""
    told = inspect.cleandoc(_rule(name).__doc__).partition("## Options\n")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for item in re.split(r"^- ", told, flags=re.MULTILINE)[1:]:
        head, _, words = " ".join(item.split()).partition(": ")
        listed = re.findall(r"``([\w.]+)``", head)
        found |= dict.fromkeys(listed, _markdown(words).strip())
    own = [field.name for field in fields(_rule(name))]
    return {option: words for option, words in found.items() if option.partition(".")[0] in own}


def _rule(name: str) -> Any:
    return registry.load("rules", name).Rule


def _lead(text: str) -> str:
    return text.partition("\n\n## ")[0]


def _sections(text: str) -> str:
    """Return the sections of a docstring, each heading with a line of its own around it."""
    return re.sub(r"^(## .*)\n", r"\1\n\n", f"## {text.partition('## ')[2]}", flags=re.MULTILINE).replace("## Options\n\n", "## Options\n")


def _markdown(text: str) -> str:
    return text.replace("## Options\n", "## Options\n\n").replace("``", "`").rstrip() + "\n"

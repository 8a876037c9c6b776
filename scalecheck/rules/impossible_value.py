"""impossible_value: a value that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from scalecheck.facts import PLAN_FIELDS, Account, Finding, Impossible, Origin, Reading, Run, Severity
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A value in the config cannot be right: zero layers, a negative batch, a hidden size that the heads do not divide.

    ## What it does
    Reports each value that was found under a known key and that no training run can have.

    ## Why
    Such a run fails after it has waited in the queue, or trains something else than its config says.

    ## Example
    ``trainer.max_steps: -5``; ``model.n_embd: 768`` with ``model.n_head: 7``.

    ## Fix
    Correct the value. If the key means something else in your repo, say under ``read:`` which key holds the quantity.

    ## Options
    None but ``severity``.

    ## References
    - Which quantities must be positive whole numbers is explained in docs/glossary.md.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "error"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find every impossible value of the reading; of a run that is compared with no law, those of the model alone."""
        is_judged = run.reading.plan.intent == "pretrain"
        for impossible in run.reading.impossible:
            if not is_judged and impossible.field in PLAN_FIELDS:
                continue
            key = f" ({impossible.key})" if impossible.key and impossible.key not in impossible.reason else ""
            field = "" if impossible.field in impossible.reason else f"{impossible.field}: "
            message, origin = f"{field}{impossible.reason}{key}", Origin(key=impossible.key)
            yield Finding(rule="impossible_value", message=message, origin=origin, subject=impossible.field)


def fires() -> Run:
    """Return a run without layers."""
    impossible = Impossible(field="num_layers", reason="model.n_layer=0; a model has at least one layer", key="model.n_layer")
    return Run(reading=Reading(impossible=(impossible,)), account=Account())


def silent() -> Run:
    """Return a run in which nothing is impossible."""
    return Run(reading=Reading(), account=Account())

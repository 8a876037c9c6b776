"""unknown_scale: the config does not tell something that parameters, tokens or FLOPs depend on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from scalecheck.facts import Account, Finding, Origin, Reading, Remedy, Run, Severity, Unknown
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A quantity that parameters, tokens or FLOPs depend on cannot be read from the config.

    ## What it does
    Reports each unknown quantity once: why it is unknown, and the lines that would tell it.

    ## Why
    scalecheck does not guess. What is unknown is not checked, and a check that is off must be seen to be off.
    A run that is no pre-training is compared with no law, so nothing is missed there.

    ## Example
    ``data.seq_len: ???``, or a batch size under a key that scalecheck does not know.

    ## Fix
    Set the key, or say under ``read:`` in the policy which key holds the quantity, as the finding prints it.

    ## Options
    None but ``severity``; ``error`` stops every launch that cannot be checked in full.

    ## References
    - The names under ``read:`` are explained in docs/glossary.md.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "note"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find every unknown of the reading, where a law would need it; budgets say themselves what they lack."""
        for unknown in () if run.reading.plan.intent != "pretrain" else run.reading.unknowns:
            key = f" ({unknown.key})" if unknown.key and unknown.key not in unknown.reason else ""
            yield Finding(
                rule="unknown_scale",
                message=f"{unknown.field} is unknown: {unknown.reason}{key}",
                remedies=tuple(Remedy(overrides=(line,), effect=f"tells {unknown.field}") for line in unknown.remedies),
                origin=Origin(key=unknown.key),
                subject=unknown.field,
            )


def fires() -> Run:
    """Return a run whose sequence length is not set."""
    line = "+hydra.callbacks.scalecheck.read.sequence_length=data.seq_len"
    unknown = Unknown(field="sequence_length", reason="data.seq_len is ???", key="data.seq_len", remedies=(line,))
    return Run(reading=Reading(unknowns=(unknown,)), account=Account())


def silent() -> Run:
    """Return a run with nothing unknown."""
    return Run(reading=Reading(), account=Account())

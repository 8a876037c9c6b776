"""assumed_values: numbers in the verdict that the config does not say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from scalecheck.facts import Account, Finding, ModelShape, Origin, Reading, Run, Severity
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Some values that the verdict rests on were not in the config and were assumed.

    ## What it does
    Lists, in one finding, every value that scalecheck assumed, and on what ground.

    ## Why
    An assumption, such as a library's default, is nearly always right and sometimes not; a reader of the verdict must be
    able to tell it from what the config says.

    ## Example
    ``intermediate_size=3072 (4 x hidden_size, the default of GPT2Config)``.

    ## Fix
    Set the value in the config; or set this rule's ``severity`` to ``off`` where the assumptions are known to hold.

    ## Options
    None but ``severity``.

    ## References
    - Each assumption names its own source in the parentheses.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "note"

    def check(self, run: Run) -> Iterator[Finding]:
        """Find all assumed values, as one finding."""
        assumed = {field: origin for field, origin in run.reading.origins.items() if origin.assumed}
        if assumed:
            listed = ", ".join(_line(run.reading, field, origin) for field, origin in assumed.items())
            first = next((origin for origin in assumed.values() if origin.key), Origin())
            yield Finding(rule="assumed_values", message=f"assumed: {listed}", origin=first)


def _line(reading: Reading, field: str, origin: Origin) -> str:
    value = _value(reading, field)
    return f"{field}{'' if value is None else f'={value}'}{f' ({origin.because})' if origin.because else ''}"


def _value(reading: Reading, field: str) -> Any:
    for holder in (reading.shape, reading.plan, reading):
        value = getattr(holder, field, None)
        if value is not None:
            return value
    return None


def fires() -> Run:
    """Return a run whose tied embeddings are its family's default."""
    shape = ModelShape(family="gpt2", num_layers=12, hidden_size=768, vocab_size=50257, tie_word_embeddings=True)
    origins = {
        "num_layers": Origin(key="model.n_layer"),
        "tie_word_embeddings": Origin(assumed=True, because="the default of GPT2Config"),
    }
    return Run(reading=Reading(shape=shape, origins=origins), account=Account())


def silent() -> Run:
    """Return a run whose only value stands in the config."""
    shape = ModelShape(family="gpt2", num_layers=12, hidden_size=768, vocab_size=50257)
    return Run(reading=Reading(shape=shape, origins={"num_layers": Origin(key="model.n_layer")}), account=Account())

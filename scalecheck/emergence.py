"""At how many training FLOPs published models first showed an ability: the table of Wei et al. 2022, and what it does not say.

Information only. The table lists where something was first reported, by a few families of models; it bounds nothing, and no rule reads it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from scalecheck.values import dataclass

SOURCE = "Wei et al. 2022, Emergent Abilities of Large Language Models (arXiv 2206.07682), Table 1"
_VERBS = {"few-shot": "exceeded chance on", "augmented": "gained from"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """One row of the table: an ability and the first published model that showed it.

    ``group`` is ``"few-shot"`` (prompting, above chance) or ``"augmented"`` (a technique that first helped). ``train_flops`` and
    ``params`` are the model's, ``None`` where the table gives no single figure. ``year`` is that of ``reference``; ``read_in`` says where
    the row was read.
    """

    group: str
    name: str
    train_flops: float | None
    params: int | None
    model: str
    reference: str
    year: int
    read_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The table at a budget: rows reported above it, rows reported at or below it, each from the nearest to the farthest."""

    above: tuple[Ability, ...]
    below: tuple[Ability, ...]
    without_figure: tuple[Ability, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A later, smaller model that is clearly above chance on MMLU: its training FLOPs and its accuracy (chance is 0.25)."""

    model: str
    train_flops: float
    accuracy: float


MMLU_FIRST_FLOPS = 3.1e23
"""Where the table has MMLU (57 topics) first: GPT-3 175B."""

COUNTEREXAMPLES = (
    Counterexample(model="LLaMA-7B", train_flops=4.0e22, accuracy=0.357),
    Counterexample(model="Qwen1.5-0.5B", train_flops=7.2e21, accuracy=0.394),
    Counterexample(model="Phi-1.5 (synthetic data)", train_flops=1.2e21, accuracy=0.439),
)
"""MMLU of later models, as collected by Ruan et al. 2024, Observational Scaling Laws (arXiv 2405.10938)."""

_METRIC = (
    "Whether there is a jump depends on the metric: exact match turns a smooth improvement per token into one, and continuous metrics "
    "smooth it out (Schaeffer et al. 2023, arXiv 2304.15004)."
)
_LOSS = (
    "Loss tells more than size: models of 300M to 32B with equal pre-training loss scored equally (Du et al. 2024, arXiv 2403.15796). "
    "Their loss is of their corpus and tokenizer, and no other's."
)
_OWN_COUNTER_EVIDENCE = (
    "Wei et al. give counter-evidence themselves: PaLM 62B passes 14 BIG-Bench tasks at which LaMDA 137B and GPT-3 175B, with more "
    "compute, fail; and instruction following was had at 11B instead of 68B (Sanh et al.)."
)
_AUGMENTED = (
    "The rows with 'gained from' are of techniques on top of a pre-trained model (prompting, fine-tuning), not of pre-training alone."
)
_CAVEATS = (_METRIC, _LOSS, _OWN_COUNTER_EVIDENCE, _AUGMENTED)


@cache
def abilities() -> tuple[Ability, ...]:
    """Return the rows of the table (``SOURCE``), in its order."""
    text = (files("scalecheck") / "data" / "emergence.csv").read_text(encoding="utf-8")
    return tuple(_ability(row) for row in csv.DictReader(text.splitlines()))


def _ability(row: dict[str, str]) -> Ability:
    return Ability(
        group=row["group"],
        name=row["ability"],
        train_flops=float(row["train_flops_threshold"]) if row["train_flops_threshold"] else None,
        params=int(row["params"]) if row["params"] else None,
        model=row["model"],
        reference=row["reference"],
        year=int(row["year"]),
        read_in=row["read_in"],
    )


def split(flops: float, rows: Sequence[Ability]) -> Split:
    """Return the rows first reported above ``flops`` (training FLOPs) and those at or below it, the nearest first."""
    known = [(row.train_flops, row) for row in rows if row.train_flops is not None]
    return Split(
        above=tuple(row for at, row in sorted(known, key=lambda pair: pair[0]) if at > flops),
        below=tuple(row for at, row in sorted(known, key=lambda pair: -pair[0]) if at <= flops),
        without_figure=tuple(row for row in rows if row.train_flops is None),
    )


def sentence(ability: Ability) -> str:
    """Say what was reported, of whom, and when."""
    told = f"published models first {_VERBS[ability.group]} {ability.name}"
    if ability.train_flops is None:
        return f"{told} at various sizes; the table gives no single figure ({ability.reference})"
    size = "" if ability.params is None else f" {_size(ability.params)}"
    return f"{told} at about {plain_flops(ability.train_flops)} FLOPs ({ability.model}{size}; {ability.reference})"


def caveats() -> tuple[str, ...]:
    """Return what has to stand beside the table, a sentence or two each, with who says so."""
    later = "; ".join(
        f"{model.model} {model.accuracy:.3f} at {plain_flops(model.train_flops)} FLOPs, {_times_lower(model)}x lower"
        for model in COUNTEREXAMPLES
    )
    bounds_nothing = (
        "The table bounds nothing: it says where an ability was first reported, by a few families of models of 2020 to 2022. On MMLU, "
        f"which it has first at {plain_flops(MMLU_FIRST_FLOPS)} FLOPs, later models are above chance (0.25) far below "
        f"(Ruan et al. 2024, arXiv 2405.10938): {later}."
    )
    return (bounds_nothing, *_CAVEATS)


def _size(params: int) -> str:
    """Return a size as the papers write it: ``7.1B``, ``40M``."""
    return f"{params / 1e9:g}B" if params >= 10**9 else f"{params / 1e6:g}M"


def plain_flops(flops: float) -> str:
    """Return two digits of a count of FLOPs: ``3.1e23``."""
    return f"{flops:.1e}".replace("e+", "e")


def _times_lower(model: Counterexample) -> str:
    return f"{float(f'{MMLU_FIRST_FLOPS / model.train_flops:.1e}'):.0f}"

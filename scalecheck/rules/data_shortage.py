"""data_shortage: the compute would train best on several times more tokens than there are unique ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar

from scalecheck import repeats
from scalecheck.facts import Account, Finding, Origin, Outlook, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.forms import Optimum
from scalecheck.options import Above
from scalecheck.remedies import where_length_is_set
from scalecheck.repeats import REPEATS_LAW
from scalecheck.units import format_count, format_ratio
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The compute-optimal number of tokens at this run's compute is several times the unique tokens that there are.

    ## What it does
    Divides the D that the judging law (``law``) finds optimal at the run's own compute by the unique tokens
    (``read.unique_tokens``, or training tokens over the epochs that the config tells), and fires above ``max_factor``, as an
    error above ``error_above_factor``. It says how many epochs the optimum would take, what they are worth, and where the
    optimum lies once repeats are counted. It is silent where the unique tokens, N or D are unknown, where tokens count one
    device only, and where no law applies.

    ## Why
    The compute-optimal split supposes new data throughout. Muennighoff et al. 2023 fitted what repeats are worth: four
    epochs are 93 % effective, sixteen 66 %, forty 38 %. Where data are short, the same compute goes further on more unique
    data, or on a split that the finding prints. How far repeats carry is contested: it moves with regularisation.

    ## Example
    1e22 FLOPs over 5B unique tokens: about 200B tokens are compute-optimal, 40 epochs of what there is.

    ## Fix
    Add unique data, spend less compute, or take the split that the finding prints. ``repeated_data`` looks at the epochs
    that this run takes; this rule at those that its compute would ask for.

    ## Options
    - ``max_factor`` (default 4): highest accepted ratio of the compute-optimal D to the unique tokens.
    - ``error_above_factor`` (default null): the same ratio, above which the finding is an error whatever the severity.

    ## References
    - Muennighoff et al. 2023, Scaling Data-Constrained Language Models, arXiv 2305.16264, section 3.1, equations 5 and 6.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "warning"
    ORDER: ClassVar[tuple[tuple[str, str, str], ...]] = (("error_above_factor", "at least", "max_factor"),)
    max_factor: Annotated[float, Above(0)] = 4.0
    error_above_factor: Annotated[float, Above(0)] | None = None

    def check(self, run: Run) -> Iterator[Finding]:
        """Find a run whose compute-optimal D is too many times the unique tokens."""
        outlook, unique = run.outlooks.get(run.judge), _unique_tokens(run)
        if outlook is None or unique is None or run.reading.plan.tokens_status in ("per_device", "unknown"):
            return
        if outlook.params_convention.startswith("at least") or not outlook.optimal_tokens > self.max_factor * unique:
            return
        constrained = _constrained(run, outlook, unique)
        is_error = self.error_above_factor is not None and outlook.optimal_tokens > self.error_above_factor * unique
        beyond = f"; above the policy's limit of errors, {_counted(self.error_above_factor or 0)} times" if is_error else ""
        yield Finding(
            rule="data_shortage",
            message=f"{_message(run, outlook, unique, constrained)}{beyond}",
            severity="error" if is_error else None,
            remedies=tuple(self._remedies(outlook, constrained)),
            origin=run.reading.origins.get("unique_tokens") or where_length_is_set(run),
        )

    def _remedies(self, outlook: Outlook, constrained: Optimum | None) -> Iterator[Remedy]:
        enough = format_count(math.ceil(outlook.optimal_tokens / self.max_factor))
        yield Remedy(effect=f"{enough} unique tokens: the compute-optimal length in {_counted(self.max_factor)} epochs")
        if constrained is not None:
            yield Remedy(effect=f"about {_split(constrained)}: same compute, optimal with these data under {REPEATS_LAW}")


def _unique_tokens(run: Run) -> float | None:
    """Return the unique tokens: told, else D over the epochs unless D is only a bound; ``None`` where unknown or beyond a float."""
    plan = run.reading.plan
    is_bound = plan.unique_tokens is None and plan.tokens_status == "upper_bound"
    return None if is_bound else repeats.unique_tokens(plan)


def _constrained(run: Run, outlook: Outlook, unique: float) -> Optimum | None:
    flops = run.outlooks.get(REPEATS_LAW, outlook).law_flops
    try:
        return repeats.constrained_optimum(flops, unique)
    except (ArithmeticError, ValueError):
        return None


def _counted(epochs: float) -> str:
    return format_ratio(epochs).removesuffix(".0")


def _split(optimum: Optimum) -> str:
    return f"{format_count(round(optimum.params))} parameters on {format_count(round(optimum.tokens))} tokens"


def _message(run: Run, outlook: Outlook, unique: float, constrained: Optimum | None) -> str:
    bound = "at most " if run.reading.plan.tokens_status == "upper_bound" else ""
    epochs = outlook.optimal_tokens / unique
    needed = f"compute-optimal at this compute is {bound}{format_count(round(outlook.optimal_tokens))} tokens ({outlook.law})"
    effective = 100 * repeats.effective_share(max(1.0, epochs))
    percent = f"{effective:.0f}" if effective >= 1 else "less than 1"
    share = f"effective tokens {percent} % of tokens processed at that many"
    split = f"; with these data its optimum is {_split(constrained)}" if constrained is not None else ""
    return f"{needed}, {_counted(epochs)} epochs over {format_count(round(unique))} unique tokens; {share} under {REPEATS_LAW}{split}"


def _example(unique_tokens: int) -> Run:
    params, tokens = 7_000_000_000, 238_000_000_000
    law = Outlook(
        law="hoffmann2022_a1", params=params, params_convention="total", law_flops=6.0 * params * tokens,
        optimal_params=9.1e9, optimal_tokens=1.83e11, tokens_per_parameter=20.1, multiple=1.69, tokens_for_this_model=1.4e11,
    )  # fmt: skip
    plan = TrainingPlan(training_tokens=tokens, tokens_status="exact", unique_tokens=unique_tokens)
    return Run(
        reading=Reading(plan=plan, origins={"training_tokens": Origin(key="train.tokens"), "unique_tokens": Origin(key="data.tokens")}),
        account=Account(params_status="exact", total_params=params, training_tokens=tokens, tokens_per_parameter=tokens / params),
        outlooks={law.law: law},
        judge=law.law,
    )


def fires() -> Run:
    """Return 1e22 FLOPs over 25B unique tokens."""
    return _example(25_000_000_000)


def silent() -> Run:
    """Return the same run over 300B unique tokens."""
    return _example(300_000_000_000)

"""repeated_data: the same tokens are seen so often that a published law finds them worth less."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from scalecheck import repeats
from scalecheck.facts import Account, Finding, Origin, Outlook, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.options import Above
from scalecheck.remedies import scale_steps, where_length_is_set
from scalecheck.units import exact, format_count, format_ratio
from scalecheck.values import dataclass

if TYPE_CHECKING:
    from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The run goes over its unique tokens more often than a published law finds nearly as good as new ones.

    ## What it does
    Divides training tokens by unique tokens (``read.unique_tokens``), or takes the epochs that the config tells, and fires
    above ``max_epochs``, as an error above ``error_above_epochs``. A last step that is not full is passed over. The finding
    says what share of the tokens processed is effective. It is silent where the unique tokens are unknown, where tokens count
    one device only, and where no law applies (fine-tuning, distillation, evaluation).

    ## Why
    Muennighoff et al. 2023 fitted what a repeated token is worth: of D tokens over U unique ones,
    U (1 + R* (1 - exp(-R/R*))) are effective, with R = D/U - 1 and R* = 15.39. Four epochs are 93 % effective, six 88 %,
    sixteen 66 %, forty 38 %. The limit is contested: it was found under one recipe, and later work with more weight decay or
    other regularisation goes further. So this is a warning, with an option.

    ## Example
    300B training tokens over 50B unique ones: 6 epochs, of which 88 % are effective.

    ## Fix
    Train fewer steps (the override that the finding prints), or add unique data. Where your recipe is known to bear more
    epochs, raise ``max_epochs``.

    ## Options
    - ``max_epochs`` (default 4): highest accepted ratio of training tokens to unique tokens.
    - ``error_above_epochs`` (default null): the same ratio, above which the finding is an error whatever the severity.

    ## References
    - Muennighoff et al. 2023, Scaling Data-Constrained Language Models, arXiv 2305.16264, section 3.1, equations 5 and 6.
    - Later work that moves the limit: arXiv 2503.07879 and 2509.14786.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "warning"
    ORDER: ClassVar[tuple[tuple[str, str, str], ...]] = (("error_above_epochs", "at least", "max_epochs"),)
    max_epochs: Annotated[float, Above(0)] = 4.0
    error_above_epochs: Annotated[float, Above(0)] | None = None

    def check(self, run: Run) -> Iterator[Finding]:
        """Find a run with more epochs than the limit."""
        tokens, plan = run.account.training_tokens, run.reading.plan
        epochs = _epochs(run)
        if not run.outlooks or tokens is None or epochs is None or plan.tokens_status in ("per_device", "unknown"):
            return
        unique = tokens / epochs
        limit = exact(self.max_epochs) * unique
        if _is_beyond(run, limit):
            is_error = self.error_above_epochs is not None and _is_beyond(run, exact(self.error_above_epochs) * unique)
            beyond = f"; above the policy's limit of errors, {_counted(self.error_above_epochs or 0)} epochs" if is_error else ""
            yield Finding(
                rule="repeated_data",
                message=f"{_message(run, float(epochs))}{beyond}",
                severity="error" if is_error else None,
                remedies=tuple(self._remedies(run, tokens, limit)),
                origin=where_length_is_set(run),
            )

    def _remedies(self, run: Run, tokens: int, limit: Fraction) -> Iterator[Remedy]:
        epochs = f"{_counted(self.max_epochs)} epochs"
        shorter = scale_steps(run, limit, round_up=False)
        if shorter:
            yield Remedy(overrides=shorter.overrides, effect=shorter.effect.replace("same model", f"same model, {epochs}", 1))
        else:
            yield Remedy(effect=f"train on {format_count(math.floor(limit))} tokens: {epochs}")
        enough = math.ceil(tokens / exact(self.max_epochs))
        yield Remedy(effect=f"{format_count(enough)} unique tokens: the same length in {epochs}")


def _is_beyond(run: Run, limit: Fraction) -> bool:
    """Tell whether more tokens are seen than a limit, and not by a last step alone that is not full."""
    tokens, plan = run.account.training_tokens or 0, run.reading.plan
    return tokens > limit and (not plan.tokens_per_step or tokens - plan.tokens_per_step >= limit)


def _epochs(run: Run) -> Fraction | None:
    """Return D over the unique tokens, else the epochs that the config tells, ``None`` where neither is known."""
    tokens, plan = run.account.training_tokens, run.reading.plan
    if plan.unique_tokens is not None:
        return exact(tokens) / plan.unique_tokens if tokens and plan.unique_tokens > 0 else None
    return exact(plan.epochs) if plan.epochs and math.isfinite(plan.epochs) and plan.epochs > 0 else None


def _counted(epochs: float) -> str:
    return format_ratio(epochs).removesuffix(".0")


def _message(run: Run, epochs: float) -> str:
    plan = run.reading.plan
    bound = "at most " if plan.tokens_status == "upper_bound" else ""
    data = f" over {format_count(plan.unique_tokens)} unique tokens" if plan.unique_tokens is not None else ""
    share = 100 * repeats.effective_share(max(1.0, epochs))
    percent = f"{share:.0f}" if share >= 1 else "less than 1"
    at_those = " at that many" if bound else ""
    return (
        f"{bound}{_counted(epochs)} epochs{data}; effective tokens {percent} % of tokens processed{at_those} under muennighoff2023;"
        " the limit is contested, it moves with regularisation"
    )


def _example(epochs: int) -> Run:
    params, unique = 1_000_000_000, 5_242_880_000
    tokens = epochs * unique
    law = Outlook(
        law="hoffmann2022_a1", params=params, params_convention="total", law_flops=6.0 * params * tokens,
        optimal_params=1.2e9, optimal_tokens=tokens / 1.2, tokens_per_parameter=20.0, multiple=tokens / params / 20.0,
        tokens_for_this_model=2e10,
    )  # fmt: skip
    plan = TrainingPlan(
        num_steps=tokens // 524_288, tokens_per_step=524_288, training_tokens=tokens, tokens_status="exact", unique_tokens=unique
    )
    return Run(
        reading=Reading(plan=plan, origins={"num_steps": Origin(key="trainer.max_steps")}),
        account=Account(params_status="exact", total_params=params, training_tokens=tokens, tokens_per_parameter=tokens / params),
        outlooks={law.law: law},
        judge=law.law,
    )


def fires() -> Run:
    """Return a model of 1B parameters on six epochs of 5.2B tokens."""
    return _example(6)


def silent() -> Run:
    """Return the same model on four epochs."""
    return _example(4)

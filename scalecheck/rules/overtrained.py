"""overtrained: far more training tokens per parameter than the training compute alone would ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, cast

from scalecheck import law_words, registry
from scalecheck.facts import Account, Finding, ModelShape, Origin, Outlook, Reading, Remedy, Run, Severity, TrainingPlan
from scalecheck.forms import LossSurface
from scalecheck.options import Above
from scalecheck.remedies import where_length_is_set
from scalecheck.units import format_count, format_ratio
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The run sees far more training tokens per parameter than the judging law finds optimal for training alone.

    ## What it does
    Compares D/N with what the judging law (``law``) finds optimal at the run's own compute, and fires where it is above
    ``max_multiple`` times that, as an error above ``error_above_multiple``. It says for how many lifetime inference tokens
    this N and D would be the cheapest way to their loss. It is silent where N or D is unknown or only a bound, and where no
    law applies.

    ## Why
    The laws minimise training compute. A smaller model trained longer costs less to serve, so most released models are
    over-trained, on purpose. The note is for the run where nobody meant it: at three times the optimal D/N about 10 % of the
    training compute is wasted, at ten times about 35 %. The serving volume is where Sardana et al.'s first-order condition
    holds, (alpha A N^-alpha) / (beta B D^-beta) = 1 + D_inference / (3 D): it counts FLOPs at equal utilisation, not prices.

    ## Example
    A model of 8B parameters on 15T tokens: about a hundred times the compute-optimal tokens per parameter, and the cheapest
    split for about 190T inference tokens.

    ## Fix
    None is needed where the model will be served that much, or has to be small. For training compute alone: a larger model
    on fewer tokens, at the sizes that the finding prints.

    ## Options
    - ``max_multiple`` (default 3): highest ratio of D/N to the law's optimal D/N that is passed over.
    - ``error_above_multiple`` (default null): the same ratio, above which the finding is an error whatever the severity.

    ## References
    - Sardana et al. 2024, Beyond Chinchilla-Optimal: Accounting for Inference in Language Model Scaling Laws, arXiv 2401.00448.
    - Besiroglu et al. 2024, Chinchilla Scaling: A replication attempt, arXiv 2404.10102.
    """

    DEFAULT_SEVERITY: ClassVar[Severity] = "note"
    ORDER: ClassVar[tuple[tuple[str, str, str], ...]] = (("error_above_multiple", "at least", "max_multiple"),)
    max_multiple: Annotated[float, Above(0)] = 3.0
    error_above_multiple: Annotated[float, Above(0)] | None = None

    def check(self, run: Run) -> Iterator[Finding]:
        """Find a run above the limit."""
        outlook, status = run.outlooks.get(run.judge), run.reading.plan.tokens_status
        is_told = status in ("exact", "assumed") and run.account.tokens_per_parameter is not None
        if outlook is None or not is_told or outlook.params_convention.startswith("at least"):
            return
        if outlook.multiple > self.max_multiple:
            size, tokens = format_count(round(outlook.optimal_params)), format_count(round(outlook.optimal_tokens))
            counted = law_words.parameters(outlook)
            effect = f"about {size} {counted} on {tokens} tokens: same compute, compute-optimal for training alone"
            is_error = self.error_above_multiple is not None and outlook.multiple > self.error_above_multiple
            limit = f"; above the policy's limit of errors, x{format_ratio(self.error_above_multiple or 0)}" if is_error else ""
            yield Finding(
                rule="overtrained",
                message=f"{_message(run, outlook)}{limit}",
                severity="error" if is_error else None,
                remedies=(Remedy(effect=effect),),
                origin=where_length_is_set(run),
            )


def _message(run: Run, outlook: Outlook) -> str:
    found = law_words.ratio_found(run, outlook, run.account.tokens_per_parameter or 0.0)
    clauses = [
        f"over-trained relative to training compute only (x{format_ratio(outlook.multiple)})",
        f"{found}, compute-optimal at this compute is {law_words.optimal_range(run)}",
        f"common where a model will be served{_serving(run.account)}",
        law_words.extrapolated(outlook),
        law_words.interval(run),
    ]
    return "; ".join(clause for clause in clauses if clause)


def _serving(account: Account) -> str:
    """Say for which lifetime this is the cheapest split; nothing where the surface finds it under-trained or overflows.

    Sardana's condition needs a loss, which an allocation does not have, so it is told under the default law for losses.
    """
    params, tokens = account.active_params or account.total_params, account.training_tokens
    if not params or not tokens:
        return ""
    from scalecheck import serving

    surface = cast(LossSurface, registry.load("laws", law_words.LOSS_LAW).LAW)
    try:
        implied = serving.implied_inference_tokens(surface, params, tokens)
    except (ArithmeticError, ValueError):
        return ""
    if not implied or not implied > 0:
        return ""
    condition = f"Sardana et al. 2024, first-order condition, on {law_words.LOSS_LAW}"
    return f": it would be the cheapest split for about {_rounded(implied)} lifetime inference tokens ({condition})"


def _rounded(count: float) -> str:
    """Return a count to two digits, ``190T`` and ``3.9T``: the surface does not tell a third."""
    text = format_count(float(f"{count:.1e}"))
    number = text.rstrip("KMBT")
    return text if "e" in text or "." not in number else number.rstrip("0").rstrip(".") + text[len(number) :]


def _example(multiple: float) -> Run:
    params, steps = 124_439_808, round(2_500_000_000 * multiple / 524_288)
    tokens = steps * 524_288
    law = Outlook(
        law="hoffmann2022_a1", params=params, params_convention="total", law_flops=6.0 * params * tokens,
        optimal_params=1.2e8 * multiple**0.5, optimal_tokens=2.5e9 * multiple**0.5, tokens_per_parameter=20.0,
        multiple=multiple, tokens_for_this_model=2.5e9,
    )  # fmt: skip
    return Run(
        reading=Reading(
            shape=ModelShape(family="gpt2", num_layers=12, hidden_size=768, vocab_size=50257),
            plan=TrainingPlan(num_steps=steps, tokens_per_step=524_288, training_tokens=tokens, tokens_status="exact"),
            origins={"num_steps": Origin(key="trainer.max_steps")},
        ),
        account=Account(params_status="exact", total_params=params, training_tokens=tokens, tokens_per_parameter=tokens / params),
        outlooks={law.law: law},
        judge=law.law,
    )


def fires() -> Run:
    """Return GPT-2 small on 300B tokens: 120 times the optimum."""
    return _example(120.0)


def silent() -> Run:
    """Return GPT-2 small on 2.5B tokens."""
    return _example(1.0)

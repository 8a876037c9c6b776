"""What repeated tokens are worth, and how a budget is best spent when the data run out.

Muennighoff et al. 2023, "Scaling Data-Constrained Language Models", arXiv 2305.16264, Eq. 5-6: in L(N, D) both N and D are
replaced by effective counts, which grow ever more slowly beyond what the unique tokens can feed. One epoch is the law
``muennighoff2023`` itself. Arguments are positive, finite counts of parameters (total), tokens or FLOPs (C = 6ND, repeats
included).
"""

from __future__ import annotations

import math
from typing import cast

from scalecheck import registry
from scalecheck.facts import TrainingPlan
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, LossSurface, Optimum

REPEATS_LAW = "muennighoff2023"
"""The one shipped law that tells what a repeated token is worth; by its name, as no member of an open folder imports another."""
_MODULE = registry.load("laws", REPEATS_LAW)
LAW = cast(LossSurface, _MODULE.LAW)
R_D_STAR: float = _MODULE.R_D_STAR
R_N_STAR: float = _MODULE.R_N_STAR

_BISECTIONS = 200
"""Each halves the interval; a float has no more than 53 halvings of its digits to give, and the interval is at most e^700 wide."""


def unique_tokens(plan: TrainingPlan) -> float | None:
    """Return the tokens that the data hold: told, else D over the epochs; ``None`` where unknown or beyond a float."""
    try:
        if plan.unique_tokens is not None:
            return float(plan.unique_tokens) if plan.unique_tokens > 0 else None
        if plan.training_tokens and plan.epochs and plan.epochs > 0 and plan.tokens_status != "per_device":
            return plan.training_tokens / plan.epochs
    except OverflowError:
        return None
    return None


def effective_tokens(unique_tokens: float, training_tokens: float) -> float:
    """Return D_eff = U (1 + R* (1 - exp(-R/R*))), R = D/U - 1 being the repetitions (Eq. 5); D itself up to one epoch."""
    return _saturating(unique_tokens, training_tokens, R_D_STAR)


def effective_share(epochs: float) -> float:
    """Return D_eff/D, in (0, 1]: what a token is worth on average when the data are seen ``epochs`` times; 1 up to one epoch."""
    return _saturating(1.0, epochs, R_D_STAR) / epochs


def constrained_loss(params: float, training_tokens: float, unique_tokens: float) -> float:
    """Return the loss, in nats per token, of N parameters trained on D tokens of which U are unique: L(N_eff, D_eff), by Eq. 5-6.

    Tokens beyond U are worth less, and so are parameters beyond U_N, the N for which the unique tokens are compute-optimal.
    A run that sees fewer tokens than there are has only seen those: U is at most D.
    """
    unique = min(unique_tokens, training_tokens)
    effective_params = _saturating(LAW.params_for_tokens(unique), params, R_N_STAR)
    return LAW.loss(effective_params, effective_tokens(unique, training_tokens))


def constrained_optimum(flops: float, unique_tokens: float) -> Optimum:
    """Return the N and D of least ``constrained_loss`` at C = 6ND; where the data suffice, the optimum of the law itself.

    Else the optimum lies between D = U and N = U_N: at the first only more tokens help, at the second only more parameters.
    In between, the loss falls with log D as long as its token term gains more than its parameter term loses.
    """
    free = LAW.optimum(flops)
    if free.tokens <= unique_tokens:
        return free
    log_product = math.log(flops / FLOPS_PER_PARAMETER_PER_TOKEN)
    unique_params = LAW.params_for_tokens(unique_tokens)
    low, high = math.log(unique_tokens), log_product - math.log(unique_params)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        tokens, params = math.exp(middle), math.exp(log_product - middle)
        gain = _log_slope(LAW.beta * LAW.B, LAW.beta, unique_tokens, tokens, R_D_STAR)
        cost = _log_slope(LAW.alpha * LAW.A, LAW.alpha, unique_params, params, R_N_STAR)
        low, high = (middle, high) if gain > cost else (low, middle)
    return Optimum(params=math.exp(log_product - low), tokens=math.exp(low))


def _saturating(unique: float, count: float, scale: float) -> float:
    """Return a count of which what exceeds ``unique`` is worth exponentially less, with ``scale`` in multiples of ``unique``."""
    if count <= unique:
        return count
    repeats = count / unique - 1
    return unique * (1 - scale * math.expm1(-repeats / scale))


def _log_slope(scale: float, exponent: float, unique: float, count: float, decay: float) -> float:
    """Return log of -d(X x_eff^-exponent)/d(log x), which underflows nowhere: ``scale`` is exponent times X."""
    repeats = max(0.0, count / unique - 1)
    return math.log(scale) - (exponent + 1) * math.log(_saturating(unique, count, decay)) + math.log(count) - repeats / decay

"""Training and serving together: a smaller model, trained for longer, can cost less over its life.

Sardana et al. 2024, "Beyond Chinchilla-Optimal: Accounting for Inference in Language Model Scaling Laws", arXiv 2401.00448:
min 6 N D + 2 N D_inf over N, D with L(N, D) given, D_inf being the tokens that the model will read and write once trained.
It holds on top of any L(N, D). Both kinds of token are taken to cost what the parameters alone cost, no attention.
"""

from __future__ import annotations

import math

from scalecheck.errors import ScalecheckError
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, LossSurface
from scalecheck.values import dataclass

FLOPS_PER_PARAMETER_PER_SERVED_TOKEN = 2
"""A forward pass: one multiply-add per parameter and token."""

_SHARE = FLOPS_PER_PARAMETER_PER_TOKEN / FLOPS_PER_PARAMETER_PER_SERVED_TOKEN
_BISECTIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The cheapest way to a loss over a model's life: N, D, and the FLOPs of training (6ND) and of inference (2N D_inf)."""

    params: float
    tokens: float
    training_flops: float
    inference_flops: float

    @property
    def flops(self) -> float:
        """Training and inference together."""
        return self.training_flops + self.inference_flops


def cheapest(surface: LossSurface, loss: float, inference_tokens: float) -> Serving:
    """Return the N and D that reach ``loss`` with the least 6 N D + 2 N D_inf, for ``inference_tokens`` D_inf, 0 or more.

    First-order condition: alpha A N^-alpha / (beta B D^-beta) = 1 + D_inf/(3D). With t the logarithm of A N^-alpha over
    B D^-beta, which add up to L - E, the left side is e^t alpha/beta and D grows with t: one root, found by bisection.

    Raises:
        ScalecheckError: the loss is at or below E, which no model reaches, or ``inference_tokens`` is negative or no number.
    """
    if not loss > surface.E:
        message = f"no model reaches a loss of {loss:g} under {surface.name}: its irreducible loss is {surface.E:.4g}"
        raise ScalecheckError(message)
    if not 0 <= inference_tokens < math.inf:
        message = f"inference tokens are a number from 0 on, not {inference_tokens:g}"
        raise ScalecheckError(message)
    low = math.log(surface.beta / surface.alpha)
    high = low + 1.0
    while _shortfall(surface, loss, inference_tokens, high) > 0:
        low, high = high, 2 * high - low + 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _shortfall(surface, loss, inference_tokens, middle) > 0 else (low, middle)
    params, tokens = _split(surface, loss, low)
    return Serving(
        params=params,
        tokens=tokens,
        training_flops=FLOPS_PER_PARAMETER_PER_TOKEN * params * tokens,
        inference_flops=FLOPS_PER_PARAMETER_PER_SERVED_TOKEN * params * inference_tokens,
    )


def implied_inference_tokens(surface: LossSurface, params: float, tokens: float) -> float | None:
    """Return the D_inf for which this N and D are the cheapest way to their loss: the same condition, solved for D_inf.

    0 at the training optimum; ``None`` where D falls short of it, which no serving volume accounts for.
    """
    log_ratio = math.log(surface.alpha * surface.A / (surface.beta * surface.B))
    log_ratio += surface.beta * math.log(tokens) - surface.alpha * math.log(params)
    implied = _SHARE * tokens * math.expm1(log_ratio)
    return implied if implied >= 0 else None


def _shortfall(surface: LossSurface, loss: float, inference_tokens: float, log_odds: float) -> float:
    """Return log(1 + D_inf/(3D)) - log(e^t alpha/beta): above 0 while more tokens and a smaller model would still save."""
    _, tokens = _split(surface, loss, log_odds)
    return math.log1p(inference_tokens / (_SHARE * tokens)) - log_odds - math.log(surface.alpha / surface.beta)


def _split(surface: LossSurface, loss: float, log_odds: float) -> tuple[float, float]:
    """Return the N and D whose terms add up to L - E and stand to each other as e^t to 1."""
    log_excess = math.log(loss - surface.E)
    log_params_term = log_excess - math.log1p(math.exp(-log_odds))
    log_tokens_term = log_excess - math.log1p(math.exp(log_odds))
    params = math.exp((math.log(surface.A) - log_params_term) / surface.alpha)
    return params, math.exp((math.log(surface.B) - log_tokens_term) / surface.beta)

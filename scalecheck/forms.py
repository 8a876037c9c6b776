"""The functional forms of compute-optimal scaling laws, in closed form; a file in ``laws/`` fills one with coefficients.

Two forms carry all that is published for single-epoch training: ``LossSurface``, a fitted L(N, D), and ``Allocation``,
a fitted N*(C). A law of another form only has to satisfy ``Law``. Inside a form, ``flops`` is the law's own C = 6ND with N
in the law's own convention; losses are in nats per token. Every argument is a positive, finite number. A power that
leaves the range of a float raises ``OverflowError``; whoever has values that were not vetted catches it.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

from scalecheck.values import dataclass

FLOPS_PER_PARAMETER_PER_TOKEN = 6
"""C = 6ND: 2 FLOPs per multiply-add forward, twice that backward (Kaplan et al. 2020, arXiv 2001.08361, Sec. 2.1)."""

Z_80 = 1.2815515655446004
"""The standard normal quantile at 0.9: a two-sided 80 % interval leaves 10 % on each side."""

ParamsConvention = Literal["total", "non_embedding", "active", "with_head", "flops_over_6"]
"""Which parameters a law calls N: ``with_head`` leaves out the input embedding and keeps the output head (Porian et al. 2024);
``flops_over_6`` is M/6, M being the training FLOPs per token without the vocabulary's and with attention's (DeepSeek 2024)."""

FlopsConvention = Literal["6ND"]
Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a law was published; ``where`` names the table, equation or section that holds the numbers."""

    authors: str
    year: int
    arxiv: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRange:
    """The runs that a law was fitted on, smallest and largest; ``None`` where the paper does not say."""

    params: Bounds | None = None
    flops: Bounds | None = None
    tokens_per_parameter: Bounds | None = None

    def factor_beyond(self, *, params: float, flops: float, tokens_per_parameter: float) -> float:
        """Return the largest factor by which a run lies outside one of the bounds, 1.0 inside them all."""
        pairs = ((params, self.params), (flops, self.flops), (tokens_per_parameter, self.tokens_per_parameter))
        return max([1.0, *(max(bounds[0] / value, value / bounds[1]) for value, bounds in pairs if bounds)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The compute-optimal split of a budget: N*, D*."""

    params: float
    tokens: float

    @property
    def tokens_per_parameter(self) -> float:
        """D*/N*."""
        return self.tokens / self.params


class Law(Protocol):
    """What a comparison needs of a law, whatever its form. Methods return ``None`` where the law does not tell."""

    @property
    def name(self) -> str:
        """The name of the law's file."""

    @property
    def params_convention(self) -> ParamsConvention:
        """Which parameters the law calls N."""

    @property
    def fitted_range(self) -> FittedRange:
        """The runs that the law was fitted on."""

    def optimum(self, flops: float) -> Optimum:
        """Return the compute-optimal N and D for a budget C."""

    def tokens_for_model(self, params: float) -> float:
        """Return the D at which this N is compute-optimal."""

    def params_for_tokens(self, tokens: float) -> float:
        """Return the N for which this D is compute-optimal."""

    def loss(self, params: float, tokens: float) -> float | None:
        """Return the predicted loss, in nats per token."""

    def flops_for_loss(self, loss: float) -> float | None:
        """Return the least compute that reaches a loss, spent at the optimum."""

    def wasted_compute(self, params: float, tokens: float) -> float | None:
        """Return 1 - C_needed/C, C_needed being the least compute that reaches the run's predicted loss."""

    def interval(self, flops: float) -> Bounds | None:
        """Return the 80 % interval of D*/N* at a budget C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What every law says about itself, whatever its form.

    ``params_convention`` and ``flops_convention`` say what N and C mean in it, ``errata`` what is wrong or contradictory
    in the publication, and ``note`` what a reader must know before trusting a number.
    """

    name: str
    citation: Citation
    params_convention: ParamsConvention
    flops_convention: FlopsConvention = "6ND"
    data: str
    fitted_range: FittedRange
    errata: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSurface(Published):
    """L(N, D) = E + A/N^alpha + B/D^beta (Hoffmann et al. 2022, arXiv 2203.15556, Sec. 3.3, Eq. 2).

    ``log_covariance`` is the covariance of the fit in (log A, log B, log E, alpha, beta), or ``None`` when nobody
    published one.
    """

    E: float
    A: float
    B: float
    alpha: float
    beta: float
    log_covariance: tuple[tuple[float, ...], ...] | None = None

    @property
    def params_exponent(self) -> float:
        """The a of N* ~ C^a: beta / (alpha + beta) (Hoffmann et al. 2022, Eq. 4)."""
        return self.beta / (self.alpha + self.beta)

    @property
    def _log_G(self) -> float:
        ratio = math.log(self.alpha) + math.log(self.A) - math.log(self.beta) - math.log(self.B)
        return ratio / (self.alpha + self.beta)

    def loss(self, params: float, tokens: float) -> float:
        """Return the predicted loss in nats per token (Hoffmann et al. 2022, Eq. 2)."""
        return self.E + self.A * math.pow(params, -self.alpha) + self.B * math.pow(tokens, -self.beta)

    def optimum(self, flops: float) -> Optimum:
        """Return N* = G (C/6)^a and D* = (C/6)^b / G, with G = (alpha A / (beta B))^(1/(alpha+beta)) (ibid., Eq. 4)."""
        log_tokens_times_params = math.log(flops / FLOPS_PER_PARAMETER_PER_TOKEN)
        log_params = self._log_G + self.params_exponent * log_tokens_times_params
        return Optimum(params=math.exp(log_params), tokens=math.exp(log_tokens_times_params - log_params))

    def tokens_for_model(self, params: float) -> float:
        """Return the D at which N is optimal: alpha A N^-alpha = beta B D^-beta, the condition behind Eq. 4, solved for D."""
        log_ratio = math.log(self.beta * self.B) - math.log(self.alpha * self.A)
        return math.exp((log_ratio + self.alpha * math.log(params)) / self.beta)

    def params_for_tokens(self, tokens: float) -> float:
        """Return the N for which D is optimal: the condition of ``tokens_for_model``, solved for N."""
        log_ratio = math.log(self.alpha * self.A) - math.log(self.beta * self.B)
        return math.exp((log_ratio + self.beta * math.log(tokens)) / self.alpha)

    def flops_for_loss(self, loss: float) -> float | None:
        """Return the least compute that reaches a loss, or ``None`` at or below E, which no compute reaches.

        Eq. 4 put into Eq. 2 gives L* = E + (A G^-alpha + B G^beta) (C/6)^-(alpha beta / (alpha + beta)), solved for C.
        """
        if not loss > self.E:
            return None
        scale = self.A * math.exp(-self.alpha * self._log_G) + self.B * math.exp(self.beta * self._log_G)
        exponent = self.alpha * self.beta / (self.alpha + self.beta)
        return FLOPS_PER_PARAMETER_PER_TOKEN * math.exp((math.log(scale) - math.log(loss - self.E)) / exponent)

    def wasted_compute(self, params: float, tokens: float) -> float:
        """Return 1 - C_needed/C for a run, in [0, 1].

        With x = N/N*(C), L - E is that of the optimum times (beta x^-alpha + alpha x^beta) / (alpha + beta), because there
        alpha A N*^-alpha = beta B D*^-beta; ``flops_for_loss`` then gives C_needed/C as that factor to the power of
        -(alpha + beta)/(alpha beta). Neither C nor E is in it, so it stays exact where L - E would drown in rounding.
        """
        x = params / self.optimum(FLOPS_PER_PARAMETER_PER_TOKEN * params * tokens).params
        total = self.alpha + self.beta
        excess = (self.beta * math.pow(x, -self.alpha) + self.alpha * math.pow(x, self.beta)) / total
        return max(0.0, 1.0 - math.pow(excess, -total / (self.alpha * self.beta)))

    def interval(self, flops: float) -> Bounds | None:
        """Return the 80 % interval of D*/N* at C, centred (in the logarithm) on the law's own value.

        Delta method: the variance of log(D*/N*) is g' S g, with S ``log_covariance`` and g the gradient of Eq. 4 in
        (log A, log B, log E, alpha, beta). A first-order interval: it does not know the skew that a bootstrap shows.
        """
        if self.log_covariance is None:
            return None
        gradient = self._gradient_of_log_ratio(flops)
        variance = sum(
            left * covariance * right
            for left, row in zip(gradient, self.log_covariance, strict=True)
            for right, covariance in zip(gradient, row, strict=True)
        )
        spread = math.exp(Z_80 * math.sqrt(max(0.0, variance)))
        ratio = self.optimum(flops).tokens_per_parameter
        return ratio / spread, ratio * spread

    def _gradient_of_log_ratio(self, flops: float) -> tuple[float, ...]:
        # log(D*/N*) = -2 log G + (alpha - beta)/(alpha + beta) log(C/6)
        total = self.alpha + self.beta
        log_tokens_times_params = math.log(flops / FLOPS_PER_PARAMETER_PER_TOKEN)
        return (
            -2 / total,
            2 / total,
            0.0,
            -2 * (1 / self.alpha - self._log_G) / total + 2 * self.beta / total**2 * log_tokens_times_params,
            2 * (1 / self.beta + self._log_G) / total - 2 * self.alpha / total**2 * log_tokens_times_params,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Published):
    """N* = k C^a and D* = C/(6 N*) (the form of Hoffmann et al. 2022, Sec. 3.1 and 3.2, and Table 2). It has no loss.

    A paper that fits D* = h C^b instead is this form with k = 1/(6h) and a = 1 - b; one whose C is in other units is this
    form with the units folded into k.
    """

    k: float
    a: float

    @property
    def params_exponent(self) -> float:
        """The a of N* ~ C^a."""
        return self.a

    def optimum(self, flops: float) -> Optimum:
        """Return N* = k C^a and D* = C/(6 N*)."""
        params = self.k * math.pow(flops, self.a)
        return Optimum(params=params, tokens=flops / FLOPS_PER_PARAMETER_PER_TOKEN / params)

    def tokens_for_model(self, params: float) -> float:
        """Return the D at which N is optimal: C/(6N) at the C = (N/k)^(1/a) whose optimum it is."""
        log_flops = (math.log(params) - math.log(self.k)) / self.a
        return math.exp(log_flops - math.log(params)) / FLOPS_PER_PARAMETER_PER_TOKEN

    def params_for_tokens(self, tokens: float) -> float:
        """Return the N for which D is optimal: C/(6D) at the C = (6kD)^(1/(1-a)) whose optimum it is."""
        log_flops = (math.log(FLOPS_PER_PARAMETER_PER_TOKEN * self.k) + math.log(tokens)) / (1 - self.a)
        return math.exp(log_flops - math.log(tokens)) / FLOPS_PER_PARAMETER_PER_TOKEN

    def loss(self, params: float, tokens: float) -> float | None:
        """Return ``None``: the law says how to split a budget, not what comes out of it."""
        return None

    def flops_for_loss(self, loss: float) -> float | None:
        """Return ``None``: no budget of such a law comes with a loss."""
        return None

    def wasted_compute(self, params: float, tokens: float) -> float | None:
        """Return ``None``: without a loss there is no compute that reaches the same one."""
        return None

    def interval(self, flops: float) -> Bounds | None:
        """Return ``None``: such papers print an interval of the exponent a at most, none of the intercept k."""
        return None

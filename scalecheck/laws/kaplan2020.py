"""Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv 2001.08361. History: never a default judge.

``LAW`` is N* = 1.3e9 C^0.73 with C in PF-days (Table 6), the unit folded into k, and D* = C/(6 N*). N is without embeddings and
C is C_min, the compute at a batch far below the critical one. The plain power laws of loss (Eq. 1.1-1.5, Table 5) are the
functions below; their loss is in nats per token on WebText2. No intervals are published.
"""

import math

from scalecheck.forms import Allocation, Citation, FittedRange
from scalecheck.values import dataclass

FLOPS_PER_PF_DAY = 8.64e19

ALPHA_N, N_C = 0.076, 8.8e13
ALPHA_D, D_C = 0.095, 5.4e13
ALPHA_C, C_C_PF_DAYS = 0.057, 1.6e7
ALPHA_C_MIN, C_C_MIN_PF_DAYS = 0.050, 3.1e8
ALPHA_S = 0.76
ALPHA_B = 0.21
"""Exponents and scales of Eq. 1.1-1.6 and Table 5; N_C in non-embedding parameters, D_C in tokens."""

PREDICTED_ALPHA_C_MIN = 1 / (1 / ALPHA_S + 1 / ALPHA_B + 1 / ALPHA_N)
"""The exponent that the other three imply for L(C_min): 0.052 (Eq. 1.8, B.7); the fit gave 0.050."""

FRONTIER_EXCESS = ALPHA_N / ALPHA_S
"""How far above its converged loss a model is, relatively, when compute is best spent: 10 % (Eq. B.5)."""

_PARAMS_AT_1_PF_DAY, _PARAMS_EXPONENT = 1.3e9, 0.73

LAW = Allocation(
    name="kaplan2020",
    citation=Citation(
        authors="Kaplan, McCandlish, Henighan, et al.",
        year=2020,
        arxiv="2001.08361",
        where="Eq. 1.1-1.8, Tables 2, 5 and 6, App. B",
    ),
    params_convention="non_embedding",
    data="WebText2 (22.9B tokens), 50257-token vocabulary, sequences of 1024",
    fitted_range=FittedRange(params=(768, 1.5e9)),
    k=_PARAMS_AT_1_PF_DAY / FLOPS_PER_PF_DAY**_PARAMS_EXPONENT,
    a=_PARAMS_EXPONENT,
    errata=(
        "Eq. 1.4 has a critical batch of 2e8 tokens, Table 5 has 2.1e8.",
        "Eq. 1.8 gives 0.052 for the exponent of L(C_min), the fit 0.050.",
        "Table 5 (D_c 5.4e13, alpha_D 0.095) and Table 2 (1.8e13, 0.103) are two fits, of L(D) and of L(N, D).",
        (
            "D_opt of Table 6 is 1.8 times C/(6 N*) at 1 PF-day, because it assumes the critical batch, at which twice the least compute "
            "is spent."
        ),
        (
            "The exponent 0.73 was later traced to the FLOPs of the last layer, too long a warmup and untuned optimisers (Porian et al. "
            "2024, arXiv 2406.19146) and to counting without embeddings at small scale (Pearce and Song 2024, arXiv 2406.12907)."
        ),
        "Hoffmann et al. 2022 (App. D.4) quote 4.68B parameters at 1e21 FLOPs for this law; Table 6 gives 7.77B and Eq. B.9 3.22B.",
    ),
    note="History. By it nearly every model trained since is over-trained, GPT-3 too; laws from 2022 on disagree with it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A row of Table 6: parameters, tokens, batch in tokens and least serial steps at a budget, trained at the critical batch."""

    params: float
    tokens: float
    batch_tokens: float
    steps: float


def recipe(flops: float) -> Recipe:
    """Return the compute-efficient recipe of Table 6 at C_min: N, D, B and S_min as powers of C_min in PF-days."""
    pf_days = flops / FLOPS_PER_PF_DAY
    return Recipe(
        params=_PARAMS_AT_1_PF_DAY * math.pow(pf_days, _PARAMS_EXPONENT),
        tokens=2e10 * math.pow(pf_days, 0.27),
        batch_tokens=2e6 * math.pow(pf_days, 0.24),
        steps=5.4e3 * math.pow(pf_days, 0.03),
    )


def loss_of_params(params: float) -> float:
    """Return L(N) = (N_c/N)^alpha_N, of a model trained to convergence on enough data (Eq. 1.1)."""
    return math.pow(N_C / params, ALPHA_N)


def loss_of_tokens(tokens: float) -> float:
    """Return L(D) = (D_c/D)^alpha_D, of a large model stopped early on D tokens of data (Eq. 1.2)."""
    return math.pow(D_C / tokens, ALPHA_D)


def loss_of_flops(flops: float) -> float:
    """Return L(C) = (C_c/C)^alpha_C, at the paper's fixed batch size (Table 5)."""
    return math.pow(C_C_PF_DAYS * FLOPS_PER_PF_DAY / flops, ALPHA_C)


def loss_of_min_flops(flops: float) -> float:
    """Return L(C_min) = (C_c/C_min)^alpha_C, at a batch far below the critical one (Eq. 1.3)."""
    return math.pow(C_C_MIN_PF_DAYS * FLOPS_PER_PF_DAY / flops, ALPHA_C_MIN)


def loss(params: float, tokens: float) -> float:
    """Return L(N, D) = [(N_c/N)^(alpha_N/alpha_D) + D_c/D]^alpha_D (Eq. 1.5), with the coefficients fitted to it (Table 2)."""
    alpha_n, alpha_d, n_c, d_c = 0.076, 0.103, 6.4e13, 1.8e13
    return math.pow(math.pow(n_c / params, alpha_n / alpha_d) + d_c / tokens, alpha_d)


def tokens_against_overfitting(params: float) -> float:
    """Return the D, 5e3 N^0.74 tokens, beyond which the data limit the loss by no more than runs vary (Eq. 4.4)."""
    return 5e3 * math.pow(params, 0.74)


def relative_cost(excess: float, reference_excess: float) -> Recipe:
    """Return what training to ``excess`` above the converged loss takes, over what ``reference_excess`` takes at the same loss.

    Parameters grow by ((1+f)/(1+f'))^(1/alpha_N) (Eq. B.12), steps by ((1+1/f)/(1+1/f'))^(1/alpha_S) (Eq. B.13), tokens with
    the steps, the batch not at all; compute is parameters times tokens (Eq. B.14).
    """
    params = math.pow((1 + excess) / (1 + reference_excess), 1 / ALPHA_N)
    steps = math.pow((1 + 1 / excess) / (1 + 1 / reference_excess), 1 / ALPHA_S)
    return Recipe(params=params, tokens=steps, batch_tokens=1.0, steps=steps)

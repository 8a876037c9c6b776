"""DeepSeek-AI 2024, "DeepSeek LLM: Scaling Open-Source Language Models with Longtermism", arXiv 2401.02954.

M* = 0.1715 C^0.5243 and D* = 5.8316 C^0.4757 with C = M D (Eq. 4), M being the training FLOPs per token without the
vocabulary's and with attention's (Eq. 2). As a law of C = 6ND it has N = M/6, so k = 0.1715/6; D* = C/(6 N*) then is the paper's
D* to within 1.00012, since 0.1715 x 5.8316 is 1.00012. No intervals are published.
"""

from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, Allocation, Citation, FittedRange

M_BASE = 0.1715
D_BASE = 5.8316
D_EXPONENT = 0.4757

LAW = Allocation(
    name="deepseek2024",
    citation=Citation(
        authors="DeepSeek-AI",
        year=2024,
        arxiv="2401.02954",
        where="Eq. 1, 2, 4, Table 3, Table 4",
    ),
    params_convention="flops_over_6",
    data="in-house English and Chinese; measured in bits per byte",
    fitted_range=FittedRange(flops=(1e17, 3e20)),
    k=M_BASE / FLOPS_PER_PARAMETER_PER_TOKEN,
    a=0.5243,
    errata=(
        "Two later sources, the slides of Stanford's CS336 and a table of arXiv 2503.04715, print 0.3188 for the 0.3118 of Eq. 1.",
        "0.1715 x 5.8316 is 1.00012, not 1: C = M D holds to that much.",
    ),
    note=(
        "N is M/6, M counting attention. The exponents move with the data: a is 0.450 on the lab's earlier corpus, 0.524 on this one "
        "and 0.578 on OpenWebText2 (Table 4)."
    ),
)


def training_flops_per_token(num_layers: int, width: int, sequence_length: int) -> int:
    """Return M = 72 n d^2 + 12 n d l (Eq. 2), for ``num_layers`` n, ``width`` d and ``sequence_length`` l.

    Forward and backward; without the vocabulary, with attention over all pairs of positions. At l = 0 it is 6 N_1, N_1 being the
    non-embedding parameters.
    """
    return 72 * num_layers * width**2 + 12 * num_layers * width * sequence_length


def optimal_tokens(flops: float) -> float:
    """Return the paper's own D* = 5.8316 C^0.4757 (Eq. 4), which ``LAW`` reaches as C/(6 N*)."""
    return float(D_BASE * flops**D_EXPONENT)


def learning_rate(flops: float) -> float:
    """Return the near-optimal peak learning rate 0.3118 C^-0.1250 (Eq. 1), fitted at 1e17 to 2e19 FLOPs, multi-step schedule."""
    return float(0.3118 * flops**-0.1250)


def batch_tokens(flops: float) -> float:
    """Return the near-optimal batch 0.2920 C^0.3271 in tokens (Eq. 1), fitted at 1e17 to 2e19 FLOPs, multi-step schedule."""
    return float(0.2920 * flops**0.3271)

"""Muennighoff et al. 2023, "Scaling Data-Constrained Language Models", arXiv 2305.16264.

For one epoch, L(N, D) = E + A/N^alpha + B/D^beta with alpha = beta (Eq. 16-20), refitted on C4 points read off a figure of
Hoffmann et al. 2022. log E = 0.6254804, log A = 6.255414, log B = 7.3049974 and alpha = beta = 0.3526596 are the digits of the
authors' repository (utils/parametric_fit.ipynb, Apache-2.0); the paper rounds them to E 1.87, A 521, B 1488, alpha 0.353.

``R_D_STAR`` and ``R_N_STAR`` are the decay constants of repeated tokens and of excess parameters (Eq. 5-6), fitted on 182 runs;
``scalecheck.repeats`` puts them to use. No intervals are published.
"""

import math

from scalecheck.forms import Citation, FittedRange, LossSurface

R_D_STAR = 15.387756
"""Repetitions, beyond the first epoch, after which a further one is worth 1/e of new tokens."""

R_N_STAR = 5.309743
"""The same for parameters beyond those for which the unique tokens are compute-optimal."""

_ALPHA = 0.3526596

LAW = LossSurface(
    name="muennighoff2023",
    citation=Citation(
        authors="Muennighoff, Rush, Barak, et al.",
        year=2023,
        arxiv="2305.16264",
        where="Eq. 5-6, 16-20; digits of the authors' repository",
    ),
    params_convention="total",
    data="C4, GPT-2 vocabulary; the one-epoch law on 54 points read off Hoffmann et al. 2022's C4 isoFLOP figure",
    fitted_range=FittedRange(params=(7e6, 9e9)),
    E=math.exp(0.6254804),
    A=math.exp(6.255414),
    B=math.exp(7.3049974),
    alpha=_ALPHA,
    beta=_ALPHA,
    errata=(
        (
            "alpha = beta is a choice: without it the same 54 points give alpha 0.3348 and beta 0.3829, and at Gopher's budget 99.0B "
            "parameters on 0.97T tokens instead of 70.0B on 1.37T, 9.8 tokens per parameter instead of 19.6."
        ),
        (
            "The paper calls the cost of four epochs negligible; by its own formula their tokens are worth 0.931 of new ones, and a run "
            "that is compute-optimal without repeats loses 0.7 to 1.0 % in loss at 1e21 to 1e22 FLOPs, more below."
        ),
    ),
    note=(
        "Runs had up to 900B tokens and 1 to 1500 epochs. Later work moves the number of useful epochs with weight decay and the filtering "
        "of the data (arXiv 2503.07879, 2509.14786, 2605.01640)."
    ),
)

"""Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models" (Chinchilla), arXiv 2203.15556, Approach 1.

The envelope of the training curves of a fixed family of model sizes (Sec. 3.1) gives N* = k C^a and D* = C/(6 N*). The paper
prints a = 0.50 with 10th and 90th percentiles 0.488 and 0.502 (Table 2), but no intercept. Both ``k`` and ``a`` are therefore
derived here, by an ordinary least squares fit of log N on log C over the nine rows of Table 3, which the paper computed from
this approach; the digits are those of that regression, no claim of precision. Eight rows come back within 0.4 %, the 67B row
within 1.3 %. A value of the same law that is not in Table 3, 2.86B parameters at 1e21 FLOPs (App. D.4), comes back to 0.01 %.
"""

from scalecheck.forms import Allocation, Citation, FittedRange

LAW = Allocation(
    name="hoffmann2022_a1",
    citation=Citation(
        authors="Hoffmann, Borgeaud, Mensch, et al.",
        year=2022,
        arxiv="2203.15556",
        where="Sec. 3.1, Table 2, Table 3",
    ),
    params_convention="total",
    data="MassiveText, 32k SentencePiece vocabulary",
    fitted_range=FittedRange(params=(70e6, 10e9), flops=(1e18, 3e21)),
    k=0.09915893230794971,
    a=0.4980986857771881,
    errata=(
        (
            "The exponents of Table 2 do not fit together: the intervals of a (0.488 to 0.502) and of b (0.501 to 0.512) are not centred "
            "on 0.50 and 0.50, and their midpoints add up to more than 1."
        ),
        "Sec. 3.4 says that 175B parameters call for 4.41e24 FLOPs and 4.2T tokens; Table 3 says 3.85e24 and 3.7T.",
        "Sec. 3.4 puts a 1T model at 1e26 FLOPs, over 250 times Gopher's budget; 1e26 is 174 times, and Table 3 says 1.27e26, 221 times.",
        "The 67B row of Table 3 does not multiply out: 6 x 67e9 x 1.5e12 is 6.03e23, not 5.76e23; the tokens are rounded up from 1.43T.",
    ),
    note=(
        "The intercept is not in the paper: it was regressed from Table 3. The paper's C counts the matmuls of every layer, the embeddings "
        "and the logits (App. F); 6ND stands in for it, as in Table 3."
    ),
)

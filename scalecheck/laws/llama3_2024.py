"""Grattafiori et al. 2024, "The Llama 3 Herd of Models", arXiv 2407.21783.

D* = h C^b in tokens (Sec. 3.2.1; the paper writes N*(C), and means tokens). The legend of Figure 3 has h = 0.299 and b = 0.537,
which is N* = C^(1-b) / (6h), so k = 1/(6h) and a = 1 - b. No intervals are published; the rounding of the legend alone allows
15.8T to 16.8T tokens at 3.8e25 FLOPs.
"""

from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, Allocation, Citation, FittedRange

LAW = Allocation(
    name="llama3_2024",
    citation=Citation(
        authors="Grattafiori, Dubey, Jauhri, et al.",
        year=2024,
        arxiv="2407.21783",
        where="Sec. 3.2.1, Fig. 2, legend of Fig. 3",
    ),
    params_convention="total",
    data="Meta's own mix, 128k vocabulary, validation loss",
    fitted_range=FittedRange(params=(40e6, 16e9), flops=(6e18, 1e22)),
    k=1 / (FLOPS_PER_PARAMETER_PER_TOKEN * 0.299),
    a=1 - 0.537,
    errata=(
        (
            "The text has h = 0.29 and b = 0.53, which give 10.5T tokens at 3.8e25 FLOPs where the paper says 16.55T. The digits of the "
            "legend of Figure 3 give 16.3T, and are the ones used here."
        ),
        "402B parameters and 16.55T tokens are 3.99e25 FLOPs by 6ND, not 3.8e25.",
    ),
    note="One lab's recipe and data, extrapolated by its authors from 1e22 to 3.8e25 FLOPs.",
)

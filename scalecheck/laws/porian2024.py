"""Porian et al. 2024, "Resolving Discrepancies in Compute-Optimal Scaling of Language Models", arXiv 2406.19146.

N* = k C^a from isoFLOP minima on RefinedWeb with tuned learning rate, batch size and AdamW beta2 at every size, and no learning
rate decay (Table 3). The digits are ``bs_median_weighted`` of the fit in the authors' repository (data/summary_df*.pickle.xz,
MIT). The 95 % interval of a is 0.4907 to 0.5045, that of D*/N* at 5.88e23 FLOPs 13.1 to 20.0.

``LADDER`` holds the other fits of the paper on RefinedWeb, in the order in which Kaplan et al. 2020's 0.73 was taken apart.
"""

from collections.abc import Mapping
from types import MappingProxyType

from scalecheck.forms import Allocation, Citation, FittedRange

LADDER: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "reproduce_kaplan": (4.2319659184965657e-08, 0.8353000424913991),
        "count_last_layer": (1.2701847832482018e-05, 0.7064699122200796),
        "correct_warmup": (0.0014309165592833362, 0.6020375267309686),
        "cosine_decay": (0.0047692867893526685, 0.5714947855747434),
        "tuned_no_decay": (0.11892648397493802, 0.49689507817885203),
    }
)
"""Step of the paper -> (k, a) of N* = k C^a; each step keeps the corrections of those before it, the last one is the law."""

_K, _A = LADDER["tuned_no_decay"]

LAW = Allocation(
    name="porian2024",
    citation=Citation(
        authors="Porian, Wortsman, Jitsev, Schmidt, Carmon",
        year=2024,
        arxiv="2406.19146",
        where="Fig. 1, Table 3; digits of the authors' repository",
    ),
    params_convention="with_head",
    data="RefinedWeb, 50432-token vocabulary, sequences of 2048",
    fitted_range=FittedRange(params=(5e6, 900e6), flops=(1.25e16, 2.56e19)),
    k=_K,
    a=_A,
    note=(
        "N leaves out the input embedding and keeps the output head; C leaves out attention. The same recipe on OpenWebText2 gives "
        "a = 0.518 (95 %: 0.49 to 0.54), and 9.8 tokens per parameter at 1e24 FLOPs instead of 16.6."
    ),
)

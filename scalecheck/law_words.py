"""What a finding says about laws: the range they put an optimum in, the compute wasted, the interval, how far it is extrapolated.

Each function returns a clause without its separator, ``""`` where there is nothing to say. A clause reports what a published
fit puts where, and names the law: no law says what a run has to be.
"""

from __future__ import annotations

from scalecheck import registry
from scalecheck.facts import Outlook, Run
from scalecheck.units import format_ratio

HISTORY = ("kaplan2020",)
"""Laws that later work replaced (Hoffmann et al. 2022, arXiv 2203.15556, Sec. 1): they speak only where they are the judge."""
LOSS_LAW = "besiroglu2024"
"""The default law for losses: Hoffmann et al. 2022's own surface, refitted, with a published error."""
COUNTED_AS = {
    "total": "total",
    "non_embedding": "non-embedding",
    "with_head": "non-embedding + head",
    "flops_over_6": "FLOPs per token / 6",
    "active": "active",
}


def consensus(run: Run) -> tuple[Outlook, ...]:
    """Return the outlooks that count as today's laws, the user's own among them, the judge's first where there is one."""
    judge = run.outlooks.get(run.judge)
    others = (outlook for name, outlook in run.outlooks.items() if name != run.judge and name not in HISTORY)
    return (judge, *others) if judge is not None else tuple(others)


def optimal_range(run: Run) -> str:
    """Return the laws' optimal tokens per parameter at the run's compute: ``18-41 (7 published laws)``."""
    views = consensus(run)
    if not views:
        return ""
    low, high = (format_ratio(bound(view.tokens_per_parameter for view in views)) for bound in (min, max))
    return f"{low if low == high else f'{low}-{high}'} ({_named([view.law for view in views])})"


def wasted(run: Run) -> str:
    """Return the share of the compute that the same loss does not need; where the judge has no loss, by the first law that has one."""
    teller = _waste_teller(run)
    if teller is None or teller.wasted_compute is None:
        return ""
    return f"{100 * teller.wasted_compute:.0f} % of the compute is wasted ({teller.law})"


def interval(run: Run) -> str:
    """Return the 80 % interval of the optimal tokens per parameter: the judge's, else that of the law that tells the waste."""
    for view in (run.outlooks.get(run.judge), _waste_teller(run)):
        if view is not None and view.interval is not None:
            low, high = (format_ratio(bound) for bound in view.interval)
            return f"80 % interval {low}-{high} ({view.law})"
    return ""


def extrapolated(outlook: Outlook) -> str:
    """Return how far the run lies outside the runs that a law was fitted on."""
    if not outlook.extrapolated > 1:
        return ""
    return f"extrapolated: this run is {format_ratio(outlook.extrapolated)}x outside the range that {outlook.law} was fitted on"


def parameters(outlook: Outlook) -> str:
    """Return ``parameters``, with what the law counts as its N where that is not the total: its optimum is told in its own N."""
    kind = next((words for start, words in COUNTED_AS.items() if outlook.params_convention.startswith(start)), "total")
    return "parameters" if kind == "total" else f"parameters ({kind})"


def ratio_found(run: Run, outlook: Outlook, ratio: float) -> str:
    """Return the run's tokens per parameter; of a mixture of experts per active one, whatever the law counts as its N."""
    tokens, active = run.account.training_tokens, run.account.active_params
    if outlook.params_convention.startswith("active") and tokens is not None:
        return f"{format_ratio(tokens / (active or outlook.params))} tokens per active parameter"
    return f"{format_ratio(ratio)} tokens per parameter"


def _waste_teller(run: Run) -> Outlook | None:
    return next((view for view in consensus(run) if view.wasted_compute is not None), None)


def _named(laws: list[str]) -> str:
    """Count the published laws and name the user's own; a published law that stands alone is named too."""
    own = [law for law in laws if law not in registry.names("laws")]
    published = [law for law in laws if law not in own]
    names = [f"{len(published)} published laws"] if len(published) > 1 else published
    return " and ".join([*names, *own])

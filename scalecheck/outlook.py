"""Stage 3: what each law makes of a run. ``Account`` -> one ``Outlook`` per law that can speak about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import cast

from scalecheck import registry, repeats
from scalecheck.facts import Account, Outlook
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN, Law
from scalecheck.law_params import active_or_total, params_over_6, with_head
from scalecheck.values import dataclass

_NUMBERS = tuple(item.name for item in fields(Outlook) if item.name not in ("law", "params_convention", "interval"))
LARGEST = 10**300
"""Counts beyond it are taken as unknown: their products and powers do not fit in a float, and no run has them."""

_PARAMS: Mapping[str, Callable[[Account], float | None]] = {
    "total": active_or_total,
    "non_embedding": lambda account: account.active_non_embedding_params,
    "active": lambda account: account.active_params,
    "with_head": with_head,
    "flops_over_6": params_over_6,
}


def outlooks(
    account: Account, laws: Sequence[str], own_laws: Mapping[str, Law] | None = None, unique_tokens: float | None = None
) -> dict[str, Outlook]:
    """Compare a run with each of the named laws, in the order given; ``own_laws`` are those of the user's files, by their names.

    ``unique_tokens`` is what the data hold, where the config tells: beyond it tokens repeat, and are worth less.

    A law is left out when its N or the run's D is unknown, or when a count is so large that no float holds the comparison; whoever
    calls leaves out a D that counts one device of unknown many. Where only the vocabulary is unknown, N is at least its
    non-embedding part: the multiple is then an upper bound, and ``params_convention`` begins with ``at least``.

    Every law is asked at ``law_flops`` = 6ND with N in that law's own convention, not at ``account.training_flops``: the
    laws were fitted with C = 6ND (Hoffmann et al. 2022, arXiv 2203.15556, Sec. 3.3; Besiroglu et al. 2024,
    arXiv 2404.10102), and only there is the multiple exactly 1 at N = N* and D = D*. The account's FLOPs count the
    attention scores and leave out the input embedding; put into a law they would move the optimum by a difference in
    counting and call it a difference in training.

    Raises:
        PolicyError: a name that is no file in ``scalecheck/laws/``.
    """
    if account.tokens_per_parameter is None and account.total_params is not None:
        return {}
    known = ((name, _outlook(name, account, law_named(name, own_laws))) for name in laws)
    views = {name: outlook for name, outlook in known if outlook is not None}
    if repeats.REPEATS_LAW in views and unique_tokens:
        views[repeats.REPEATS_LAW] = _with_repeats(views[repeats.REPEATS_LAW], account, unique_tokens)
    return views


def law_named(name: str, own_laws: Mapping[str, Law] | None = None) -> Law:
    """Return the law of a file of the user's, else the shipped one.

    Raises:
        PolicyError: a name that is neither.
    """
    return own_laws[name] if own_laws and name in own_laws else cast(Law, registry.load("laws", name).LAW)


def is_bound(outlook: Outlook) -> bool:
    """Tell whether an outlook was made with a lower bound of N, so that its multiple is an upper bound."""
    return outlook.params_convention.startswith("at least")


def _outlook(name: str, account: Account, law: Law) -> Outlook | None:
    params, tokens = _PARAMS[law.params_convention](account), account.training_tokens
    convention = _convention(law, account)
    if params is None and account.total_params is None:
        params, convention = account.active_non_embedding_params, "at least non_embedding"
    if params is None or tokens is None or not (params > 0 and tokens > 0):
        return None
    flops = FLOPS_PER_PARAMETER_PER_TOKEN * params * tokens
    if not flops <= LARGEST:
        return None
    try:
        outlook = _compare(name, law, _Counts(params, tokens, float(flops), convention))
    except (ArithmeticError, ValueError):  # ValueError: math.pow(0.0, -1.0), after an underflow
        return None
    return outlook if _is_finite(outlook) else None


@dataclass(frozen=True, slots=True)
class _Counts:
    params: float
    tokens: int
    flops: float
    convention: str


def _convention(law: Law, account: Account) -> str:
    """Return the law's own name for its N, marked where only a token's share of a mixture of experts was put in."""
    is_sparse = account.active_params is not None and account.active_params != account.total_params
    return f"active {law.params_convention}".replace("active active", "active") if is_sparse else law.params_convention


def _compare(name: str, law: Law, counts: _Counts) -> Outlook:
    params, tokens, flops, convention = counts.params, counts.tokens, counts.flops, counts.convention
    optimum = law.optimum(flops)
    ratio = tokens / params
    return Outlook(
        law=name,
        params=params,
        params_convention=convention,
        law_flops=flops,
        optimal_params=optimum.params,
        optimal_tokens=optimum.tokens,
        tokens_per_parameter=optimum.tokens_per_parameter,
        multiple=ratio / optimum.tokens_per_parameter,
        tokens_for_this_model=law.tokens_for_model(params),
        interval=law.interval(flops),
        wasted_compute=law.wasted_compute(params, tokens),
        predicted_loss=law.loss(params, tokens),
        loss_at_optimum=law.loss(optimum.params, optimum.tokens),
        extrapolated=law.fitted_range.factor_beyond(params=params, flops=flops, tokens_per_parameter=ratio),
    )


def _with_repeats(outlook: Outlook, account: Account, unique_tokens: float) -> Outlook:
    """Add what the run's tokens are worth, as some of them are seen again (Muennighoff et al. 2023, arXiv 2305.16264, Eq. 5-6)."""
    tokens = account.training_tokens
    if tokens is None or not unique_tokens < tokens:
        return outlook
    worth = repeats.effective_tokens(unique_tokens, tokens)
    loss = repeats.constrained_loss(outlook.params, tokens, unique_tokens)
    return replace(outlook, effective_tokens=worth, effective_loss=loss)


def _is_finite(outlook: Outlook) -> bool:
    values = [getattr(outlook, name) for name in _NUMBERS]
    numbers = [*values, *outlook.interval] if outlook.interval else values
    return all(math.isfinite(number) for number in numbers if isinstance(number, float))

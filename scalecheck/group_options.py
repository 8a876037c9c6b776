"""Which option of a config group is compute-optimal at a run's own C: each option is composed and counted as a launch would have it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from scalecheck.composing import Composed, checked, composed, hydra_of, policy_of
from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.facts import PLAN_FIELDS, Account, Job, Outlook
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.outlook import is_bound, outlooks
from scalecheck.policy import Policy
from scalecheck.remedies import scale_steps
from scalecheck.units import format_count
from scalecheck.values import dataclass

NEGLIGIBLE = 0.01
"""A run whose C is within 1 % of another's is at the same C: whole steps alone move it by that much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option at the run's C: its N in the judging law's convention, D/N = C/(6N)/N, and what laws make of it; or why it has none."""

    name: str
    params: float | None = None
    tokens: float | None = None
    tokens_per_parameter: float | None = None
    multiple: float | None = None
    wasted_compute: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOptions:
    """All options of ``group`` at ``law_flops``, the 6ND of the config as it stands, in the N of the judging ``law``.

    ``best`` is the option whose N is nearest in the logarithm to N*; ``overrides`` make it, and the steps that keep C where one key of the
    config decides them; ``steps_note`` says so, or why not. ``waste_law`` is the law that told the waste.
    """

    group: str
    chosen: str | None
    law: str
    params_convention: str
    law_flops: float
    optimal_params: float
    optimal_tokens: float
    waste_law: str
    options: tuple[Option, ...]
    best: Option | None
    overrides: tuple[str, ...] = ()
    steps_note: str = ""

    @property
    def is_indifferent(self) -> bool:
        """Whether more than one option was counted, and all have the same N."""
        counts = [option.params for option in self.options if not option.reason]
        return len(counts) > 1 and len(set(counts)) == 1

    @property
    def optimal_ratio(self) -> float:
        """D*/N*."""
        return self.optimal_tokens / self.optimal_params


def compared(found: GroupOptions) -> dict[str, Any]:
    """Return the comparison as a plain mapping."""
    made = asdict(found)
    best = None if found.best is None else found.best.name
    return {**made, "tokens_per_parameter": found.optimal_ratio, "best": best, "overrides": list(found.overrides)}


def of_group(options: argparse.Namespace, group: str, overrides: Sequence[str]) -> GroupOptions:
    """Compose the config, then once more with every option of ``group``, and compare them at the C of the first.

    ``overrides`` are those of the run; one that chooses an option of the group counts for the run as it stands.

    Raises:
        ScalecheckError: the config does not compose, its C or N is unknown, no law applies to it, or there is no such group.
    """
    if options.config:
        with hydra_of(options):  # refuses, as only Hydra has groups
            pass
    with composed(options, overrides) as main:
        names = _names(options, group, overrides)
        base = _judged(checked(replace(main, is_alone=False)), main.policy)  # no options but those compared here
        chosen = _chosen(main, group)
        rest = [text for text in overrides if _key(text) != group]
        is_added = group not in _choices(main) or any(text.startswith(f"+{group}=") for text in overrides)
        prefix = "+" if is_added else ""
        made = {name: _composed_option(options, [*rest, f"{prefix}{group}={name}"]) for name in names}
    seen = {name: _option(name, job, main.policy, base) for name, job in made.items()}
    best = _nearest([option for option, _ in seen.values()], base.optimal_params, chosen)
    found = GroupOptions(
        group=group,
        chosen=chosen,
        law=base.law,
        params_convention=base.params_convention,
        law_flops=base.law_flops,
        optimal_params=base.optimal_params,
        optimal_tokens=base.optimal_tokens,
        waste_law=next((law for _, law in seen.values() if law), ""),
        options=tuple(option for option, _ in seen.values()),
        best=best,
    )
    return found if best is None else _with_steps(found, best, made[best.name], prefix)


def _names(options: argparse.Namespace, group: str, overrides: Sequence[str]) -> list[str]:
    """Return the options of a group; ``model@encoder`` is the group ``model``."""
    from scalecheck.locating import loader

    name = group.partition("@")[0].strip("/")
    names: list[str] = loader().get_group_options(name, config_name=options.config_name, overrides=list(overrides)) if name else []
    if not names:
        known = loader().list_groups("")
        message = f"--group {group}: no config group of that name has options.{did_you_mean(name, known)}"
        raise ScalecheckError(message)
    return sorted(names)


def _choices(main: Composed) -> Mapping[str, Any]:
    choices: Mapping[str, Any] = main.config.hydra.runtime.choices
    return choices


def _chosen(main: Composed, group: str) -> str | None:
    choice = _choices(main).get(group)
    return None if choice is None else str(choice)


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _judged(job: Job, policy: Policy) -> Outlook:
    """Return the judging law's outlook on the config as it stands.

    Raises:
        ScalecheckError: there is none, and why.
    """
    run = job.run
    found = run.outlooks.get(policy.law)
    if found is not None and not is_bound(found):
        return found
    plan = run.reading.plan
    if plan.intent_reason:
        message = f"no law applies to this run: {plan.intent_reason}. The laws are about language models that are trained from scratch."
    elif plan.tokens_status == "per_device":
        message = "this run's C is unknown: its tokens are those of one device, and how many there are is not told."
    else:
        message = f"this run's C is unknown: {_why_unknown(job) or f'{policy.law} cannot speak about it'}"
    raise ScalecheckError(message)


def _why_unknown(job: Job, *, of_model: bool = False) -> str:
    reading = job.run.reading
    items = [*((item.field, item.reason) for item in reading.impossible), *((item.field, item.reason) for item in reading.unknowns)]
    return next((reason for field, reason in items if not of_model or field not in PLAN_FIELDS), "")


def _composed_option(options: argparse.Namespace, overrides: list[str]) -> Job | str:
    """Return the option's run through the line, or why there is none."""
    from scalecheck import compose

    try:
        config = compose.compose_main(options.config_name, overrides, multirun=False)
        prefix, policy = policy_of(config, options.policy)
        typed = compose.job_overrides(config)
        return checked(Composed(config=config, prefix=prefix, policy=policy, name=overrides[-1], overrides=typed))
    except ScalecheckError as broken:
        return f"does not compose: {broken}"


def _option(name: str, job: Job | str, policy: Policy, base: Outlook) -> tuple[Option, str]:
    """Return the option at the run's C, and the law that told its waste."""
    if isinstance(job, str):
        return Option(name=name, reason=job), ""
    account = job.run.account
    at_any_length = _views(account, policy, 1_000_000_000).get(policy.law) if account.total_params else None
    if at_any_length is None:
        return Option(name=name, reason=f"N unknown: {_why_unknown(job, of_model=True) or 'no model was found in it'}"), ""
    params = at_any_length.params
    tokens = base.law_flops / FLOPS_PER_PARAMETER_PER_TOKEN / params
    views = _views(account, policy, max(1, round(tokens)))
    judge = views.get(policy.law)
    if judge is None:
        return Option(name=name, params=params, reason=f"{policy.law} cannot speak about its tokens per parameter at this C"), ""
    telling = next((view for view in (judge, *views.values()) if view.wasted_compute is not None), None)
    option = Option(
        name=name,
        params=params,
        tokens=tokens,
        tokens_per_parameter=tokens / params,
        multiple=tokens / params / base.tokens_per_parameter,
        wasted_compute=telling.wasted_compute if telling else None,
    )
    return option, telling.law if telling else ""


def _views(account: Account, policy: Policy, tokens: int) -> Mapping[str, Outlook]:
    ratio = tokens / account.total_params if account.total_params else None
    return outlooks(replace(account, training_tokens=tokens, tokens_per_parameter=ratio), policy.laws, policy.own_laws)


def _nearest(options: Sequence[Option], optimal_params: float, chosen: str | None) -> Option | None:
    """Return the option whose N is nearest; of equals the one that the config has."""
    known = [option for option in options if option.params and not option.reason]
    return min(known, key=lambda option: (abs(math.log((option.params or 1) / optimal_params)), option.name != chosen), default=None)


def _with_steps(found: GroupOptions, best: Option, job: Job | str, prefix: str) -> GroupOptions:
    """Add what to type: the option, unless it is chosen, and the steps by which the run keeps its C."""
    assert not isinstance(job, str)
    assert best.tokens is not None
    choice = () if best.name == found.chosen else (f"{prefix}{found.group}={best.name}",)
    has = job.run.account.training_tokens
    if has is not None and abs(has / best.tokens - 1) < NEGLIGIBLE:
        return replace(found, overrides=choice, steps_note="this keeps C: the run trains on as many tokens already" if choice else "")
    steps = scale_steps(job.run, best.tokens, round_up=False)
    if steps is None:
        note = f"to keep C, train on {format_count(round(best.tokens))} tokens; no one key of the config sets that"
        return replace(found, overrides=choice, steps_note=note)
    note = f"same C: {format_count(round(best.tokens))} tokens, whole steps rounded down"
    return replace(found, overrides=(*choice, *steps.overrides), steps_note=note)

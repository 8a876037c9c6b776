"""The option of the model's own config group that suits a run's compute: what an under-trained run could choose instead.

Only where that was found: composing every option of a group costs what as many launches cost before their first step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scalecheck import compose
from scalecheck.errors import ScalecheckError
from scalecheck.facts import Finding, Job, Origin, Outlook, Remedy
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.locating import loader, typed
from scalecheck.outlook import is_bound
from scalecheck.remedies import scale_steps
from scalecheck.units import format_count, format_ratio
from scalecheck.values import dataclass

MOST_OPTIONS = 24
"""Of a larger group no option is offered: composing them would take longer than a reader waits."""
_RULE = "undertrained"
_SIZES = ("hidden_size", "num_layers", "total_params")
Check = Callable[[Any, tuple[str, ...]], Job]


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    job: Job
    outlook: Outlook


def with_option(job: Job, config: Any, locate: Callable[[str], Origin], check: Check) -> Job:
    """Add to the finding ``undertrained`` the option of the model's group that is nearest to compute-optimal at the run's own C.

    ``check`` runs a composed config through the line. Without such a finding, or such a group, the job comes back as it is.
    """
    outlook = job.run.outlooks.get(job.run.judge)
    is_found = any(finding.rule == _RULE for finding in job.findings)
    if not is_found or outlook is None or is_bound(outlook) or outlook.multiple >= 1:
        return job
    group = _group(job, config, locate)
    best = _best(config, group[0], group[1], outlook, check) if group else None
    if group is None or best is None:
        return job
    remedy = _remedy(f"{group[0]}={best.name}", best, outlook)
    return replace(job, findings=tuple(_with_remedy(finding, remedy) for finding in job.findings))


def _group(job: Job, config: Any, locate: Callable[[str], Origin]) -> tuple[str, str] | None:
    """Return the config group, and its chosen option, whose file sets the model's size."""
    keys = [origin.key for name in _SIZES if (origin := job.run.reading.origins.get(name)) and origin.key]
    file = next((place.file for key in keys if (place := locate(key)).file), None)
    choices: Mapping[str, Any] = config.hydra.runtime.choices
    for group, option in choices.items():
        path = f"{str(group).partition('@')[0]}/{option}".removesuffix(".yaml")
        if file and not str(group).startswith("hydra/") and f"/{file}".endswith(f"/{path}.yaml"):
            return str(group), str(option)
    return None


def _best(config: Any, group: str, chosen: str, outlook: Outlook, check: Check) -> _Option | None:
    """Return the option whose N is nearest to N* in the logarithm, if it is nearer than the chosen one and its own split is near."""
    names = [name for name in loader().get_group_options(group.partition("@")[0]) if name != chosen]
    if len(names) > MOST_OPTIONS:
        return None
    options = [option for name in names if (option := _option(config, group, name, check))]
    near = [option for option in options if 1 / 3 <= _multiple(option, outlook) <= 3]
    return min(near, key=lambda option: abs(math.log(_multiple(option, outlook))), default=None)


def _option(config: Any, group: str, name: str, check: Check) -> _Option | None:
    kept = [text for text in typed(config, "task") if text.lstrip("+~").partition("=")[0] != group]
    told = [text for text in typed(config, "hydra") if not text.startswith("hydra.mode=")]
    overrides = (*kept, f"{group}={name}")
    try:
        job = check(compose.compose_main(str(config.hydra.job.config_name), [*told, *overrides], multirun=False), overrides)
    except ScalecheckError:
        return None
    outlook = job.run.outlooks.get(job.run.judge)
    return None if outlook is None or is_bound(outlook) else _Option(name, job, outlook)


def _multiple(option: _Option, outlook: Outlook) -> float:
    """Return the multiple of an option at the run's C: there D/N is C/(6N^2), so it goes with the square of N*/N."""
    return float((outlook.optimal_params / option.outlook.params) ** 2)


def _remedy(choice: str, option: _Option, outlook: Outlook) -> Remedy:
    tokens = outlook.law_flops / FLOPS_PER_PARAMETER_PER_TOKEN / option.outlook.params
    steps = scale_steps(option.job.run, tokens, round_up=False)
    times = f"x{format_ratio(_multiple(option, outlook))} of compute-optimal"
    size = f"{format_count(round(option.outlook.params))} parameters"
    if steps is None:
        return Remedy(overrides=(choice,), effect=f"{size}: same compute when trained on {format_count(round(tokens))} tokens, {times}")
    return Remedy(overrides=(choice, *steps.overrides), effect=f"{size}: same compute, {times}")


def _with_remedy(finding: Finding, remedy: Remedy) -> Finding:
    """Put the option before the words that it makes concrete."""
    if finding.rule != _RULE:
        return finding
    typed_first = [item for item in finding.remedies if item.overrides]
    return replace(finding, remedies=(*typed_first, remedy))

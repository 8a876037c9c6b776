"""For repos that test their configs: an assertion that a composed config is within its policy. Works with any test runner."""

from __future__ import annotations

from typing import Any

from scalecheck import api
from scalecheck.enforce import SEVERITIES, fails
from scalecheck.errors import PolicyError
from scalecheck.facts import Job, Report, Severity


def assert_within_policy(
    config: Any, policy: api.PolicyLike = None, *, fail_level: Severity = "error", allow_unknown: bool = False
) -> Report:
    """Assert that nothing is found in a config at ``fail_level`` or above, and that there was something to judge; return the report.

    ``config`` and ``policy`` are those of ``scalecheck.check``, but for one thing: without ``policy`` the config has to hold its own,
    which ``hydra.compose`` keeps with ``return_hydra_config=True`` alone. The policy's ``mode`` does not matter here, and waived
    findings do not count. A pre-training whose N or D is unknown was not judged, and fails too, unless ``allow_unknown``; a run that
    no law is about, such as a fine-tuning, passes when it is within its budgets.

    Raises:
        AssertionError: with the findings as ``scalecheck check`` prints them.
        PolicyError: the policy is broken, or there is none.
        ConfigError: the config cannot be read as one.
        TypeError: ``config`` is no config, or ``policy`` no policy.
        ValueError: there is no such ``fail_level``.
    """
    __tracebackhide__ = True
    if fail_level not in SEVERITIES:
        message = f"fail_level is {fail_level!r}; it must be one of {', '.join(SEVERITIES)}."
        raise ValueError(message)
    if policy is None and api.own_policy(api.as_config(config)) is None:
        message = (
            "the config holds no policy, so there is nothing to hold it to. Compose it with return_hydra_config=True where its defaults "
            'list has `- scalecheck: ...`, or name one: policy="strict".'
        )
        raise PolicyError(message)
    report = api.check(config, policy)
    reasons = [] if allow_unknown else [_not_judged(job) for job in report.jobs if _unknown(job)]
    if reasons or fails(report, fail_level):
        raise AssertionError("\n".join([api.render(report).rstrip("\n"), *reasons]))
    return report


def _unknown(job: Job) -> list[str]:
    """Return which of N and D a law would need and are unknown."""
    account, plan = job.run.account, job.run.reading.plan
    figures = {"N": account.total_params, "D": account.training_tokens}
    return [] if plan.intent_reason else [name for name, figure in figures.items() if figure is None]


def _not_judged(job: Job) -> str:
    reasons = "; ".join(unknown.reason for unknown in job.run.reading.unknowns)
    names = " and ".join(_unknown(job))
    return f"not judged: {names} unknown{f' ({reasons})' if reasons else ''}. Tell it in the policy, or pass allow_unknown=True."

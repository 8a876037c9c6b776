"""READ FIRST. The line: composed config -> Reading -> Account -> Outlooks -> Findings -> verdict.

Each arrow is one function from a frozen value to a frozen value; no stage knows another. Whoever has a ``View`` of a
config (a launch, the command line, a test with a dict) calls ``check_job`` per job and ``summarise`` once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from scalecheck.account import count
from scalecheck.enforce import report_verdict, verdict
from scalecheck.extract import extract
from scalecheck.facts import Finding, Job, Origin, Report, Run, View
from scalecheck.judge import judge, judge_sweep
from scalecheck.outlook import outlooks
from scalecheck.policy import Policy
from scalecheck.provenance import locate_all

DEFAULT_PREFIX = "hydra.callbacks.scalecheck"
RATIO_INTENTS = ("auto", "pretrain")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInput:
    """One composed job: its view, what it is called, how it was composed, and where its policy lives."""

    view: View
    name: str = ""
    overrides: tuple[str, ...] = ()
    prefix: str = DEFAULT_PREFIX
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def check_job(job: JobInput, policy: Policy) -> Job:
    """Run one job's config through the line."""
    reading = extract(job.view, policy.read, policy.assume, job.environ, job.prefix)
    speaks = policy.intent in RATIO_INTENTS
    if not speaks:
        plan = replace(reading.plan, intent=policy.intent, intent_reason=f"{job.prefix}.intent={policy.intent}")
        reading = replace(reading, plan=plan)
    account = count(reading)
    views = outlooks(account, policy.laws) if speaks else {}
    run = Run(reading=reading, account=account, outlooks=views, judge=policy.law, name=job.name)
    findings = judge(run, policy)
    decision = verdict(findings, policy.mode, silent=policy.law not in views)
    return Job(name=job.name, overrides=job.overrides, run=run, findings=findings, verdict=decision)


def summarise(jobs: Iterable[Job], policy: Policy) -> Report:
    """Put the jobs of one launch together and judge the sweep as a whole."""
    checked = tuple(jobs)
    findings = judge_sweep([job.run for job in checked], policy)
    return Report(jobs=checked, findings=findings, mode=policy.mode, verdict=report_verdict(checked, findings, policy.mode))


def locate_job(job: Job, locate: Callable[[str], Origin], *, origins: bool) -> Job:
    """Fill in file and line of a job's findings, and of every value it read when ``origins`` is asked for."""
    run = job.run
    if origins:
        run = replace(run, reading=replace(run.reading, origins=locate_all(run.reading.origins, locate)))
    return replace(job, run=run, findings=tuple(_located(finding, locate) for finding in job.findings))


def _located(finding: Finding, locate: Callable[[str], Origin]) -> Finding:
    return replace(finding, origin=locate_all({"": finding.origin}, locate)[""])

"""READ FIRST. The line: composed config -> Reading -> Account -> Outlooks -> Findings -> verdict.

Each arrow is one function from a frozen value to a frozen value; no stage knows another. Whoever has a ``View`` of a
config (a launch, the command line, a test with a dict) calls ``check_job`` per job and ``summarise`` once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace

from scalecheck.account import count
from scalecheck.enforce import STOPPING, report_verdict, verdict
from scalecheck.extract import extract
from scalecheck.facts import PLAN_FIELDS, Account, Expense, Finding, Job, ModuleCount, Origin, Reading, Report, Run, Unknown, View
from scalecheck.forms import Law
from scalecheck.judge import judge, judge_sweep
from scalecheck.outlook import is_bound, outlooks
from scalecheck.policy import Policy
from scalecheck.provenance import locate_all
from scalecheck.redaction import without_values
from scalecheck.repeats import unique_tokens
from scalecheck.values import dataclass

DEFAULT_PREFIX = "hydra.callbacks.scalecheck"
CountModule = Callable[[int | None], ModuleCount | Unknown]
RATIO_INTENTS = ("auto", "pretrain")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInput:
    """One composed job: its view, what it is called, how it was composed, and where its policy lives.

    ``count_module`` counts the real module of the job at a sequence length, or says why it is not counted; ``None``: nobody asked.
    """

    view: View
    name: str = ""
    overrides: tuple[str, ...] = ()
    prefix: str = DEFAULT_PREFIX
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    count_module: CountModule | None = None


def check_job(job: JobInput, policy: Policy) -> Job:
    """Run one job's config through the line."""
    reading = extract(job.view, policy.read, policy.assume, job.environ, job.prefix)
    if policy.hardware is None and reading.unknowns:  # no time is estimated, and nothing is missing where a limit cannot be read
        reading = replace(reading, unknowns=tuple(item for item in reading.unknowns if item.field != "time_limit_hours"))
    if job.count_module is not None:
        reading = with_module(reading, job.count_module(reading.plan.sequence_length))
    intent, silence = _intent(reading, policy.intent, job.prefix)
    if (intent, silence) != (reading.plan.intent, reading.plan.intent_reason):
        reading = replace(reading, plan=replace(reading.plan, intent=intent, intent_reason=silence))
    account = count(reading, policy.attention)
    is_of_one_device = reading.plan.tokens_status == "per_device"
    views = {} if silence or is_of_one_device else outlooks(account, policy.laws, policy.own_laws, unique_tokens(reading.plan))
    run = Run(reading=reading, account=account, outlooks=views, judge=policy.law, name=job.name, expense=_expense(account, reading, policy))
    if policy.own_laws:
        run = replace(run, own_laws=policy.own_laws)
    findings = judge(run, policy)
    if policy.waivers and findings:
        findings = _waived(job, findings, policy)
    is_judged = policy.law in views and not is_bound(views[policy.law])
    decision = verdict(findings, policy.mode, silent=not is_judged)
    return without_values(Job(name=job.name, overrides=job.overrides, run=run, findings=findings, verdict=decision))


def _waived(job: JobInput, findings: tuple[Finding, ...], policy: Policy) -> tuple[Finding, ...]:
    from scalecheck import waivers

    config = job.view.get("hydra.job.config_name")
    names = waivers.names_of(job.name, job.overrides, config if isinstance(config, str) else "")
    return waivers.applied(findings, policy.waivers, [names], waivers.today())


def _expense(account: Account, reading: Reading, policy: Policy) -> Expense | None:
    if policy.hardware is None or account.training_flops is None:
        return None
    from scalecheck.cost import spend

    return spend(account.training_flops, policy.hardware, reading.plan.num_devices)


def with_module(reading: Reading, counted: ModuleCount | Unknown) -> Reading:
    """Add a module's count, which settles what the config does not tell about the model; or why there is none."""
    if isinstance(counted, Unknown):
        return replace(reading, unknowns=(*reading.unknowns, counted))
    return replace(reading, module=counted, unknowns=tuple(unknown for unknown in reading.unknowns if unknown.field in PLAN_FIELDS))


def _intent(reading: Reading, intent: str, prefix: str) -> tuple[str, str]:
    """Return what the run is for, and why no law is asked: the laws were fitted on causal language models, trained once and from scratch.

    The policy's word wins over what the config seems to say.
    """
    if intent not in RATIO_INTENTS:
        return intent, f"{prefix}.intent={intent}"
    if intent == "auto" and reading.plan.intent != "pretrain":
        return reading.plan.intent, reading.plan.intent_reason
    if reading.shape is not None and reading.shape.head != "causal_lm":
        return "pretrain", f"the laws are about causal language models, and {reading.shape.family} is trained as {reading.shape.head}"
    return "pretrain", ""


def summarise(jobs: Iterable[Job], policy: Policy, *, earlier: Iterable[Run] = ()) -> Report:
    """Put the jobs of one launch together and judge the sweep as a whole, with the ``earlier`` runs of the same sweep.

    Jobs that the policy drops are not launched and count for nothing there.
    """
    checked = tuple(jobs)
    drops = policy.on_reject == "drop" and policy.mode in STOPPING
    launched = [job for job in checked if not (drops and job.verdict == "stop")]
    findings = without_values(judge_sweep([*earlier, *(job.run for job in launched)], policy))
    if policy.waivers and findings:
        from scalecheck import waivers

        findings = waivers.applied(findings, policy.waivers, [waivers.job_names(job) for job in launched or checked], waivers.today())
    decision = report_verdict(checked, findings, policy.mode)
    made = Report(jobs=checked, findings=findings, mode=policy.mode, on_reject=policy.on_reject, verdict=decision)
    laws = laws_of([policy.own_laws, *(job.run.own_laws for job in checked)])
    return replace(made, own_laws=laws) if laws else made


def laws_of(found: Iterable[Mapping[str, Law]]) -> dict[str, Law]:
    """Return the laws of the user's files, by name. One name for two laws, in two policies of a report, tells neither: it has none."""
    laws: dict[str, Law] = {}
    refused: set[str] = set()
    for name, law in (item for some in found for item in some.items()):
        if laws.setdefault(name, law) != law:
            refused.add(name)
    return {name: law for name, law in laws.items() if name not in refused}


def locate_job(job: Job, locate: Callable[[str], Origin], *, origins: bool) -> Job:
    """Fill in file and line of a job's findings, and of every value it read when ``origins`` is asked for."""
    run = job.run
    if origins:
        run = replace(run, reading=replace(run.reading, origins=locate_all(run.reading.origins, locate)))
    return without_values(replace(job, run=run, findings=tuple(_located(finding, locate) for finding in job.findings)))


def _located(finding: Finding, locate: Callable[[str], Origin]) -> Finding:
    return replace(finding, origin=locate_all({"": finding.origin}, locate)[""])

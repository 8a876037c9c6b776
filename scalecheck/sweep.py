"""A sweep, in the driver: every job is checked before the first is launched, or each batch before it is.

What a sweep needs to know between Hydra's hooks and the guard in front of its launcher stands here, and not in the plugin's
modules, which Hydra may import twice.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from scalecheck import compose, launch, listing, sweepers
from scalecheck.enforce import BLOCKED_EXIT_CODE, LaunchBlocked, report_verdict
from scalecheck.errors import ConfigError
from scalecheck.facts import Job, Report, Run
from scalecheck.launch import VERBOSE_JOBS, policy_of, say
from scalecheck.pipeline import DEFAULT_PREFIX, laws_of, summarise
from scalecheck.policy import Policy, load_policy
from scalecheck.redaction import redacted
from scalecheck.sweep_jobs import JobComposer

PLANNED = ("optuna", "ax", "nevergrad")
"""Sweepers that leave nothing on disk before their first batch, so that a plan may ask them for it; of optuna without a storage."""
TAKES_DROPPED_JOBS = (
    "hydra._internal.core_plugins.basic_sweeper.",
    "hydra_plugins.hydra_optuna_sweeper.",
    "hydra_plugins.hydra_nevergrad_sweeper.",
)
"""Sweepers that go on where a job has no figure. Ax reads that of every trial (its core.py: ``ret.return_value``); others are not known."""
_SECONDS_BETWEEN_WORDS = 0.5


@dataclasses.dataclass(slots=True, kw_only=True)
class _Sweep:
    """The sweep that is running: what was found in its jobs so far, and what became of them."""

    policy: Policy
    launcher: Any = None
    sweeper: str = ""
    accepted: dict[tuple[str, ...], bool] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    last: Report | None = None
    num_launched: int = 0
    num_dropped: int = 0
    has_failed: bool = False
    in_flight: BaseException | None = None


_RUNNING: list[_Sweep] = []
"""The last sweep alone: Hydra runs one after another."""


def check_sweep(config: Any, *, plans: bool = False) -> bool:
    """Check every job of a BasicSweeper's sweep before the first is launched; return whether the launcher needs the guard.

    It does where a sweeper chooses its jobs while it runs, and where rejected jobs are dropped. ``plans``: start nothing.

    Raises:
        LaunchBlocked: exit code 3 when any job, or the sweep as a whole, is stopped, or a job does not compose.
        SystemExit: of a plan, with its exit code.
    """
    policy, _ = policy_of(config)
    policy = replace(policy, mode="plan") if plans else policy
    target = sweepers.sweeper_target(config)
    if policy.on_reject == "drop" and not target.startswith(TAKES_DROPPED_JOBS):
        say(f"scalecheck: on_reject=drop is not possible with {target}, which may need the figure of every job; an error stops the sweep.")
        policy = replace(policy, on_reject="stop")
    _RUNNING[:] = [_Sweep(policy=policy, sweeper=target, in_flight=sys.exc_info()[1])]
    if policy.mode == "off":
        return False
    try:
        expanded = sweepers.expand_sweep(config)
        if expanded is None:
            return _is_guarded(config, policy, target)
        if not expanded:
            return _said_empty(policy)
        report = summarise(_watched(sweep_jobs(config, expanded), len(expanded)), policy)
    except ConfigError as broken:
        raise _uncomposable(broken, policy) from None
    launch.speak(report, policy)
    return _settle(config, report, _RUNNING[0])


def _uncomposable(broken: ConfigError, policy: Policy) -> SystemExit:
    """Return the end of a sweep of which a job does not compose: without it Hydra would run the batches before that job."""
    say(f"scalecheck: error: {redacted(str(broken))}")
    code = launch.CANNOT_EXIT_CODE if policy.mode == "plan" else BLOCKED_EXIT_CODE
    say(f"scalecheck: the sweep does not start (exit {code}); nothing was launched.")
    return launch.plan_ends(code) if policy.mode == "plan" else launch.blocked()


def _said_empty(policy: Policy) -> bool:
    """Say that a sweep has no jobs, which is Hydra's matter at a launch.

    Raises:
        SystemExit: of a plan, which checked nothing.
    """
    say("scalecheck: the sweep has no jobs: nothing was checked.")
    if policy.mode == "plan":
        raise launch.plan_ends(launch.CANNOT_EXIT_CODE)
    return False


def _settle(config: Any, report: Report, sweep: _Sweep) -> bool:
    """Launch all, some or none; return whether some are dropped, which the guard does."""
    if sweep.policy.mode == "plan":
        raise launch.planned(report)
    dropped = _dropped(report, sweep.policy)
    if dropped:
        sweep.accepted = {job.overrides: job not in dropped for job in report.jobs}
        _say_dropped(dropped, len(report.jobs))
    else:
        launch.stop_or_go(report)
    launch.say_what_is_missing(sweep.policy)
    _draw(config, report, sweep.policy)
    return bool(dropped)


def _draw(config: Any, report: Report, policy: Policy) -> None:
    """Have a sweep drawn into its directory, which is the one that its jobs get: Hydra tells the time in it once for all."""
    launch.draw(policy, lambda reports: reports.draw_sweep(report, Path(str(config.hydra.sweep.dir)).absolute()))


def _draw_batches(config: Any, sweep: _Sweep) -> None:
    """Have all batches so far drawn, of a sweeper that chooses while it runs; what is said of all jobs, the last one says."""
    if sweep.last is not None:
        jobs = tuple(sweep.jobs)
        verdict = report_verdict(jobs, sweep.last.findings, sweep.last.mode)
        _draw(config, replace(sweep.last, jobs=jobs, verdict=verdict, own_laws=laws_of(job.run.own_laws for job in jobs)), sweep.policy)


def _is_guarded(config: Any, policy: Policy, target: str) -> bool:
    if policy.mode != "plan":
        launch.say_what_is_missing(policy)
        return True
    storage = sweepers.sweeper_storage(config)
    if not any(target.startswith(f"hydra_plugins.hydra_{name}_sweeper.") for name in PLANNED) or storage:
        kept = f" and keeps them in {storage}" if storage else ""
        message = f"hydra.sweeper is {target}, which chooses jobs while it runs{kept}: no list of them; each batch is checked at launch."
        raise ConfigError(message)
    return True


def check_batch(config: Any, override_lists: Sequence[Sequence[str]]) -> list[bool]:
    """Check the jobs that a sweeper launches next; return which of them to launch.

    Raises:
        LaunchBlocked: exit code 3 when any of them, or all launched so far together with them, are stopped.
        SystemExit: of a plan, after its first batch.
    """
    sweep = _RUNNING[0]
    named = [tuple(overrides) for overrides in override_lists]
    # A sweeper that chooses while it runs may choose the same values again, and pays for them again.
    is_known = all(overrides in sweep.accepted for overrides in named)
    try:
        accepted = sweep.accepted if is_known else _judge_batch(config, named, sweep)
    except SystemExit:  # hydra-core 1.3 calls no end hook of a sweep that is ended
        _draw_batches(config, sweep)
        raise
    chosen = [accepted[overrides] for overrides in named]
    sweep.num_dropped += chosen.count(False)
    sweep.num_launched += chosen.count(True)
    return chosen


def _judge_batch(config: Any, named: Sequence[tuple[str, ...]], sweep: _Sweep) -> dict[tuple[str, ...], bool]:
    policy, first = sweep.policy, sweep.num_launched + sweep.num_dropped
    try:
        report = summarise(sweep_jobs(config, named, first), policy, earlier=sweep.runs)
    except ConfigError as broken:
        raise _uncomposable(broken, policy) from None
    launch.speak(report, policy)
    if policy.mode == "plan":
        raise launch.planned(report, f"{sweep.sweeper.rpartition('.')[2]} chooses further batches while it runs")
    dropped = _dropped(report, policy)
    if dropped and len(dropped) / len(named) > sweepers.failures_allowed(config):
        say(f"scalecheck: no job is dropped: {sweepers.FAILURE_RATE} is below their share of this batch, and would end the sweep.")
        dropped = []
    if dropped:
        _say_dropped(dropped, len(report.jobs))
    else:
        launch.stop_or_go(report, sweep.num_launched, drops=sweep.sweeper.startswith(TAKES_DROPPED_JOBS))
    sweep.runs += [job.run for job in report.jobs if job not in dropped]
    if policy.report is not None:
        sweep.jobs += report.jobs
        sweep.last = report
    return {job.overrides: job not in dropped for job in report.jobs}


def _dropped(report: Report, policy: Policy) -> list[Job]:
    """Return the jobs that are left out of a sweep that goes on; none where it is stopped, or nothing is wrong with it."""
    is_over = any(finding.severity == "error" and finding.waived is None for finding in report.findings)
    stopped = [job for job in report.jobs if job.verdict == "stop"]
    if policy.mode != "stop" or policy.on_reject != "drop" or is_over:
        return []
    everything = len(stopped) == len(report.jobs) and sweepers.is_enumerated(_RUNNING[0].sweeper)
    return [] if everything else stopped


def _say_dropped(dropped: Sequence[Job], num_jobs: int) -> None:
    names = ", ".join(job.name for job in dropped[:20]) + (" ..." if len(dropped) > 20 else "")
    jobs = "job" if len(dropped) == 1 else "jobs"
    rest = num_jobs - len(dropped)
    say(f"scalecheck: {len(dropped)} of {num_jobs} jobs dropped (on_reject=drop): {jobs} {names}; {rest} launched, exit code 3 at the end.")


def sweep_jobs(config: Any, override_lists: Sequence[Sequence[str]], first: int = 0) -> Iterator[Job]:
    """Compose and check the jobs one after another, each under its own config's policy; no config outlives its check.

    A swept option that takes our line out of a job's config does not take the job out of the check: the sweep's policy judges it.
    ``first`` is the number of the first of them in the sweep.
    """
    policies: dict[str, Policy] = {}
    masters = compose.policy_node(config) or (DEFAULT_PREFIX, None)
    composer = JobComposer(config)
    for number, overrides in enumerate(override_lists, first):
        job_config = composer.job(overrides)
        prefix, raw = compose.policy_node(job_config) or masters
        policy = policies.get(repr(raw)) or policies.setdefault(repr(raw), load_policy(raw, launch.base_of(job_config)))
        is_explained = policy.verbose and number < VERBOSE_JOBS
        job = launch.checked(job_config, policy, prefix, name=str(number), overrides=tuple(overrides), origins=is_explained)
        yield job if is_explained else lightened(job, number)


def lightened(job: Job, number: int) -> Job:
    """Return the job of that number in its sweep, without the lines of its ledger where a long sweep would keep thousands of them."""
    return job if number < listing.NUM_LEDGERS else replace(job, run=replace(job.run, account=replace(job.run.account, parts=())))


def _watched(jobs: Iterable[Job], number: int) -> Iterator[Job]:
    """Say on a terminal how far a long check is."""
    said = time.monotonic()
    has_spoken = False
    for done, job in enumerate(jobs, 1):
        if sys.stderr.isatty() and launch.speaks() and time.monotonic() - said > _SECONDS_BETWEEN_WORDS:
            said, has_spoken = time.monotonic(), True
            print(f"\rscalecheck: {done:,} of {number:,} jobs checked", end="", file=sys.stderr, flush=True)  # noqa: T201
        yield job
    if has_spoken:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


def is_guarded() -> bool:
    """Tell whether the guard stands in front of the launcher of the sweep that is running."""
    return bool(_RUNNING) and _RUNNING[0].launcher is not None


def keep_launcher(node: Any) -> None:
    """Keep the user's launcher, in whose place the guard is put."""
    _RUNNING[0].launcher = node


def kept_launcher() -> Any:
    """Return the user's launcher.

    Raises:
        ConfigError: nothing was put in anything's place: the guard was chosen in a config.
    """
    if not _RUNNING or _RUNNING[0].launcher is None:
        message = "scalecheck's launcher is put in front of yours by its callback; it is none to choose. Remove it from hydra.launcher."
        raise ConfigError(message)
    return _RUNNING[0].launcher


def note_failure(config: Any) -> None:
    """Remember that a job failed: its own traceback is what its user has to see, and not our exit code. It may end the sweep."""
    sweep = _RUNNING[0]
    if not sweep.has_failed:
        _draw_batches(config, sweep)
    sweep.has_failed = True


def end_sweep(config: Any) -> None:
    """Have the batches drawn, and end a sweep of which jobs were dropped with exit code 3, unless something else is ending it.

    Raises:
        LaunchBlocked: exit code 3.
    """
    sweep = _RUNNING.pop() if _RUNNING else None
    if sweep is not None:
        _draw_batches(config, sweep)
    if sweep is None or not sweep.num_dropped or sweep.has_failed:
        return
    ending = sys.exc_info()[1]  # hydra-core 1.4 calls the end hooks while an exception is on its way
    if ending is not None and ending is not sweep.in_flight:
        return
    say(f"scalecheck: {sweep.num_dropped} of {sweep.num_dropped + sweep.num_launched} jobs were dropped and not run (exit 3).")
    raise LaunchBlocked(3)

"""What happens at a launch: the config of a run, or every job of a sweep, through the line, before anything is on disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from scalecheck import compose, last
from scalecheck.atomic import replace as replace_file
from scalecheck.enforce import BLOCKED_EXIT_CODE, LaunchBlocked, enforce
from scalecheck.errors import PolicyError, ScalecheckError
from scalecheck.facts import Job, ModuleCount, Report, Unknown, Unreadable
from scalecheck.locating import locator, typed
from scalecheck.pipeline import DEFAULT_PREFIX, CountModule, JobInput, check_job, locate_job, summarise
from scalecheck.policy import Policy, load_policy
from scalecheck.ranks import is_first_rank, let_first_speak, mark_passed, was_passed_by_parent
from scalecheck.redaction import redacted
from scalecheck.text import wants_color
from scalecheck.views import ConfigView

CANNOT_EXIT_CODE = 2
REPORT_NAME = "scalecheck.json"
VERBOSE_JOBS = 10
"""Of a sweep, the arithmetic of no more jobs than these is printed; `scalecheck explain` prints that of any."""

_CHECKED: list[tuple[Any, Job]] = []
"""The run that was checked in this process, by its config: its report need not ask again."""


def check_run(config: Any, *, plans: bool = False) -> None:
    """Check a single run before its directory exists; ``plans``: start nothing, whatever the policy's mode.

    Raises:
        LaunchBlocked: exit code 3, after the findings were printed, when the policy says stop or is broken.
        SystemExit: of a plan, with its exit code.
    """
    policy, prefix = policy_of(config)
    policy = replace(policy, mode="plan") if plans else policy
    if policy.mode == "off":
        return
    named = _job_input(config, _name(config), compose.job_overrides(config), prefix, _counter(config, policy, prefix))
    job = _through(config, policy, named, origins=policy.verbose)
    job = with_better_option(job, config, policy, prefix)
    is_readable = not any(isinstance(named.view.get(key), Unreadable) for key in named.view.read_keys)
    _CHECKED[:] = [(config, job)] if is_readable else []  # ${hydra:...} can be read only once the job runs
    report = summarise([job], policy)
    speak(report, policy)
    if policy.mode == "plan":
        raise planned(report)
    stop_or_go(report)
    say_what_is_missing(policy)


def checked(config: Any, policy: Policy, prefix: str, *, name: str, overrides: tuple[str, ...], origins: bool = False) -> Job:
    """Run one composed config of a launch through the line, which may run the user's code where the policy asks for it."""
    return _through(config, policy, _job_input(config, name, overrides, prefix, _counter(config, policy, prefix)), origins=origins)


def _counter(config: Any, policy: Policy, prefix: str) -> CountModule | None:
    if policy.count == "formula":
        return None
    from scalecheck.instantiate import count_built

    return partial(count_built, config, policy.instantiate, prefix)


def checked_job(config: Any, policy: Policy, prefix: str, *, name: str, overrides: tuple[str, ...], origins: bool = False) -> Job:
    """Run one composed config through the line and say where its findings, or all its ``origins``, come from.

    It never runs the user's code: where the policy asks for that, the report says that it was not done.
    """
    withheld = None if policy.count == "formula" else partial(_withheld, policy.instantiate)
    return _through(config, policy, _job_input(config, name, overrides, prefix, withheld), origins=origins)


def with_better_option(job: Job, config: Any, policy: Policy, prefix: str) -> Job:
    """Offer an under-trained run the option of its model's config group that suits its compute; any other comes back as it is."""
    if not any(finding.rule == "undertrained" for finding in job.findings):
        return job
    from scalecheck.better_option import with_option

    def check(option: Any, overrides: tuple[str, ...]) -> Job:
        return check_job(_job_input(option, "", overrides, prefix, None), policy)

    return with_option(job, config, locator(config), check)


def instantiated_job(config: Any, policy: Policy, prefix: str, *, name: str, overrides: tuple[str, ...], origins: bool = False) -> Job:
    """Do as ``checked_job``, and build and count what the policy's ``instantiate`` names, whatever its ``count`` says.

    For the command line, where somebody typed that their code may run.
    """
    counter = partial(count_user_code, config, policy, prefix)
    return _through(config, policy, _job_input(config, name, overrides, prefix, counter), origins=origins)


def count_user_code(config: Any, policy: Policy, prefix: str, sequence_length: int | None) -> ModuleCount | Unknown:
    """Build and count what the policy's ``instantiate`` names; for the command line, as ``instantiated_job``.

    The code is looked for in the working directory first, as ``python train.py`` would.
    """
    from scalecheck.instantiate import count_built

    here = str(Path.cwd())
    if sys.path[0] not in ("", here):
        sys.path.insert(0, here)
    return count_built(config, policy.instantiate, prefix, sequence_length)


def _withheld(target: str, _: int | None) -> Unknown:
    reason = f"the policy asks to build {target} with the config's own code, which runs only at a launch or where --instantiate is typed"
    return Unknown(field="module", reason=reason)


def _job_input(config: Any, name: str, overrides: tuple[str, ...], prefix: str, counter: CountModule | None) -> JobInput:
    return JobInput(view=ConfigView(config), name=name, overrides=overrides, prefix=prefix, count_module=counter)


def _through(config: Any, policy: Policy, job: JobInput, *, origins: bool) -> Job:
    checked = check_job(job, policy)
    return locate_job(checked, locator(config), origins=origins) if origins or checked.findings else checked


def write_report(config: Any) -> None:
    """Write ``scalecheck.json`` into the output directory of a run that starts, and have it drawn. Never stops a job."""
    policy, prefix = policy_of(config)
    last.remember(None if policy.mode == "off" else partial(_report, config, policy, prefix))
    if policy.mode == "off" or not speaks():
        return
    from scalecheck.formats.json import render

    replace_file(path := Path(config.hydra.runtime.output_dir) / REPORT_NAME, render(last.made()).encode())
    if config.hydra.job.get("num") is None:  # the jobs of a sweep have numbers, and it has one picture
        draw(policy, lambda reports: reports.draw_run(path))


def _report(config: Any, policy: Policy, prefix: str) -> Report:
    job = next((job for known, job in _CHECKED if known is config), None)
    if job is None:
        counter = None
        if policy.count != "formula":
            from scalecheck.instantiate import recall

            counter = partial(recall, config, policy.instantiate)
        job = check_job(_job_input(config, _name(config), compose.job_overrides(config), prefix, counter), policy)
    return summarise([locate_job(job, locator(config), origins=True)], policy)


def draw(policy: Policy, start: Callable[[Any], None]) -> None:
    """Have a report drawn as the policy wants it, by what ``start`` calls in ``launch_report``. What is in its way stops nothing."""
    if policy.report is None or not speaks():
        return
    from scalecheck import launch_report

    try:
        if not launch_report.missing():
            start(launch_report)
    except Exception as bug:  # noqa: BLE001 - a picture fails no launch
        internal_error(bug, "warn", f"{launch_report.REPORT_NAME} is not drawn; the launch goes on")


def say_what_is_missing(policy: Policy) -> None:
    """Say at the check what is to be installed for the report that the policy wants to be drawn."""
    if policy.report is not None:
        from scalecheck.launch_report import missing

        if lacks := missing():
            say(f"scalecheck: no report.html is drawn, and the launch goes on: {lacks}.")


def policy_of(config: Any) -> tuple[Policy, str]:
    """Return the policy of a composed config and its dotted key. A broken policy stops the launch: it must not look like a pass."""
    try:
        found = compose.policy_node(config)
        prefix, raw = found or (DEFAULT_PREFIX, None)
        return load_policy(raw, base_of(config)), prefix
    except PolicyError as broken:
        say(f"scalecheck: error: {redacted(str(broken))}")
        say("scalecheck: the policy cannot be used, so the launch is stopped (exit 3); nothing was started.")
        raise blocked() from None


def base_of(config: Any) -> str | None:
    """Return the directory that the launch was typed in: a job may have changed to its own since."""
    base = config.hydra.runtime.get("cwd") if "hydra" in config else None
    return str(base) if base else None


def _name(config: Any) -> str:
    return str(config.hydra.job.config_name or "")


def speak(report: Report, policy: Policy) -> None:
    """Print a report: on stderr, where it does not mix with the app's output; a plan's on stdout, as it is all the output there is."""
    from scalecheck.formats.terminal import render

    stream = sys.stdout if policy.mode == "plan" else sys.stderr
    say(render(report, color=wants_color(stream)).rstrip("\n"), stream)
    for job in report.jobs[:VERBOSE_JOBS] if policy.verbose else ():
        from scalecheck.explain import explain

        say("\n".join([*([f"job {job.name}:"] if len(report.jobs) > 1 else []), *explain(job, "all")]), stream)


def stop_or_go(report: Report, num_launched: int = 0, *, drops: bool = True) -> None:
    """Let what was reported be launched, or stop it, saying how to launch it anyway.

    Of a sweep ``num_launched`` jobs were launched already, and ``drops`` says whether its sweeper takes it when jobs are left out.

    Raises:
        LaunchBlocked: exit code 3.
    """
    if report.verdict == "stop":
        others = sum(job.verdict != "stop" for job in report.jobs)
        drop = f"; or only the {others} that pass: {DEFAULT_PREFIX}.on_reject=drop" if drops and others and not report.findings else ""
        so_far = f"{num_launched} jobs of earlier batches were launched" if num_launched else "nothing was started"
        say(f"scalecheck: the launch is stopped (exit 3); {so_far}. To launch anyway: {DEFAULT_PREFIX}.mode=warn{drop}")
        let_first_speak(os.environ)
    enforce(report)


def planned(report: Report, caveat: str = "") -> SystemExit:
    """Return the end of a plan: exit code 1 where something has an error, else 0."""
    code = 1 if report.verdict == "stop" else 0
    say(f"scalecheck: plan: nothing was started (exit {code}){f'; {caveat}' if caveat else ''}.", sys.stdout)
    return plan_ends(code)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print to stderr, or to ``stream``, once per job: on the first rank of a distributed start."""
    if speaks():
        print(text, file=stream or sys.stderr, flush=True)  # at a launch's start Hydra's loggers write to stdout


def speaks() -> bool:
    """Tell whether this is the process that speaks and writes for all of a distributed start."""
    return is_first_rank(os.environ)


def blocked() -> LaunchBlocked:
    """Return what ends a launch that is stopped; of a distributed start, after its first rank had time to say why."""
    let_first_speak(os.environ)
    return LaunchBlocked(BLOCKED_EXIT_CODE)


def plan_ends(code: int) -> SystemExit:
    """Return the end of a plan, after ``scalecheck plan`` was told of it, where that has started it."""
    from scalecheck.plan_signal import tell

    tell(code)
    return SystemExit(code)


def follows_parent(config: Any) -> bool:
    """Tell whether the process that started this one as another rank of its launch was let go: then this one is too."""
    return was_passed_by_parent(os.environ, *_typed_in_all(config))


def let_go(config: Any) -> None:
    """Leave the mark that a rank which this launch starts itself is let go with it."""
    mark_passed(os.environ, *_typed_in_all(config))


def _typed_in_all(config: Any) -> tuple[str, list[str]]:
    return sys.argv[0] if sys.argv else "", [_name(config), *typed(config, "task"), *typed(config, "hydra")]


def internal_error_mode(config: Any) -> str:
    """Return the policy's ``on_internal_error``, ``warn`` when even that cannot be read."""
    try:
        policy, _ = policy_of(config)
    except Exception:  # noqa: BLE001 - asked for while handling another failure
        return "warn"
    return "plan" if policy.mode == "plan" else policy.on_internal_error


def internal_error(bug: BaseException, on_internal_error: str, consequence: str = "the run is NOT checked and goes on") -> None:
    """Turn a bug of ours, or an obstacle such as a read-only directory, into the configured behaviour: one line, never silence.

    ``consequence`` says what it means for the run when it is not stopped.

    Raises:
        LaunchBlocked: exit code 3 when ``on_internal_error`` is ``stop``.
        SystemExit: exit code 2 when it is ``plan``: nothing can be said about the launch, and nothing is started.
    """
    what = str(bug) if isinstance(bug, ScalecheckError | OSError) else f"internal error: {type(bug).__name__}: {bug}"
    first = (redacted(what).strip().splitlines() or [type(bug).__name__])[0][:300]
    if on_internal_error == "plan":
        say(f"scalecheck: error: {first}")
        raise plan_ends(CANNOT_EXIT_CODE) from None
    stops = on_internal_error == "stop"
    outcome = "the launch is stopped (exit 3)" if stops else consequence
    say(f"scalecheck: {first}; {outcome} (on_internal_error={'stop' if stops else 'warn'}).")
    if stops:
        raise blocked() from None

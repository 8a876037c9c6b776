"""What happens at a launch: the config of a run, or every job of a sweep, through the line, before anything is on disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scalecheck import compose
from scalecheck.atomic import written_beside
from scalecheck.enforce import LaunchBlocked, enforce
from scalecheck.errors import ConfigError, PolicyError, ScalecheckError
from scalecheck.facts import Job, ModuleCount, Report, Unknown
from scalecheck.locating import locator
from scalecheck.pipeline import DEFAULT_PREFIX, CountModule, JobInput, check_job, locate_job, summarise
from scalecheck.policy import Policy, load_policy
from scalecheck.text import wants_color
from scalecheck.views import ConfigView

REPORT_NAME = "scalecheck.json"
VERBOSE_JOBS = 10
"""Of a sweep, the arithmetic of no more jobs than these is printed; `scalecheck explain` prints that of any."""
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


def check_run(config: Any) -> None:
    """Check a single run before its directory exists.

    Raises:
        LaunchBlocked: exit code 3, after the findings were printed, when the policy says stop or is broken.
    """
    policy, prefix = _policy(config)
    if policy.mode == "off":
        return
    check = checked_job if policy.count == "formula" else _built_job
    job = check(config, policy, prefix, name=_name(config), overrides=compose.job_overrides(config), origins=policy.verbose)
    job = with_better_option(job, config, policy, prefix)
    _speak_and_enforce(summarise([job], policy), policy)


def check_sweep(config: Any) -> bool:
    """Check every job of a BasicSweeper's sweep before the first is launched; ``False``: this sweeper cannot be enumerated.

    Raises:
        LaunchBlocked: exit code 3 when any job, or the sweep as a whole, is stopped.
    """
    policy, _ = _policy(config)
    if policy.mode == "off":
        return True
    expanded = compose.expand_sweep(config)
    if expanded is None:
        return False
    check_jobs(config, expanded)
    return True


def check_jobs(config: Any, override_lists: Sequence[Sequence[str]]) -> None:
    """Check these jobs of a sweep together.

    Raises:
        LaunchBlocked: exit code 3 when any of them, or their total, is stopped.
    """
    policy, _ = _policy(config)
    try:
        report = summarise(list(sweep_jobs(config, override_lists)), policy)
    except ConfigError as broken:
        say(f"scalecheck: error: {broken}")
        if policy.mode == "stop":
            raise LaunchBlocked(3) from None
        return
    _speak_and_enforce(report, policy)


def sweep_jobs(config: Any, override_lists: Sequence[Sequence[str]]) -> Iterator[Job]:
    """Compose and check the jobs one after another, each under its own config's policy; no config outlives its check."""
    policies: dict[str, Policy] = {}
    for number, overrides in enumerate(override_lists):
        job_config = compose.sweep_job(config, overrides)
        found = compose.policy_node(job_config)
        prefix, raw = found or (DEFAULT_PREFIX, None)
        policy = policies.get(repr(raw)) or policies.setdefault(repr(raw), load_policy(raw, _base(job_config)))
        check = checked_job if policy.count == "formula" else _built_job
        is_explained = policy.verbose and number < VERBOSE_JOBS
        yield check(job_config, policy, prefix, name=str(number), overrides=tuple(overrides), origins=is_explained)


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


def _built_job(config: Any, policy: Policy, prefix: str, *, name: str, overrides: tuple[str, ...], origins: bool = False) -> Job:
    from scalecheck.instantiate import count_built

    counter = partial(count_built, config, policy.instantiate, prefix)
    return _through(config, policy, _job_input(config, name, overrides, prefix, counter), origins=origins)


def _withheld(target: str, _: int | None) -> Unknown:
    reason = f"the policy asks to build {target} with the config's own code, which runs only at a launch or where --instantiate is typed"
    return Unknown(field="module", reason=reason)


def _job_input(config: Any, name: str, overrides: tuple[str, ...], prefix: str, counter: CountModule | None) -> JobInput:
    return JobInput(view=ConfigView(config), name=name, overrides=overrides, prefix=prefix, count_module=counter)


def _through(config: Any, policy: Policy, job: JobInput, *, origins: bool) -> Job:
    checked = check_job(job, policy)
    return locate_job(checked, locator(config), origins=origins) if origins or checked.findings else checked


def write_report(config: Any) -> None:
    """Write ``scalecheck.json`` into the output directory of a run that starts, beside ``.hydra/``. Never stops a job."""
    policy, prefix = _policy(config)
    if policy.mode == "off" or not _is_first_rank():
        return
    from scalecheck.formats.json import render

    counter = None
    if policy.count != "formula":
        from scalecheck.instantiate import recall

        counter = partial(recall, config, policy.instantiate)
    named = _job_input(config, _name(config), compose.job_overrides(config), prefix, counter)
    job = _through(config, policy, named, origins=True)
    _write_atomically(Path(config.hydra.runtime.output_dir) / REPORT_NAME, render(summarise([job], policy)))


def _write_atomically(path: Path, text: str) -> None:
    with written_beside(path, text) as temporary:
        os.replace(temporary, path)  # noqa: PTH105 - atomic on every platform


def _policy(config: Any) -> tuple[Policy, str]:
    """Return the policy of a composed config and its dotted key. A broken policy stops the launch: it must not look like a pass."""
    try:
        found = compose.policy_node(config)
        prefix, raw = found or (DEFAULT_PREFIX, None)
        return load_policy(raw, _base(config)), prefix
    except PolicyError as broken:
        say(f"scalecheck: error: {broken}")
        say("scalecheck: the policy cannot be used, so the launch is stopped (exit 3); nothing was started.")
        raise LaunchBlocked(3) from None


def _base(config: Any) -> str | None:
    """Return the directory that the launch was typed in: a job may have changed to its own since."""
    base = config.hydra.runtime.get("cwd") if "hydra" in config else None
    return str(base) if base else None


def _name(config: Any) -> str:
    return str(config.hydra.job.config_name or "")


def _speak_and_enforce(report: Report, policy: Policy) -> None:
    from scalecheck.formats.terminal import render

    say(render(report, color=wants_color(sys.stderr)).rstrip("\n"))
    for job in report.jobs[:VERBOSE_JOBS] if policy.verbose else ():
        from scalecheck.explain import explain

        say("\n".join([*([f"job {job.name}:"] if len(report.jobs) > 1 else []), *explain(job, "all")]))
    if report.verdict == "stop":
        say("scalecheck: the launch is stopped (exit 3); nothing was started. To launch anyway: hydra.callbacks.scalecheck.mode=warn")
    enforce(report)


def say(text: str) -> None:
    """Print to stderr, once per job: on the first rank of a distributed start."""
    if _is_first_rank():
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - at this point Hydra's loggers write to stdout


def _is_first_rank() -> bool:
    return all(os.environ.get(name, "0") in ("", "0") for name in _RANKS)


def internal_error_mode(config: Any) -> str:
    """Return the policy's ``on_internal_error``, ``warn`` when even that cannot be read."""
    try:
        return _policy(config)[0].on_internal_error
    except Exception:  # noqa: BLE001 - asked for while handling another failure
        return "warn"


def internal_error(bug: BaseException, on_internal_error: str, consequence: str = "the run is NOT checked and goes on") -> None:
    """Turn a bug of ours, or an obstacle such as a read-only directory, into the configured behaviour: one line, never silence.

    ``consequence`` says what it means for the run when it is not stopped.

    Raises:
        LaunchBlocked: exit code 3 when ``on_internal_error`` is ``stop``.
    """
    what = str(bug) if isinstance(bug, ScalecheckError | OSError) else f"internal error: {type(bug).__name__}: {bug}"
    first = (what.strip().splitlines() or [type(bug).__name__])[0][:300]
    stops = on_internal_error == "stop"
    outcome = "the launch is stopped (exit 3)" if stops else consequence
    say(f"scalecheck: {first}; {outcome} (on_internal_error={'stop' if stops else 'warn'}).")
    if stops:
        raise LaunchBlocked(3) from None

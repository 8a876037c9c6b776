"""Composing a repo's config from the command line: the options that say where it is, and the config, policy and jobs that come of them.

A repo with ``@hydra.main`` is composed by Hydra; one that uses OmegaConf alone names its files with ``--config``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from scalecheck.errors import PolicyError, ScalecheckError
from scalecheck.facts import Finding, Job, Origin
from scalecheck.policy import Policy
from scalecheck.text import clean
from scalecheck.values import dataclass

FILES_PREFIX = "scalecheck"
"""Where the policy of a repo without Hydra lives: this node of its files or of the overrides, over what --policy names."""


class _OfHydra(argparse._StoreAction):  # noqa: SLF001 - argparse has no other way to tell a typed value from a default
    """Stores a value, and that it was typed: these options say where Hydra looks, and make no sense beside ``--config``."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, values)
        namespace.typed_for_hydra = option_string
        namespace.typed = (*getattr(namespace, "typed", ()), self.dest)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command on a repo's config has."""
    add = parser.add_argument
    add("--config-dir", "-cd", default="conf", metavar="DIR", action=_OfHydra, help="directory of the primary config (default: conf)")
    add("--config-name", "-cn", default="config", metavar="NAME", action=_OfHydra, help="name of the primary config (default: config)")
    version = "the app's version_base; it changes how old repos compose: 1.1, 1.2, 1.3, none"
    add("--version-base", default="1.3", metavar="V", action=_OfHydra, help=version)
    files = "for a repo without hydra.main: a YAML or JSON file; several are merged in their order, then key=value, +key=value and ~key"
    add("--config", action="append", default=[], metavar="FILE", help=files)
    policy = (
        f"a shipped policy (default, strict) or a YAML file; instead of the one in the config. With --config {FILES_PREFIX}.x=y changes it"
    )
    add("--policy", metavar="NAME|FILE", help=policy)
    untrusted = "for configs of others: run no custom resolver, read no environment variable, import nothing; what needs them is unknown"
    add("--untrusted", action="store_true", help=untrusted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A composed config: where its policy lives, the policy, its name, what was typed; whether it is a sweep's, or one run of Hydra's.

    ``config_file`` is the primary config's, as the working directory sees it. ``label`` is the check of the repo that this is one of.
    """

    config: Any
    prefix: str
    policy: Policy
    name: str
    overrides: tuple[str, ...]
    is_sweep: bool = False
    is_alone: bool = False
    policy_name: str | None = None
    locate: Callable[[str], Origin] | None = None
    config_file: str = ""
    label: str = ""


@contextmanager
def composed(options: argparse.Namespace, overrides: Sequence[str]) -> Iterator[Composed]:
    """Compose what the options name, by Hydra or from files; a command without ``--multirun`` gets a single run.

    Raises:
        ScalecheckError: one sentence, for options that contradict each other and for what cannot be read or composed.
    """
    _refuse_contradictions(options)
    if options.config:
        from scalecheck.config_files import as_of_strangers

        with as_of_strangers(options.config) if options.untrusted else nullcontext():
            yield _of_files(options, overrides)
    else:
        with hydra_of(options):
            yield _of_hydra(options, overrides)


def listed(main: Composed) -> list[list[str]]:
    """Return the overrides of every job of a sweep, in launch order.

    Raises:
        ScalecheckError: its sweeper chooses the jobs while it runs, or its parameters are no sweep.
    """
    from scalecheck import sweepers

    expanded = sweepers.expand_sweep(main.config)
    if expanded is None:
        target = main.config.hydra.sweeper.get("_target_")
        message = f"hydra.sweeper is {target}: its jobs are chosen while it runs and cannot be enumerated here; they are checked at launch."
        raise ScalecheckError(message)
    return expanded


def jobs_of(main: Composed, numbered: Iterable[tuple[int, Sequence[str]]] | None = None) -> Iterator[Composed]:
    """Yield the run itself, or compose every job of a sweep, one after another; of a sweep only those that are ``numbered``, if any are.

    Raises:
        ScalecheckError: a job that does not compose, or that has no valid policy; its number and overrides are named.
    """
    if not main.is_sweep:
        yield main
        return
    from scalecheck.sweep_jobs import JobComposer

    composer, policies = JobComposer(main.config), _Policies(main.policy_name)
    for number, overrides in enumerate(listed(main)) if numbered is None else numbered:
        name = f"{main.label}/{number}" if main.label else str(number)
        try:
            config = composer.job(overrides)
            prefix, policy = policies.of(config) or (main.prefix, main.policy)
        except ScalecheckError as broken:
            typed, said = " ".join(overrides), str(broken)
            message = f"job {name}: {said}" if typed in said else f"job {name} ({clean(typed)}): {said}"
            raise type(broken)(message) from broken
        told = Composed(config=config, prefix=prefix, policy=policy, name=name, overrides=tuple(overrides))
        yield replace(told, config_file=main.config_file)


def checked(job: Composed, *, instantiate: bool = False) -> Job:
    """Run a composed config through the line and say where every value comes from; ``instantiate`` builds the model with its own code."""
    from scalecheck import launch
    from scalecheck.pipeline import locate_job
    from scalecheck.redaction import without_values

    check = launch.instantiated_job if instantiate else launch.checked_job
    made = check(job.config, job.policy, job.prefix, name=job.name, overrides=job.overrides, origins=True)
    if job.is_alone:
        made = launch.with_better_option(made, job.config, job.policy, job.prefix)
    if job.locate is not None:
        made = _typed_here(locate_job(made, job.locate, origins=True), job.prefix)
    return without_values(replace(made, config=job.config_file))


@contextmanager
def hydra_of(options: argparse.Namespace) -> Iterator[None]:
    """Let Hydra look where the options say.

    Raises:
        ScalecheckError: there is no such directory.
    """
    from scalecheck import compose

    _refuse_contradictions(options)
    if options.config:
        message = "--config names the files of a repo without Hydra, and this command reads only what Hydra composes: use scalecheck check."
        raise ScalecheckError(message)
    config_dir = Path(options.config_dir)
    if not config_dir.is_dir():
        message = f"--config-dir {options.config_dir}: there is no such directory (looked in {Path.cwd()})."
        raise ScalecheckError(message)
    version_base = None if options.version_base.lower() == "none" else options.version_base
    with compose.hydra_at(config_dir, version_base, untrusted=options.untrusted):
        yield


def policy_of(config: Any, policy_name: str | None) -> tuple[str, Policy]:
    """Return where a config's policy lives, and the policy: the config's own, or the one that was named instead.

    What was typed for the policy counts in both.
    """
    from scalecheck.pipeline import DEFAULT_PREFIX

    return _Policies(policy_name).of(config) or (DEFAULT_PREFIX, _loaded(None, DEFAULT_PREFIX))


class _Policies:
    """The policies of configs that are much alike; each is validated once."""

    def __init__(self, name: str | None) -> None:
        """``name`` is the policy that was named instead of the configs' own."""
        from scalecheck import compose

        self._named = None if name is None else (compose.read_policy(name),)
        self._known: dict[str, Policy] = {}

    def of(self, config: Any) -> tuple[str, Policy] | None:
        """Return where a config's policy lives, and the policy; ``None`` without any."""
        from scalecheck import compose
        from scalecheck.pipeline import DEFAULT_PREFIX

        found = compose.policy_node(config)
        if found is None and self._named is None:
            return None
        prefix, raw = found or (DEFAULT_PREFIX, None)
        if self._named is not None:
            raw = compose.merged(*self._named, compose.typed_policy(config, prefix))
        if repr(raw) not in self._known:
            self._known[repr(raw)] = _loaded(raw, DEFAULT_PREFIX)
        return prefix, self._known[repr(raw)]


def _refuse_contradictions(options: argparse.Namespace) -> None:
    if options.untrusted and getattr(options, "instantiate", False):
        message = "--instantiate runs the config's own code, and --untrusted runs none: leave one of them out."
        raise ScalecheckError(message)
    beside = "--multirun" if getattr(options, "multirun", False) else getattr(options, "typed_for_hydra", None)
    if options.config and beside:
        message = f"--config names the files of a repo without Hydra, and {beside} is for Hydra: leave one of them out."
        raise ScalecheckError(message)


def _of_hydra(options: argparse.Namespace, overrides: Sequence[str]) -> Composed:
    from scalecheck import compose, sweepers

    sweeps, label = getattr(options, "multirun", None), getattr(options, "label", "")
    asks = sweeps is not None and (sweeps or sweepers.asks_for_sweep(overrides))
    is_sweep = asks or (sweeps is not None and compose.asks_for_multirun(options.config_name, overrides))
    config = compose.compose_main(options.config_name, overrides, multirun=is_sweep)
    prefix, policy = policy_of(config, options.policy)
    return Composed(
        config=config,
        prefix=prefix,
        policy=policy,
        name=label or str(config.hydra.job.config_name or ""),
        overrides=compose.job_overrides(config),
        is_sweep=is_sweep,
        is_alone=not is_sweep,
        policy_name=options.policy,
        config_file=_config_file(options),
        label=label,
    )


def _config_file(options: argparse.Namespace) -> str:
    """Return the primary config's file as the working directory sees it."""
    name = str(options.config_name)
    full = Path(options.config_dir, name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    return Path(os.path.relpath(full)).as_posix()


def _of_files(options: argparse.Namespace, overrides: Sequence[str]) -> Composed:
    from scalecheck import compose
    from scalecheck.config_files import load_files
    from scalecheck.locating import file_locator
    from scalecheck.pipeline import DEFAULT_PREFIX

    paths = [Path(name) for name in options.config]
    # The line that an app with Hydra would be given may be typed here too.
    typed = tuple(text.replace(f"{DEFAULT_PREFIX}.", f"{FILES_PREFIX}.", 1) for text in overrides)
    config = load_files(paths, typed)
    raw = compose.merged(compose.read_policy(options.policy or "default"), compose.taken_policy(config, FILES_PREFIX))
    return Composed(
        config=config,
        prefix=FILES_PREFIX,
        policy=_loaded(raw, FILES_PREFIX),
        name="+".join(path.name for path in paths),
        overrides=tuple(text for text in typed if not text.lstrip("+~").startswith(f"{FILES_PREFIX}.")),
        locate=file_locator(paths, typed),
        config_file=Path(os.path.relpath(paths[-1])).as_posix(),  # the last says what run this is, over those that many share
    )


def _loaded(raw: Any, prefix: str) -> Policy:
    """Validate a policy; on the command line one that is switched off at launches is asked all the same."""
    from scalecheck.pipeline import DEFAULT_PREFIX
    from scalecheck.policy import load_policy

    try:
        policy = load_policy(raw)
    except PolicyError as broken:
        raise PolicyError(str(broken).replace(DEFAULT_PREFIX, prefix)) from None
    return replace(policy, mode="warn") if policy.mode == "off" else policy


def _typed_here(job: Job, prefix: str) -> Job:
    """Write the lines that are told to be typed for where this config's policy lives."""
    from scalecheck.pipeline import DEFAULT_PREFIX

    def here(text: str) -> str:
        return text.replace(DEFAULT_PREFIX, prefix)

    def told(finding: Finding) -> Finding:
        remedies = tuple(
            replace(remedy, overrides=tuple(map(here, remedy.overrides)), effect=here(remedy.effect)) for remedy in finding.remedies
        )
        return replace(finding, message=here(finding.message), remedies=remedies)

    reading = job.run.reading
    unknowns = tuple(
        replace(unknown, reason=here(unknown.reason), remedies=tuple(map(here, unknown.remedies))) for unknown in reading.unknowns
    )
    return replace(
        job,
        run=replace(job.run, reading=replace(reading, unknowns=unknowns)),
        findings=tuple(map(told, job.findings)),
    )

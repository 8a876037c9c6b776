"""The public API: ``scalecheck.check`` on a config that was composed in the user's own process, and a report as text.

For notebooks and tests that use ``hydra.compose``, for hydra-zen, for a running job. Nothing here ends the process, prints, changes
the config or resolves more of it than is read, or touches Hydra's global state.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf

from scalecheck import compose, launch, registry
from scalecheck.errors import ConfigError, PolicyError, ScalecheckError
from scalecheck.facts import Job, Origin, Report
from scalecheck.locating import loader
from scalecheck.pipeline import DEFAULT_PREFIX, summarise
from scalecheck.policy import Policy, load_policy
from scalecheck.views import RESOLVE_FAILURES, sentences

PolicyLike = str | os.PathLike[str] | Mapping[str, Any] | Policy | None
_MOST_NESTED = 100
_WANTED = "a DictConfig, as hydra.compose and OmegaConf.create make it, a mapping or a dataclass"


def check(config: Any, policy: PolicyLike = None, *, instantiate: bool = False) -> Report:
    """Check one composed config and return the report: its ``verdict``, and in ``jobs[0]`` the run and the findings.

    ``config`` is a DictConfig, a mapping or a dataclass. ``policy`` is the name of a shipped policy, a path of a YAML file, a mapping
    or a ``Policy``; ``None``: the config's own at ``hydra.callbacks.scalecheck``, which ``hydra.compose`` keeps with
    ``return_hydra_config=True`` alone, else the default one. Who calls asks for a check, so ``mode: off`` checks too. Findings have
    file and line while the Hydra that composed the config is initialised, and the key alone elsewhere; a value that was changed
    afterwards has the place that it was composed from. ``${hydra:...}`` outside of a running job cannot be read, and is unknown.

    A config never makes its own code run: where the policy says ``count: instantiate``, the report says that nothing was built,
    unless ``instantiate=True`` builds the model and counts it, whatever the policy says.

    Raises:
        PolicyError: the policy is broken, or there is none of that name.
        ConfigError: the config is null or missing, or cannot be read as one.
        TypeError: ``config`` is no config, or ``policy`` no policy.
    """
    made = as_config(config)
    prefix, chosen = _policy_for(made, policy)
    job = _checked(made, chosen, prefix, instantiate=instantiate)
    return summarise([job if _was_composed_here(made) else _without_places(job)], chosen)


def render(report: Report, form: str = "terminal") -> str:
    """Return a report as text, in a format of ``scalecheck check --format``: ``terminal`` or ``json``.

    Raises:
        ScalecheckError: there is no such format.
    """
    text: str = registry.load("formats", form).render(report)
    return text


def as_config(config: Any) -> DictConfig:
    """Return a config itself, or a mapping or dataclass as one; what OmegaConf has no type for is kept as an object.

    Raises:
        ConfigError: it is null or missing, or OmegaConf cannot hold it.
        TypeError: it is nothing of the kind.
    """
    if not isinstance(config, Mapping) and not dataclasses.is_dataclass(config):
        message = f"the config is of the type {type(config).__name__}; scalecheck checks {_WANTED}."
        raise TypeError(message)
    if isinstance(config, DictConfig):
        return _filled(config)
    try:
        flags = {"allow_objects": True}
        made = OmegaConf.structured(config, flags=flags) if isinstance(config, type) else OmegaConf.create(_plain(config, 0), flags=flags)
    except RESOLVE_FAILURES as failure:
        message = f"the {type(config).__name__} cannot be read as a config: {sentences(failure)}"
        raise ConfigError(message) from failure
    return _filled(made)


def _filled(config: Any) -> DictConfig:
    if isinstance(config, DictConfig) and not (config._is_none() or config._is_missing()):  # noqa: SLF001 - there is no public way
        return config
    message = "the config is null or missing, so there is nothing to check."
    raise ConfigError(message)


def _plain(value: Any, depth: int) -> Any:
    """Return mappings and dataclasses as dicts, which OmegaConf takes whatever their values are; it copies what it is given."""
    if depth > _MOST_NESTED:
        message = "it holds itself, or is nested too deeply"
        raise ConfigError(message)
    if isinstance(value, DictConfig):
        return value
    if isinstance(value, Mapping):
        return {name: _plain(item, depth + 1) for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {item.name: getattr(value, item.name, None) for item in dataclasses.fields(value)}
        return {name: _plain(item, depth + 1) for name, item in named.items()}
    return [_plain(item, depth + 1) for item in value] if isinstance(value, list | tuple) else value


def own_policy(config: DictConfig) -> tuple[str, Any] | None:
    """Return the dotted key and the raw policy that a config holds itself; ``None`` where it holds none.

    Raises:
        PolicyError: there is a node of ours that is no policy.
    """
    try:
        return compose.policy_node(config)
    except ScalecheckError:
        raise
    except RESOLVE_FAILURES as failure:  # a node without _target_, and no Hydra that could tell whether it was typed
        message = f"{DEFAULT_PREFIX} has no _target_, so no launch is checked by it. Add `- scalecheck: default` to the defaults list."
        raise PolicyError(message) from failure


def _policy_for(config: DictConfig, policy: PolicyLike) -> tuple[str, Policy]:
    """Return where the policy is known to live, and the policy. Who calls asks for a check, so that ``mode: off`` is none here."""
    if policy is None:
        prefix, raw = own_policy(config) or (DEFAULT_PREFIX, None)
        loaded = load_policy(raw, _base(config))
    else:
        prefix = DEFAULT_PREFIX
        with suppress(PolicyError):  # the one that is named stands instead
            prefix, _ = own_policy(config) or (prefix, None)
        loaded = policy if isinstance(policy, Policy) else load_policy(_raw(policy))
    return prefix, replace(loaded, mode="warn") if loaded.mode == "off" else loaded


def _raw(policy: Any) -> Any:
    """Return a policy that is named, or written as a mapping, as a plain container."""
    try:
        if isinstance(policy, str | os.PathLike):
            return compose.read_policy(os.fspath(policy))
        if isinstance(policy, DictConfig):
            return OmegaConf.to_container(policy, resolve=True)
    except PolicyError as broken:
        raise PolicyError(str(broken).removeprefix("--policy ")) from None  # nothing was typed here
    except RESOLVE_FAILURES as failure:
        message = f"the policy does not resolve: {sentences(failure)}"
        raise PolicyError(message) from failure
    if isinstance(policy, Mapping):
        return policy
    message = f"the policy is of the type {type(policy).__name__}; it is the name of a shipped one, a path of a YAML file, or a mapping."
    raise TypeError(message)


def _base(config: DictConfig) -> str | None:
    """Return the directory that files in the config's own policy are named from."""
    with suppress(*RESOLVE_FAILURES):
        found = OmegaConf.select(config, "hydra.runtime.cwd")
        return found if isinstance(found, str) and found else None
    return None


def _checked(config: DictConfig, policy: Policy, prefix: str, *, instantiate: bool) -> Job:
    name, overrides = "", tuple[str, ...]()
    with suppress(*RESOLVE_FAILURES):  # a config without Hydra's node has neither
        name, overrides = str(config.hydra.job.config_name or ""), compose.job_overrides(config)
    if not instantiate:
        return launch.checked_job(config, policy, prefix, name=name, overrides=overrides, origins=True)
    path = list(sys.path)
    try:
        return launch.instantiated_job(config, policy, prefix, name=name, overrides=overrides, origins=True)
    finally:
        sys.path[:] = path


def _was_composed_here(config: DictConfig) -> bool:
    """Tell whether Hydra's loader is the one that composed the config: only it knows the files, and another would name wrong ones."""
    try:
        told = [(str(source.schema), str(source.path)) for source in config.hydra.runtime.config_sources]
        return told == [(str(source.scheme()), str(source.path)) for source in loader().get_sources()]
    except RESOLVE_FAILURES:
        return False


def _without_places(job: Job) -> Job:
    def key_alone(origin: Origin) -> Origin:
        return replace(origin, file=None, line=None, override=None, chain=())

    reading = job.run.reading
    origins = {name: key_alone(origin) for name, origin in reading.origins.items()}
    return replace(
        job,
        run=replace(job.run, reading=replace(reading, origins=origins)),
        findings=tuple(replace(finding, origin=key_alone(finding.origin)) for finding in job.findings),
    )

"""What Hydra's sweepers make of a config: the jobs of one that lists them before it starts, and what can be told of the others."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from scalecheck.errors import ConfigError
from scalecheck.locating import loader, typed
from scalecheck.views import RESOLVE_FAILURES, sentences

BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
FAILURE_RATE = "hydra.sweeper.optim.max_failure_rate"
MAX_JOBS = 1_000_000
"""Of a sweep that is listed: Hydra lists it whole, too, and of more jobs than these it would not return."""


def sweeper_target(config: DictConfig) -> str:
    """Return the class of a config's sweeper."""
    return str(OmegaConf.select(config, "hydra.sweeper._target_"))


def is_enumerated(target: str) -> bool:
    """Tell whether a sweeper's jobs are known before the first of them is launched."""
    return target == BASIC_SWEEPER


def sweeper_storage(config: DictConfig) -> str:
    """Return where a sweeper keeps what it tried; empty where that ends with it."""
    try:
        found = OmegaConf.select(config, "hydra.sweeper.storage")
    except RESOLVE_FAILURES:
        return "a storage that does not resolve"
    return "" if found is None else str(found)


def failures_allowed(config: DictConfig) -> float:
    """Return the share of a batch that a sweeper lets fail; 1 where a job that is left out does not count as failed.

    Nevergrad's is 0 unless told otherwise (hydra_nevergrad_sweeper/_impl.py); basic and optuna take a result without a figure.
    """
    if not sweeper_target(config).startswith("hydra_plugins.hydra_nevergrad_sweeper."):
        return 1.0
    try:
        return float(OmegaConf.select(config, FAILURE_RATE) or 0.0)
    except RESOLVE_FAILURES:
        return 0.0


def asks_for_sweep(overrides: Sequence[str]) -> bool:
    """Tell whether one of the overrides is a sweep in Hydra's own words: choices, a range, a glob."""
    try:
        parsed = OverridesParser.create(config_loader=loader()).parse_overrides(list(overrides))
    except RESOLVE_FAILURES:  # what does not parse, composing says
        return False
    return any(override.is_sweep_override() for override in parsed)


def _refuse_endless(overrides: Sequence[Override]) -> None:
    """Refuse a sweep of more jobs than can be listed, before it is.

    Raises:
        ConfigError: it has that many.
    """
    jobs = math.prod(_choices(override) for override in overrides if override.is_sweep_override())
    if jobs > MAX_JOBS:
        message = f"the sweep has {jobs:,} jobs; at most {MAX_JOBS:,} are listed."
        raise ConfigError(message)


def _choices(override: Override) -> int:
    """Return how many values a sweep has, without listing them; those of a glob are files."""
    value = override.value()
    if isinstance(value, RangeSweep):
        start, stop, step = float(value.start or 0), float(value.stop or 0), float(value.step or 1)
        return max(0, math.ceil(min((stop - start) / step, 1e18))) if step else MAX_JOBS + 1
    return len(value.list) if isinstance(value, ChoiceSweep) else 1


def expand_sweep(config: DictConfig) -> list[list[str]] | None:
    """Return the override lists of every job of a BasicSweeper's sweep, in launch order; ``None`` for any other sweeper.

    Raises:
        ConfigError: its parameters do not resolve or are no sweep.
    """
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    if not is_enumerated(sweeper_target(config)):
        return None
    state = random.getstate()  # so that shuffle() puts Hydra's own jobs into the same order
    try:
        params = OmegaConf.select(config, "hydra.sweeper.params") or {}
        arguments = [f"{key!s}={value}" for key, value in params.items()] + typed(config, "task")
        parsed = OverridesParser.create(config_loader=loader()).parse_overrides(arguments)
    except RESOLVE_FAILURES as failure:
        message = f"hydra.sweeper.params cannot be read: {sentences(failure)}"
        raise ConfigError(message) from failure
    _refuse_endless(parsed)
    try:
        batches = BasicSweeper.split_arguments(parsed, None)
    except RESOLVE_FAILURES as failure:
        message = f"the sweep cannot be listed: {sentences(failure)}"
        raise ConfigError(message) from failure
    finally:
        random.setstate(state)
    return [list(overrides) for batch in batches for overrides in batch]

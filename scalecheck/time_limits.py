"""Stage 1, schedule side: when the launcher or the trainer ends a run, whatever its steps: the shortest limit of time that the config sets.

A number is only read where its unit is told: by its key (``timeout_min``, ``max_hours``), by its form (``01:12:00:00``) or by a suffix
(``36h``). YAML 1.1 makes 43200 of an unquoted 12:00:00, so a bare number elsewhere is never guessed at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from scalecheck.facts import Unreadable
from scalecheck.survey import Survey, is_aside, join, plain_name
from scalecheck.text import shown

_LAUNCHER = "hydra.launcher"
_HOURS_IN = {"weeks": 168.0, "days": 24.0, "hours": 1.0, "minutes": 1 / 60, "seconds": 1 / 3600}
_UNIT_WORDS = {
    "weeks": ("w", "week", "weeks"),
    "days": ("d", "day", "days"),
    "hours": ("h", "hr", "hrs", "hour", "hours"),
    "minutes": ("m", "min", "mins", "minute", "minutes"),
    "seconds": ("s", "sec", "secs", "second", "seconds"),
}
_HOURS_BY_WORD = {word: _HOURS_IN[unit] for unit, words in _UNIT_WORDS.items() for word in words}
_LIMITS = frozenset((
    "max_time", "max_time_per_run", "time_limit", "timelimit", "walltime", "wall_time", "max_walltime", "max_wall_time", "max_wall_clock",
    "wall_clock_limit", "time_budget", "max_train_time", "max_training_time", "max_run_time", "max_runtime", "train_time_limit",
))  # fmt: skip
# Names that tell their unit: submitit's, Megatron-LM's exit_duration_in_mins, nanotron's and other codes' max_hours.
_WITH_UNITS = {"timeout_min": "minutes", "exit_duration_in_mins": "minutes", "max_hours": "hours", "stop_time_hours": "hours"}
# A config may hold other stages beside the training (curation of data, conversion, export), each with a limit of its own.
_OF_TRAINING = frozenset((
    "trainer", "training", "train", "pretrain", "pretraining", "run", "runner", "exp_manager", "experiment", "exp", "args", "arguments",
    "training_args", "training_arguments", "trainer_args", "config", "cfg", "params", "lightning", "pl_trainer", "launcher", "job", "jobs",
    "cluster", "slurm", "sbatch", "submitit", "resources", "budget", "limits", "system", "compute", "additional_parameters",
    "slurm_additional_parameters", "general", "general_args", "hyperparameters", "hparams", "settings", "optimization", "schedule_args",
))  # fmt: skip
_SCHEDULERS = ("slurm", "sbatch", "additional_parameters", "slurm_additional_parameters")
_COLONS = r"\d{1,4}(:\d{1,3}){2,3}"
_SLURM = r"(\d{1,4})-(\d{1,3})(?::(\d{1,2}))?(?::(\d{1,2}))?"
_WITH_SUFFIXES = r"(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]{1,7})[\s,]*"


def time_limit(survey: Survey) -> tuple[float, str] | Unreadable | None:
    """Return the shortest limit in hours and its key; ``None`` where there is none, ``Unreadable`` where none of them can be read.

    Zero, negative and infinite values are how codes say that there is no limit.
    """
    unreadable: Unreadable | None = None
    shortest: tuple[float, str] | None = None
    for key, unit in _places(survey):
        hours = _hours(survey, key, unit)
        if isinstance(hours, Unreadable):
            unreadable = unreadable or hours
        elif hours is not None and 0 < hours < math.inf and (shortest is None or hours < shortest[0]):
            shortest = (hours, key)
    return shortest or unreadable


def _places(survey: Survey) -> Iterator[tuple[str, str]]:
    """Yield each key that limits time, with the unit of a bare number there; ``""`` is none."""
    launcher = survey.view.keys(_LAUNCHER)
    if "timeout_min" in launcher:
        yield f"{_LAUNCHER}.timeout_min", "minutes"
    node = f"{_LAUNCHER}.additional_parameters"
    if "additional_parameters" in launcher and "time" in survey.view.keys(node):
        yield f"{node}.time", ""
    yield from survey.by_names(_by_their_names)


def _by_their_names(survey: Survey) -> list[tuple[str, str]]:
    told = ((key, _unit(plain_name(key), key)) for key in survey.keys())
    return [(key, unit) for key, unit in told
            if unit is not None and not is_aside(key) and set(key.lower().split(".")[:-1]) <= _OF_TRAINING]  # fmt: skip


def _unit(name: str, key: str) -> str | None:
    """Return the unit that the name of a limit tells, as ``time_limit_hours`` does, ``""`` for none; ``None``: it is no limit."""
    if name in _LIMITS or (name == "time" and plain_name(key.rpartition(".")[0]) in _SCHEDULERS):
        return ""
    if name in _WITH_UNITS:
        return _WITH_UNITS[name]
    stem, _, word = name.rpartition("_")
    if stem.removesuffix("_in") not in _LIMITS:
        return None
    return next((unit for unit, words in _UNIT_WORDS.items() if word in words), None)


def _hours(survey: Survey, key: str, unit: str) -> float | Unreadable | None:
    """Read one limit; ``None`` where it is null."""
    if key in survey.nodes:
        return _of_parts(survey, key)
    value = survey.view.get(key)
    if value is None or value is False or value == "":
        return None
    if isinstance(value, Unreadable):
        return Unreadable(reason=f"{key} cannot be read ({value.reason})")
    hours = _number_of(value, unit) if unit else None
    if hours is None and isinstance(value, str):
        hours = _of_text(value)
    if hours is None and _is_no_limit(value):
        return None
    return hours if hours is not None else Unreadable(reason=_cannot(key, value, unit))


def _cannot(key: str, value: Any, unit: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and not unit:
        return f"{key}={shown(value)} does not tell its unit; write '1-12:00:00' or 36h, in quotes"
    if key == f"{_LAUNCHER}.timeout_min":  # submitit takes nothing else
        return f"{key} is {shown(value)}; it needs a whole number of minutes"
    return f"{key} is {shown(value)}, no limit of time; write one such as '01:12:00:00' (days, hours, minutes, seconds) or 36h"


def _is_no_limit(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (is_number and not 0 < value < math.inf) or (isinstance(value, str) and value.strip().lower() in ("none", "unlimited", "-1"))


def _number_of(value: Any, unit: str) -> float | None:
    """Return hours of a number in a unit, also of one that was written as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,12}(\.\d{1,6})?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return float(value) * _HOURS_IN[unit]


def _of_parts(survey: Survey, key: str) -> float | Unreadable:
    """Add up the parts of a mapping such as ``{days: 1, hours: 12}``, datetime.timedelta's arguments (Lightning's Timer)."""
    hours = 0.0
    for name in survey.nodes[key]:
        value = survey.view.get(join(key, name))
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15
        if value is not None and (not is_number or name not in _HOURS_IN):
            reason = f"it cannot be read ({value.reason})" if isinstance(value, Unreadable) else f"it is {shown(value)}"
            return Unreadable(reason=f"{join(key, name)} is no part of a limit of time: {reason}; parts are {', '.join(_HOURS_IN)}")
        hours += 0 if value is None else value * _HOURS_IN[name]
    return hours


def _of_text(text: str) -> float | None:
    """Return hours of ``DD:HH:MM:SS`` (Lightning), ``HH:MM:SS``, ``D-HH[:MM[:SS]]`` (Slurm) or ``1d 12h``; ``None`` for anything else.

    Two numbers, ``12:00``, are hours and minutes to some and minutes and seconds to others (Slurm), so they are none.
    """
    written = text.strip().lower()
    if re.fullmatch(_COLONS, written):
        numbers = [int(number) for number in written.split(":")]
        return sum(number * unit for number, unit in zip(reversed(numbers), (1 / 3600, 1 / 60, 1.0, 24.0), strict=False))
    slurm = re.fullmatch(_SLURM, written)
    if slurm:
        days, hours, minutes, seconds = (int(number or 0) for number in slurm.groups())
        return 24 * days + hours + minutes / 60 + seconds / 3600
    parts = re.findall(_WITH_SUFFIXES, written)
    is_whole = "".join(f"{number}{word}" for number, word in parts) == re.sub(r"[\s,]", "", written)
    if not parts or not is_whole or any(word not in _HOURS_BY_WORD for _, word in parts):
        return None
    return math.fsum(float(number) * _HOURS_BY_WORD[word] for number, word in parts)

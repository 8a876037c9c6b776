"""Overrides that a user can type: how far to train so that a finding goes away, written for the key that decides it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from scalecheck.facts import Origin, Remedy, Run
from scalecheck.units import exact, format_ratio

if TYPE_CHECKING:
    from fractions import Fraction

_ARITHMETIC = r"[*/%+(]|\s[-x×]\s"


def scale_steps(run: Run, target_tokens: float | Fraction, *, round_up: bool) -> Remedy | None:
    """Return the override that makes this run train on ``target_tokens``, whole steps up or down; ``None`` when there is none.

    There is none when the number of steps or tokens is not one key of the config (assumed, computed, mapped by a number in
    the policy), when tokens count one device only, when not even one step fits, or when the config says it already.
    """
    plan, origins = run.reading.plan, run.reading.origins
    if plan.tokens_status == "per_device" or not _is_positive(target_tokens):
        return None
    steps_origin, tokens_origin = origins.get("num_steps"), origins.get("training_tokens")
    if steps_origin and _is_typed(steps_origin) and plan.tokens_per_step and _steps_decide(run):
        steps = _whole(exact(target_tokens) / plan.tokens_per_step, round_up=round_up)
        return _override(run, steps_origin.key, steps, plan.num_steps, steps * plan.tokens_per_step)
    if tokens_origin and _is_typed(tokens_origin):
        tokens = _whole(exact(target_tokens), round_up=round_up)
        return _override(run, tokens_origin.key, tokens, plan.training_tokens, tokens)
    return None


def where_length_is_set(run: Run) -> Origin:
    """Return the origin of what decides how long the run trains: steps, else tokens, else the first that has a key."""
    origins = run.reading.origins
    for field in ("num_steps", "training_tokens", "epochs", "tokens_per_step"):
        origin = origins.get(field)
        if origin is not None and origin.key:
            return origin
    return Origin()


def _is_positive(target: float | Fraction) -> bool:
    return target > 0 and not (isinstance(target, float) and math.isinf(target))


def _is_typed(origin: Origin) -> bool:
    """Tell whether the value is what stands at the origin's key: not assumed, computed or given by the policy."""
    if not origin.key or origin.assumed or origin.key.startswith(("hydra.callbacks.", "scalecheck.")):
        return False
    return not re.search(_ARITHMETIC, origin.because)


def _steps_decide(run: Run) -> bool:
    """Tell whether D is steps x tokens per step; a run with a token limit too may stop before its last step."""
    plan = run.reading.plan
    if None in (plan.num_steps, plan.tokens_per_step, plan.training_tokens):
        return True
    return plan.num_steps * plan.tokens_per_step == plan.training_tokens  # type: ignore[operator]


def _whole(value: Fraction, *, round_up: bool) -> int:
    return math.ceil(value) if round_up else math.floor(value)


def _override(run: Run, key: str | None, value: int, present: int | None, tokens: int) -> Remedy | None:
    if value < 1 or value == present:
        return None
    before = run.reading.plan.training_tokens
    compute = f", {format_ratio(tokens / before)}x the compute" if before else ""
    return Remedy(overrides=(f"{key}={value}",), effect=f"same model{compute}")

"""Stage 1: a view of the config -> a Reading. Says "unknown" rather than guess; the policy's ``read:`` mapping always wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from scalecheck.clues import Clues
from scalecheck.errors import ExpressionError
from scalecheck.facts import Impossible, ModelShape, Origin, Reading, TrainingPlan, Unknown, Unreadable, View
from scalecheck.intent import Intent, read_intent
from scalecheck.intent_data import NO_LANGUAGE
from scalecheck.models import read_model
from scalecheck.schedule import read_plan
from scalecheck.survey import MAX_DEPTH, MAX_KEYS, Notes, Survey, survey, whole
from scalecheck.text import shown
from scalecheck.time_limits import time_limit

_TEXT = ("root", "model", "family")
_SWITCHES = ("tie_word_embeddings",)
_FACTORS_OF_TOKENS = ("num_steps", "tokens_per_step", "sequence_length", "sequences_per_step", "micro_batch_sequences",
                      "gradient_accumulation", "num_devices")  # fmt: skip


def extract(view: View, read: Mapping[str, Any], assume: Mapping[str, Any], environ: Mapping[str, str], config_prefix: str) -> Reading:
    """Read what the config says about model and schedule, each by the dialect whose evidence is there.

    ``read`` maps field names to numbers or to expressions over config keys; ``assume`` and ``environ`` (WORLD_SIZE) tell
    the devices where the config does not; ``config_prefix`` is where the policy lives, for the lines that remedies name.
    """
    notes = Notes()
    given = {
        name: value
        for name, entry in read.items()
        if name not in _TEXT
        for value in [_given(view, name, entry, notes, config_prefix)]
        if value is not None
    }
    surveyed = survey(view, str(read.get("root") or _launched_part(view)))
    found = read_model(surveyed, read, given, notes, config_prefix)
    clues = Clues(view=view, survey=surveyed, given=given, assume=assume, environ=environ, notes=notes, prefix=config_prefix,
                  shape=found.shape, model_node=found.node, length_keys=found.length_keys)  # fmt: skip
    plan, schedule_dialect = read_plan(clues)
    intent = read_intent(_with_root(surveyed), found.shape, _choices(view))
    intent = Intent() if intent.reason == NO_LANGUAGE and read else intent  # whoever maps sizes says that there is a model to compare
    epochs = plan.epochs or given.get("epochs")  # told beside steps or tokens, they say how much of D is repeated
    limit = _time_limit(surveyed, notes)
    plan = replace(plan, intent=intent.name, intent_reason=intent.reason, time_limit_hours=limit, epochs=epochs)
    shape = found.shape
    broken = {name for name in read if name not in given and name not in _TEXT}
    shape, plan = _without_broken_shape(shape, broken), _without_broken_factors(plan, broken, given)
    if surveyed.is_cut_short and (shape is None or plan.training_tokens is None):
        reason = f"only the first {MAX_KEYS:,} keys down to depth {MAX_DEPTH} of the config were searched"
        notes.unknowns.append(Unknown(field="model", reason=reason, remedies=(f"+{config_prefix}.read.total_params=124439808",)))
    return Reading(
        shape=shape,
        plan=plan,
        declared_params=given.get("total_params"),
        origins=notes.origins,
        unknowns=_without_mapped(notes.unknowns, given),
        impossible=tuple(notes.impossible),
        model_dialect=found.dialect,
        schedule_dialect=schedule_dialect,
    )


def _time_limit(surveyed: Survey, notes: Notes) -> float | None:
    limit = time_limit(surveyed)
    if isinstance(limit, Unreadable):
        notes.unknowns.append(Unknown(field="time_limit_hours", reason=limit.reason))
        return None
    if limit is None:
        return None
    notes.origins["time_limit_hours"] = Origin(key=limit[1], because=f"{limit[0]:.4g} hours")
    return limit[0]


def _launched_part(view: View) -> str:
    """Return the part of a config that its launcher starts: NeMo's launcher composes every stage, and runs those that ``stages`` lists."""
    names = set(view.keys(""))
    if not {"stages", "training", "training_config"} <= names:
        return ""
    stages = view.get("stages")
    return "training" if isinstance(stages, list | tuple) and "training" in stages else ""


def _with_root(surveyed: Survey) -> Survey:
    """Add the switches at the root to a survey of one part: they say what is run."""
    if "" in surveyed.nodes:
        return surveyed
    leaves = tuple(name for name in surveyed.view.keys("") if name != "hydra" and not surveyed.view.keys(name))
    return Survey(surveyed.view, {"": leaves, **surveyed.nodes}, surveyed.is_cut_short)


def _choices(view: View) -> dict[str, str]:
    """Return the chosen option of each config group, as Hydra records it."""
    chosen = view.get("hydra.runtime.choices") if "choices" in view.keys("hydra.runtime") else None
    return {str(group): str(option) for group, option in chosen.items()} if isinstance(chosen, Mapping) else {}


def _without_broken_shape(shape: ModelShape | None, broken: set[str]) -> ModelShape | None:
    """A size that the user mapped and that cannot be had is unknown: what a dialect found instead is not what was asked for."""
    if shape is None or not broken or not broken & {"total_params", *(item.name for item in fields(shape))}:
        return shape
    return replace(shape, vocab_size=None) if broken <= {"vocab_size", *_FACTORS_OF_TOKENS} else None


def _without_broken_factors(plan: TrainingPlan, broken: set[str], given: Mapping[str, Any]) -> TrainingPlan:
    lost: dict[str, Any] = {name: None for name in _FACTORS_OF_TOKENS if name in broken}
    if set(lost) - {"num_steps"} and "tokens_per_step" not in given:
        lost["tokens_per_step"] = None
    if (lost or "training_tokens" in broken) and "training_tokens" not in given:
        lost |= {"training_tokens": None, "tokens_status": "unknown"}
    return replace(plan, **lost) if lost else plan


def _without_mapped(unknowns: list[Unknown], given: Mapping[str, Any]) -> tuple[Unknown, ...]:
    model = ("family", "total_params", "model", "vocab_size", "num_layers")
    settled = {*given, *(model if "total_params" in given else ())}
    return tuple(unknown for unknown in unknowns if unknown.field not in settled)


def _given(view: View, name: str, entry: Any, notes: Notes, prefix: str) -> Any:
    """Return the value of one line of the mapping; one that cannot be had is filed as what it is."""
    from scalecheck import expression

    line = f"{prefix}.read.{name}"
    if isinstance(entry, bool) and name in _SWITCHES:
        notes.origins[name] = Origin(key=line)
        return entry
    if not isinstance(entry, str):
        notes.origins[name] = Origin(key=line, because=f"{line}={shown(entry)}")
        return notes.keep(whole(name, line, entry))
    unreadable: list[Unknown] = []

    def value_of(key: str) -> int | float:
        value = view.get(key)
        if isinstance(value, Unreadable) or value is None:
            reason = value.reason if isinstance(value, Unreadable) else "it is not set"
            why = f"{line}={entry[:60]} needs {key}, which cannot be read ({reason})"
            unreadable.append(Unknown(field=name, key=key, reason=why, remedies=(f"~{line}",)))
            return 1
        return value  # type: ignore[no-any-return]  # evaluate refuses what is no number

    try:
        result = expression.evaluate(entry, value_of)
        key = expression.linear_key(entry)
    except ExpressionError as error:
        notes.impossible.append(Impossible(field=name, key=line, reason=f"{line}={shown(entry)}: {error}"))
        return None
    if unreadable:
        notes.unknowns.append(unreadable[0])
        return None
    because = "" if key == entry.strip() else f"{entry} = {result}"
    notes.origins[name] = Origin(key=key or line, because=because)
    rounded = int(result) if name != "epochs" and abs(result) < expression.EXACT_FLOAT and float(result).is_integer() else result
    return notes.keep(whole(name, key or line, rounded))

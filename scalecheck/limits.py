"""Stage 1, schedule side: why D may be less than the product of its factors: other ends, padding, ramps, and what a factor may mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scalecheck.clues import ANY_BATCH, MODEL_PARALLEL, REPLICAS, Clues, Draft
from scalecheck.facts import Origin
from scalecheck.survey import Survey, is_aside, join, plain_name
from scalecheck.text import shown

SECOND_STOPS = ("max_time", "stop_at", "stop_after", "stop_after_n_steps", "time_limit", "max_time_per_run", "stop_time_hours", "max_hours",
                "max_wall_clock_hours", "time_budget", "budget", "max_train_time", "max_run_duration")  # fmt: skip
# How configs say that sequences are filled up with padding rather than packed: then D in tokens is what they can hold at most.
_PADDED: Mapping[str, tuple[Any, ...]] = {
    "wrap": (False,),
    "group_texts": (False,),
    "padding": ("max_length", "longest", True),
    "pad_to_max_length": (True,),
    "dynamic_padding": (True,),
}
_PARALLEL = r"(tensor|pipeline|pipe|context|sequence|model)_(model_)?parallel(_size|_degree)?$|^(tp|pp|cp|sp)_(degree|size)$"
_STOPS = (
    r"^(exit|stop|early_stop)_|^early_stop$|target_loss|(^|_)patience$|(max|limit|budget|stop|run|train)\w*_(time|hours|minutes|seconds)$"
    r"|(time|hours)_(limit|budget)|wall_?(clock|time)"
)
_RAMPS = (
    r"curriculum|^(stages|phases)$|(seq|len|length)_(\w+_)?(warmup|schedule)|batch\w*_(warmup|ramp|rampup|schedule)|(ramp|rampup)\w*_batch"
)


def why_at_most(clues: Clues, draft: Draft) -> str:
    """Return why D is an upper bound; empty where nothing says that it is less."""
    told = _second_stop(clues) or _by_a_bare_batch(clues, draft) or _by_model_parallelism(clues, draft)
    return told or ("" if draft.tokens_per_step or draft.training_tokens else _by_padding(clues))


def _second_stop(clues: Clues) -> str:
    used = {clues.notes.origins.get(name, Origin()).key for name in ("num_steps", "training_tokens")}
    for key, name, is_stop in clues.survey.by_names(_stops):
        value = clues.view.get(key) if key not in used and clues.is_set(key) else None
        if (value is not True or name == "early_stop") and value not in (None, False, -1, 0, "", "none", [], {}):
            return f"{key}={shown(value)} {'may end the run earlier' if is_stop else 'means smaller batches at first'}"
    return _early_stopping(clues)


def _stops(survey: Survey) -> list[tuple[str, str, bool]]:
    """Return the keys that may end a run or make its batches smaller, each with its name, and whether it is of the former."""
    found = []
    for key in survey.keys():
        name = plain_name(key)
        is_stop = (name in SECOND_STOPS or bool(re.search(_STOPS, name))) and not is_aside(key)
        if re.search(_RAMPS, name) or (is_stop and key not in survey.nodes):
            found.append((key, name, is_stop))
    return found


def _early_stopping(clues: Clues) -> str:
    """Name a callback that ends the run when it no longer improves; callbacks are searched for nothing else."""
    for node, has_target, has_patience in clues.survey.by_names(_callbacks):
        target = clues.view.get(join(node, "_target_")) if has_target else None
        if (isinstance(target, str) and target.endswith("EarlyStopping")) or has_patience:
            return f"{node} may end the run earlier"
    return ""


def _callbacks(survey: Survey) -> list[tuple[str, bool, bool]]:
    told = (
        (node, "_target_" in names and "callback" in node.lower(), node.endswith("early_stopping") and "patience" in names)
        for node, names in survey.nodes.items()
    )
    return [(node, has_target, has_patience) for node, has_target, has_patience in told if has_target or has_patience]


def _by_a_bare_batch(clues: Clues, draft: Draft) -> str:
    """Say that a bare ``batch_size`` is read as one device's: repos use the same word for the whole job's, which is smaller."""
    origin = clues.notes.origins.get("micro_batch_sequences", Origin())
    is_bare = origin.key is not None and origin.key.rpartition(".")[2] in ANY_BATCH and not origin.because
    times = (draft.gradient_accumulation or 1) * (draft.num_devices or 1)
    is_used = draft.sequences_per_step is None and draft.tokens_per_step is None and draft.training_tokens is None
    if not is_bare or not is_used or "micro_batch_sequences" in clues.given or times == 1:
        return ""
    smaller = f"{times:,} times smaller" if times > 1 else "smaller"
    return f"{origin.key} is read as the batch of one device and forward pass; if it is the whole step's, D is up to {smaller}"


def _by_model_parallelism(clues: Clues, draft: Draft) -> str:
    is_told = draft.sequences_per_step is not None or draft.tokens_per_step is not None or draft.training_tokens is not None
    if is_told or clues.notes.origins.get("num_devices", Origin()).because == REPLICAS:
        return ""
    key = shared_key(clues)
    return f"{key}={shown(clues.view.get(key))} devices may share one batch" if key else ""


def shared_key(clues: Clues) -> str | None:
    """Return a key that says that several devices work on one batch."""
    for key in clues.survey.by_names(_sharing):
        name = plain_name(key)
        is_vague = len(name) == 2 and "parallel" not in key.lower()  # tp, pp and cp mean that where a node of parallelism has them
        is_another = name == "model" and not key.lower().endswith("mesh.model")
        value = None if is_vague or is_another else clues.view.get(key)
        if type(value) is int and value > 1:
            return key
    return None


def _sharing(survey: Survey) -> tuple[str, ...]:
    return survey.leaves_where(lambda name: name in (*MODEL_PARALLEL, "model") or bool(re.search(_PARALLEL, name)))


def _packing(survey: Survey) -> tuple[str, ...]:
    return survey.leaves_where(lambda name: "pack" in name or name in ("enabled", *_PADDED))


def _by_padding(clues: Clues) -> str:
    for key in clues.survey.by_names(_packing):
        name = plain_name(key)
        is_packing = "pack" in name or (name == "enabled" and "pack" in key.lower())
        value = clues.view.get(key) if is_packing or name in _PADDED else None
        if (is_packing and value is False) or (name in _PADDED and any(value is told or value == told for told in _PADDED[name])):
            return f"{key} is {shown(value)}: sequences are filled up to the length with padding"
    return ""

"""Hugging Face ``TrainingArguments``: ``per_device_train_batch_size`` x ``gradient_accumulation_steps`` x devices, ``max_steps``.

A positive ``max_steps`` overrides ``num_train_epochs``, and -1, its default, leaves the end to the epochs
(transformers 5.23.0, training_args.py, ``TrainingArguments``). Accumulation is 1 unless it is set.
"""

from __future__ import annotations

from dataclasses import replace

from scalecheck.clues import Clues, Draft, accumulation, dataset_sequences, steps
from scalecheck.facts import Origin, Unknown
from scalecheck.survey import join
from scalecheck.text import shown

RANK = 8
_BATCH = "per_device_train_batch_size"
_ITS_OWN = ("num_train_epochs", "max_steps", "gradient_accumulation_steps", "learning_rate", "warmup_steps", "output_dir")


def applies(clues: Clues) -> bool:
    """Tell whether a node has the arguments' batch beside another of its names."""
    return bool(_nodes(clues))


def read(clues: Clues) -> Draft:
    """Read the arguments of the one node that has them."""
    node = _nodes(clues)[0]
    if len(_nodes(clues)) > 1:
        batches = [join(other, _BATCH) for other in _nodes(clues)]
        clues.pick("micro_batch_sequences", batches)  # notes that they differ, where they do
    run_steps = steps(clues, clues.below(node, "max_steps"))
    factor = accumulation(clues, clues.below(node, "gradient_accumulation_steps"))
    if factor is None and not clues.settled("gradient_accumulation"):
        factor = 1
        clues.notes.origins["gradient_accumulation"] = Origin(because="TrainingArguments accumulates over one batch unless told otherwise")
    batch = None if clues.notes.speaks_of("micro_batch_sequences") else clues.pick("micro_batch_sequences", [join(node, _BATCH)])
    draft = Draft(num_steps=run_steps, micro_batch_sequences=batch, gradient_accumulation=factor, sequence_length=clues.length())
    draft = replace(
        draft,
        num_devices=clues.devices(
            clues.below(node, "world_size", "n_gpu") or clues.set_keys(("world_size", "num_gpus", "n_gpus", "num_devices"))
        ),
        at_most=_shrinking(clues, node),
    )
    return draft if run_steps is not None else _by_epochs(clues, node, draft)


def _nodes(clues: Clues) -> list[str]:
    return [node for node in clues.survey.nodes_with(_BATCH) if set(clues.survey.nodes[node]) & set(_ITS_OWN)]


def _shrinking(clues: Clues, node: str) -> str:
    key = join(node, "auto_find_batch_size")
    shrinks = "auto_find_batch_size" in clues.survey.nodes[node] and clues.view.get(key) is True
    return f"{key} is true: the batch shrinks where it does not fit in memory" if shrinks else ""


def _by_epochs(clues: Clues, node: str, draft: Draft) -> Draft:
    """Let the epochs tell D where the number of training sequences is known; otherwise the steps are unknown."""
    key = join(node, "num_train_epochs")
    epochs, dataset = clues.view.get(key) if "num_train_epochs" in clues.survey.nodes[node] else None, dataset_sequences(clues)
    if epochs is None or dataset is None or draft.sequence_length is None or not isinstance(epochs, int | float) or epochs <= 0:
        if not clues.notes.speaks_of("num_steps"):
            told = f"{key}={shown(epochs)} does not" if epochs is not None else f"{join(node, 'max_steps')} is not set"
            lines = (f"+{clues.prefix}.read.training_tokens=300B", f"+{join(node, 'max_steps')}=100000")
            reason = f"the number of steps: {told}, without the size of the dataset"
            clues.notes.unknowns.append(Unknown(field="num_steps", key=key, reason=reason, remedies=lines))
        return draft
    clues.notes.unknowns[:] = [unknown for unknown in clues.notes.unknowns if unknown.field != "num_steps"]
    tokens = int(epochs * dataset[1] * draft.sequence_length)
    because = f"{epochs} epochs ({key}) x {dataset[1]:,} sequences ({dataset[0]}) x {draft.sequence_length} tokens"
    clues.notes.origins["training_tokens"] = Origin(key=key, because=because)
    at_most = draft.at_most or f"sequences of {dataset[0]} may be shorter than {draft.sequence_length} tokens"
    return replace(draft, training_tokens=tokens, epochs=float(epochs), at_most=at_most)

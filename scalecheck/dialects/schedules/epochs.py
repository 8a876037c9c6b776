"""Epochs over a dataset whose size the config tells: in sequences (``num_train_samples``), or in batches or steps of an epoch."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from scalecheck.clues import (
    ACCUMULATION,
    DEVICES,
    EPOCHS,
    GLOBAL_BATCH,
    NODES,
    STEPS,
    Clues,
    Draft,
    accumulation,
    dataset_sequences,
    micro_batch,
)
from scalecheck.facts import Origin

RANK = 6
_BATCHES = ("num_batches_per_epoch", "batches_per_epoch", "train_batches_per_epoch")
_STEPS = ("steps_per_epoch", "num_steps_per_epoch", "updates_per_epoch", "train_steps_per_epoch", "iters_per_epoch")


def applies(clues: Clues) -> bool:
    """Tell whether epochs end the run and something tells how long one is; steps of the run, where they are set, end it themselves."""
    has_steps = any(clues.view.get(key) not in (None, -1) for key in clues.survey.find(STEPS))
    return not has_steps and clues.only(EPOCHS) is not None and _epoch(clues) is not None


def _epoch(clues: Clues) -> tuple[str, int] | None:
    return dataset_sequences(clues) or clues.only(_BATCHES) or clues.only(_STEPS)


def read(clues: Clues) -> Draft:
    """Read epochs, the size of one, and what a sequence holds."""
    found, dataset = clues.only(EPOCHS), dataset_sequences(clues)
    if found is None:
        return Draft()
    key, epochs = found
    length = clues.length()
    if dataset is None:
        return _in_steps(clues, key, epochs, length)
    if length is None:
        return Draft(epochs=float(epochs))
    because = f"{epochs} epochs ({key}) x {dataset[1]:,} sequences ({dataset[0]}) x {length} tokens"
    clues.notes.origins["training_tokens"] = Origin(key=key, because=because)
    tokens, shorter = epochs * dataset[1] * length, f"sequences of {dataset[0]} may be shorter than {length} tokens"
    return Draft(training_tokens=tokens, sequence_length=length, epochs=float(epochs), at_most=shorter)


def _in_steps(clues: Clues, key: str, epochs: int, length: int | None) -> Draft:
    by_steps, by_batches = clues.only(_STEPS), clues.only(_BATCHES)
    size = by_steps or by_batches
    if size is None:
        return Draft(sequence_length=length)
    clues.notes.origins["num_steps"] = Origin(key=key, because=f"{epochs} epochs ({key}) x {size[1]:,} ({size[0]})")
    draft = Draft(num_steps=epochs * size[1], sequence_length=length, epochs=float(epochs))
    batches = clues.set_keys(GLOBAL_BATCH)
    if batches:
        return replace(draft, sequences_per_step=clues.pick("sequences_per_step", batches))
    factor = accumulation(clues, clues.survey.find(ACCUMULATION))
    devices = clues.devices(clues.set_keys(DEVICES), clues.set_keys(NODES))
    draft = replace(draft, micro_batch_sequences=micro_batch(clues), gradient_accumulation=factor, num_devices=devices)
    if by_steps or not factor or factor == 1:
        return draft
    # Batches are forward passes: a step takes several, and the last one of an epoch may take fewer.
    at_most = f"the last step of an epoch accumulates over fewer than {factor} batches" if size[1] % factor else ""
    return replace(draft, num_steps=epochs * ceil(size[1] / factor), at_most=at_most)

"""nanoT5 (PiotrNawrot/nanoT5): ``optim.total_steps`` updates of ``optim.batch_size`` sequences a process, of ``data.input_length`` tokens.

``optim.batch_size`` holds the accumulation already: a loader gets ``batch_size // grad_acc`` sequences, and an update takes ``grad_acc`` of
its batches (nanoT5/utils/model_utils.py, ``get_dataloaders``; train_utils.py, ``train``). accelerate gives every process such a batch, and
their number stands in no config. D counts what the encoder reads; the decoder's targets are fewer. Read at commit 1375b38.
"""

from __future__ import annotations

from scalecheck.clues import Clues, Draft
from scalecheck.facts import Impossible, Origin, Unknown
from scalecheck.survey import join, whole
from scalecheck.text import shown

RANK = 0
_OF_OPTIM = frozenset(("total_steps", "batch_size", "grad_acc"))
_OF_DATA = ("input_length", "mlm_probability", "mean_noise_span_length")
_BESIDE = ("final_cosine", "grad_clip", "base_lr")


def applies(clues: Clues) -> bool:
    """Tell whether a node's ``optim`` and ``data`` have nanoT5's own names."""
    return bool(_frames(clues))


def read(clues: Clues) -> Draft:
    """Read the updates, what a process feeds one, and the encoder's length."""
    optim, data = join(_frames(clues)[0], "optim"), join(_frames(clues)[0], "data")
    factor, batch = _whole(clues, "gradient_accumulation", join(optim, "grad_acc")), _whole(clues, "batch", join(optim, "batch_size"))
    key = join(optim, "batch_size")
    micro = None
    if factor and batch:
        micro = batch // factor
        because = f"{batch} sequences of one process and update / {factor} of {join(optim, 'grad_acc')}, which {key} holds already"
        clues.notes.origins["micro_batch_sequences"] = Origin(key=key, because=because)
        if batch % factor and "micro_batch_sequences" not in clues.given:
            reason = f"{key} {batch} is not a multiple of {join(optim, 'grad_acc')} {factor}, which nanoT5 refuses"
            clues.notes.impossible.append(Impossible(field="micro_batch_sequences", key=key, reason=reason))
            micro = None
    length, at_most = _length(clues, data)
    return Draft(
        num_steps=_steps(clues, optim),
        sequence_length=length,
        micro_batch_sequences=micro,
        gradient_accumulation=factor,
        num_devices=clues.devices(()),
        at_most=at_most,
    )


def _frames(clues: Clues) -> list[str]:
    nodes = clues.survey.nodes
    found = [node for node in clues.survey.nodes_with("optim", "data") if set(nodes.get(join(node, "optim"), ())) >= _OF_OPTIM]
    others = {node: (set(nodes.get(join(node, "data"), ())), set(nodes[join(node, "optim")])) for node in found}
    return [node for node, (data, optim) in others.items() if "input_length" in data and (data & set(_OF_DATA[1:]) or optim & set(_BESIDE))]


def _whole(clues: Clues, name: str, key: str) -> int | None:
    field = "micro_batch_sequences" if name == "batch" else name
    if name in clues.given:
        return int(clues.given[name])
    value = clues.view.get(key)
    if value is None:
        clues.notes.unknowns.append(Unknown(field=field, key=key, reason=f"{key} is null", remedies=(f"{key}=128",)))
        return None
    clues.notes.origins[field] = Origin(key=key)
    kept: int | None = clues.notes.keep(whole(field, key, value))
    return kept


def _steps(clues: Clues, optim: str) -> int | None:
    """Return total_steps, which epochs above zero overwrite by a number that depends on the dataset."""
    epochs, key = join(optim, "epochs"), join(optim, "total_steps")
    if "num_steps" in clues.given:
        return int(clues.given["num_steps"])
    value = clues.view.get(epochs)
    if value is None or (isinstance(value, int | float) and value <= 0):
        return clues.pick("num_steps", [key])
    reason = f"{epochs} is {shown(value)}, which overwrites {key} by the number of batches in the dataset"
    lines = (f"{epochs}=-1", f"+{clues.prefix}.read.num_steps=100000")
    clues.notes.unknowns.append(Unknown(field="num_steps", key=epochs, reason=reason, remedies=lines))
    return None


def _length(clues: Clues, data: str) -> tuple[int | None, str]:
    """Return the encoder's length: input_length, which pre-training fills; fine-tuning pads to the longest of a batch instead."""
    if "sequence_length" in clues.given:
        return int(clues.given["sequence_length"]), ""
    longest = join(data, "max_seq_len")
    if clues.view.get(longest) is not None:
        return clues.pick("sequence_length", [longest]), f"{longest} is the longest that a sequence can be"
    key = join(data, "input_length")
    length = clues.pick("sequence_length", [key])
    if length is not None:
        because = "what the encoder reads of a sequence; the decoder's shorter targets are not counted in D"
        clues.notes.origins["sequence_length"] = Origin(key=key, because=because)
    return length, ""

"""Megatron's schedule: ``global_batch_size`` counts the whole job; NeMo ends it at ``trainer.max_steps``, Megatron-LM at ``train_iters``.

The micro batch only says how the global one is cut up, and Lightning's ``accumulate_grad_batches`` nothing at all: NeMo accumulates by
itself and refuses any but 1 (``_validate_trainer`` of megatron_gpt_model.py). An encoder-decoder's D counts what its encoder reads.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from scalecheck.clues import Clues, Draft, steps
from scalecheck.facts import Impossible, Origin, Unknown
from scalecheck.survey import join, whole
from scalecheck.text import shown

RANK = 0
_BATCHES = ("global_batch_size", "micro_batch_size")
_OF_NEMO = {"megatron_amp_O2", "mcore_gpt", "mcore_bert", "mcore_t5", "tensor_model_parallel_size", "native_amp_init_scale"}
_OF_IMAGES = ("patch_dim", "img_h", "img_w", "mm_cfg", "vision", "unet_config")  # NeMo's models of images, whose sequences are no text
_DATASET = ".data.train_ds"
_END = {"train_iters", "train_samples"}
_PARALLEL = ("tensor_model_parallel_size", "pipeline_model_parallel_size", "context_parallel_size")


def applies(clues: Clues) -> bool:
    """Tell whether there is a node with both batches, and NeMo's keys with its trainer beside it or an end in Megatron-LM's words."""
    return bool(_nodes(clues))


def read(clues: Clues) -> Draft:
    """Read the run of the model's node, or of the one node that has one; several are unknown."""
    nodes = _nodes(clues)
    own = [node for node in nodes if _model(node) == clues.model_node]
    node = (own or nodes)[0]
    if len(nodes) > 1 and not own:
        lines = (f"+{clues.prefix}.read.training_tokens=300B", f"+{clues.prefix}.read.root={nodes[0].partition('.')[0]}")
        reason = f"there are {len(nodes)} runs in the config: {', '.join(nodes[:4])}"
        clues.notes.unknowns.append(Unknown(field="training_tokens", reason=reason, remedies=lines))
        return Draft()
    draft = _arguments(clues, node) if _is_of_arguments(clues, node) else _nemo(clues, node)
    batch = clues.pick("sequences_per_step", [join(node, "global_batch_size")])
    micro = clues.pick("micro_batch_sequences", [join(node, "micro_batch_size")])
    draft = replace(draft, sequences_per_step=batch, micro_batch_sequences=micro)
    if batch is not None and micro is not None and not {"sequences_per_step", "num_devices"} & set(clues.given):
        draft = _checked(clues, node, draft)
    ramp = join(node, "rampup_batch_size")
    if not draft.at_most and "rampup_batch_size" in clues.survey.nodes[node] and clues.view.get(ramp) is not None:
        return replace(draft, at_most=f"{ramp} is set: the first batches are smaller")
    return draft


def _nodes(clues: Clues) -> list[str]:
    found = [node for node in clues.survey.nodes_with(*_BATCHES) if _is_of_arguments(clues, node) or _is_of_nemo(clues, node)]
    # Where a dataset has batches of its own, it is they that NeMo's fine-tuning takes.
    return list({_model(node): node for node in sorted(found, key=len)}.values())


def _model(node: str) -> str:
    """Return the model's node of a node with batches: itself, or what a dataset for training is below (``data.train_ds``)."""
    return node.removesuffix(_DATASET)


def _is_of_nemo(clues: Clues, node: str) -> bool:
    names = set(clues.survey.nodes.get(_model(node), ()))
    return bool(names & _OF_NEMO) and "max_steps" in clues.survey.nodes.get(_trainer(node), ())


def _is_of_arguments(clues: Clues, node: str) -> bool:
    return bool(set(clues.survey.nodes[node]) & _END)


def _trainer(node: str) -> str:
    return join(_model(node).rpartition(".")[0], "trainer")


def _nemo(clues: Clues, node: str) -> Draft:
    trainer = _trainer(node)
    key = join(trainer, "max_steps")
    run_steps = steps(clues, [key])
    if run_steps is None and not clues.settled("num_steps"):
        lines = (f"{key}=100000", f"+{clues.prefix}.read.num_steps=100000")
        clues.notes.unknowns.append(Unknown(field="num_steps", key=key, reason=f"{key} is null: no limit on the steps", remedies=lines))
    accumulation = join(trainer, "accumulate_grad_batches")
    factor = clues.view.get(accumulation) if "accumulate_grad_batches" in clues.survey.nodes[trainer] else None
    if factor not in (None, 1):
        reason = f"{accumulation} is {shown(factor)}, and NeMo accumulates up to global_batch_size by itself: it starts with 1 alone"
        clues.notes.impossible.append(Impossible(field="gradient_accumulation", key=accumulation, reason=reason))
    devices = clues.devices(clues.below(trainer, "devices"), clues.below(trainer, "num_nodes"))
    draft = Draft(num_steps=run_steps, num_devices=devices, at_most=_wall_clock(clues, node))
    images = next((name for name in _OF_IMAGES if name in clues.survey.nodes[_model(node)]), None)
    if images is not None and "sequence_length" not in clues.given:
        reason = f"{join(_model(node), images)} is set: its sequences are of images, which are not counted in tokens"
        clues.notes.unknowns.append(Unknown(field="sequence_length", key=join(_model(node), images), reason=reason))
        return draft
    if node == _model(node):
        length = _length(clues, node, (join(node, "data.seq_length"),), ("encoder_seq_length", "seq_length"))
        return replace(draft, sequence_length=length, target_length=_targets(clues, node))
    longest = join(node, "max_seq_length")
    length = _length(clues, node, (longest,), ())
    return replace(draft, sequence_length=length, at_most=draft.at_most or f"{longest} is the longest that an example may be")


def _length(clues: Clues, node: str, first: tuple[str, ...], others: tuple[str, ...]) -> int | None:
    """Return the length that the data is cut to; only where that is not told, the model's, in which several must agree."""
    if "sequence_length" in clues.given:
        return int(clues.given["sequence_length"])
    told = [key for key in first if key.rpartition(".")[2] in clues.survey.nodes.get(key.rpartition(".")[0], ()) and clues.view.get(key)]
    found = clues.pick("sequence_length", told or clues.below(node, *others))
    targets = join(node, "data.seq_length_dec")
    rows = clues.view.get(targets) if "seq_length_dec" in clues.survey.nodes.get(join(node, "data"), ()) else None
    if found is not None and rows is not None:
        because = f"what the encoder reads; the targets come on top, up to {targets} {shown(rows)} tokens a sequence"
        clues.notes.origins["sequence_length"] = Origin(key=clues.notes.origins["sequence_length"].key, because=because)
    return found


def _targets(clues: Clues, node: str) -> int | None:
    has_targets = "seq_length_dec" in clues.survey.nodes.get(join(node, "data"), ())
    value = clues.view.get(join(node, "data.seq_length_dec")) if has_targets else None
    return value if isinstance(value, int) and value > 0 else None


def _wall_clock(clues: Clues, node: str) -> str:
    """Say which limit of time may end the run; one per run, where it is resumed, ends the job alone, and the config does not tell that."""
    parent = _model(node).rpartition(".")[0]
    for where, name in (("trainer", "max_time"), ("exp_manager", "max_time_per_run"), ("run", "time_limit")):
        place = join(parent, where)
        value = clues.view.get(join(place, name)) if name in clues.survey.nodes.get(place, ()) else None
        if value is not None:
            return f"{join(place, name)}={shown(value)} may end the run before the last step"
    return ""


def _arguments(clues: Clues, node: str) -> Draft:
    """Read a run in Megatron-LM's words: ``train_iters``, or as many whole batches as ``train_samples`` has (``update_train_iters``)."""
    iterations, samples = (clues.view.get(key) for key in (join(node, "train_iters"), join(node, "train_samples")))
    draft = Draft(sequence_length=_length(clues, node, (join(node, "seq_length"),), ("encoder_seq_length",)))
    draft = replace(draft, num_devices=_processes(clues), at_most=_exits(clues, node))
    if iterations is not None and samples is not None:
        reason = f"{join(node, 'train_iters')} and {join(node, 'train_samples')} are both set, and Megatron-LM takes one of them"
        clues.notes.unknowns.append(
            Unknown(field="num_steps", key=join(node, "train_iters"), reason=reason, remedies=(f"{join(node, 'train_samples')}=null",))
        )
        return draft
    if samples is None:
        return replace(draft, num_steps=steps(clues, clues.below(node, "train_iters")))
    return _by_samples(clues, node, draft)


def _by_samples(clues: Clues, node: str, draft: Draft) -> Draft:
    key, ramp, batch_key = (join(node, name) for name in ("train_samples", "rampup_batch_size", "global_batch_size"))
    batch = whole("sequences_per_step", batch_key, clues.view.get(batch_key))
    sequences = clues.notes.keep(whole("training_tokens", key, clues.view.get(key)))
    if not isinstance(batch, int) or sequences is None:
        return draft
    if sequences < batch:
        reason = f"{key}={sequences} is fewer than {batch_key}={batch}: no step is taken"
        clues.notes.impossible.append(Impossible(field="num_steps", key=key, reason=reason))
        return draft
    if clues.view.get(ramp) is None or draft.sequence_length is None:
        because = f"{sequences:,} sequences ({key}) / {batch:,} a step, the rest left out"
        clues.notes.origins["num_steps"] = Origin(key=key, because=because)
        return replace(draft, num_steps=sequences // batch)
    because = f"{sequences:,} sequences ({key}) x {draft.sequence_length} tokens"
    clues.notes.origins["training_tokens"] = Origin(key=key, because=because)
    at_most = draft.at_most or f"{ramp} is set, and the last batch is left out where it is not full"
    return replace(draft, training_tokens=sequences * draft.sequence_length, at_most=at_most)


def _processes(clues: Clues) -> int | None:
    per_node, nodes = clues.only(("nproc_per_node",)), clues.only(("nnodes",))
    if per_node is None or nodes is None:
        return clues.devices(())
    return clues.devices([per_node[0]], [nodes[0]])


def _exits(clues: Clues, node: str) -> str:
    for name in ("exit_interval", "exit_duration_in_mins"):
        value = clues.view.get(join(node, name)) if name in clues.survey.nodes[node] else None
        if value is not None:
            return f"{join(node, name)}={shown(value)} may end the run earlier"
    return ""


def _checked(clues: Clues, node: str, draft: Draft) -> Draft:
    """Compare the global batch with what the devices can make of it: micro batch x replicas of the model must divide it.

    That is the check of megatron/core/num_microbatches_calculator.py. Devices that are only assumed prove nothing, and D needs none.
    """
    origin, batch, micro = clues.notes.origins.get("num_devices", Origin()), draft.sequences_per_step, draft.micro_batch_sequences
    devices = draft.num_devices
    if devices is None or origin.assumed or batch is None or micro is None:
        clues.notes.origins.pop("num_devices", None)
        return replace(draft, num_devices=None)
    sizes = {name: found for name in _PARALLEL for found in [_parallel(clues, node, name)] if found != 1}
    shared = prod(value for value in sizes.values() if isinstance(value, int))
    if any(not isinstance(value, int) for value in sizes.values()):
        return draft
    by = " x ".join(f"{name} {value}" for name, value in sizes.items())
    key, place = join(node, "global_batch_size"), origin.key or "the environment"
    if devices % shared:
        reason = f"{devices} devices ({place}) cannot be shared out to {by} = {shared} for each replica of the model"
        clues.notes.impossible.append(Impossible(field="num_devices", key=origin.key, reason=reason))
    elif batch % (micro * (devices // shared)):
        reason = (f"{key}={batch} is no multiple of micro_batch_size {micro} x {devices // shared} replicas of the model "
                  f"({devices} devices{f' / ({by})' if by else ''}) = {micro * (devices // shared)}")  # fmt: skip
        clues.notes.impossible.append(Impossible(field="sequences_per_step", key=key, reason=reason))
    elif shared == 1:
        factor = batch // (micro * devices)
        clues.notes.origins["gradient_accumulation"] = Origin(because=f"{key} {batch} / ({micro} a device x {devices} devices)")
        return replace(draft, gradient_accumulation=factor)
    return draft


def _parallel(clues: Clues, node: str, name: str) -> Any:
    """Return a degree of model parallelism: the node's own, or that of the nodes beside it; 1 where it is not set."""
    model = _model(node)
    keys = clues.below(model, name) or [key for key in clues.survey.find((name,)) if key.startswith(model.rpartition(".")[0])]
    values = [value for value in (clues.view.get(key) for key in keys) if value is not None]
    return values[0] if values and all(value == values[0] for value in values) else 1 if not values else None

"""Stage 1, schedule side: the clues that schedule dialects share, and the arithmetic from a draft to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from scalecheck import registry
from scalecheck.facts import Impossible, ModelShape, Origin, TokensStatus, TrainingPlan, Unknown, Unreadable, View
from scalecheck.survey import Notes, Survey, shown, whole

# The spellings of real repos, docs/glossary.md; a name that means several things (batch_size) is read by the dialects.
STEPS = ("max_steps", "num_steps", "max_iters", "n_iters", "num_train_steps", "total_steps", "train_steps", "max_train_steps",
         "train_iters", "n_steps", "num_iterations", "total_training_steps")  # fmt: skip
LENGTHS = ("sequence_length", "seq_len", "seq_length", "max_seq_len", "max_seq_length", "max_length", "block_size", "context_length",
           "context_size", "max_sequence_length", "tokens_per_sample", "length")  # fmt: skip
GLOBAL_BATCH = ("global_batch_size", "global_train_batch_size", "total_batch_size")
MICRO_BATCH = ("batch_size", "micro_batch_size", "per_device_train_batch_size", "per_device_batch_size", "batch_size_per_device",
               "device_train_microbatch_size", "micro_batch_size_per_gpu", "train_batch_size")  # fmt: skip
ACCUMULATION = ("gradient_accumulation_steps", "accumulate_grad_batches", "grad_acc_steps", "grad_accum_steps", "gradient_accumulation")
DEVICES = ("devices", "num_devices", "num_gpus", "n_gpus", "ngpus", "gpus", "world_size")
NODES = ("num_nodes", "nnodes", "nodes")
SECOND_STOPS = ("max_time", "stop_at", "stop_after_n_steps")
SEVERAL_DEVICES = ("fsdp", "deepspeed", "ddp", "accelerate", "distributed", "strategy", "torchrun", "num_processes")
_STARTERS = ("launcher", "backend", "parallel", "parallelism", "parallel_mode", "mode", "engine", "plugins", "accelerator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a dialect read. ``sequences_per_step`` is the whole job's; without it micro x accumulation x devices is."""

    num_steps: int | None = None
    sequence_length: int | None = None
    sequences_per_step: int | None = None
    micro_batch_sequences: int | None = None
    gradient_accumulation: int | None = None
    num_devices: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What a dialect works with: the config, what the policy maps or assumes, the environment, and where notes go."""

    view: View
    survey: Survey
    given: Mapping[str, Any]
    assume: Mapping[str, Any]
    environ: Mapping[str, str]
    notes: Notes
    prefix: str
    shape: ModelShape | None = None

    def one(self, name: str, spellings: Iterable[str], *, below: str | None = None) -> int | None:
        """Return the one value that the config has for a field; several different ones are unknown, not chosen from."""
        if name in self.given:
            return int(self.given[name])
        keys = [key for key in self.survey.find(spellings) if below is None or key.rpartition(".")[0] == below]
        return self.pick(name, keys)

    def pick(self, name: str, keys: Iterable[str]) -> int | None:
        """Read a field from these keys: null ones do not count, and those that do must agree."""
        values = {key: self.view.get(key) for key in keys}
        values = {key: value for key, value in values.items() if value is not None}
        first = next(iter(values.values()), None)
        if any(value is not first and value != first for value in values.values()):  # NaN differs from itself
            listed = ", ".join(f"{key}={shown(value)}" for key, value in values.items())
            lines = tuple(f"+{self.prefix}.read.{name}={key}" for key in list(values)[:4])
            self.notes.unknowns.append(
                Unknown(field=name, key=next(iter(values)), reason=f"several keys could tell: {listed}", remedies=lines)
            )
            return None
        for key, value in values.items():
            self.notes.origins[name] = Origin(key=key)
            kept: int | None = self.notes.keep(whole(name, key, value))
            return kept
        return None

    def settled(self, name: str) -> bool:
        """Tell whether a field has been noted already, as found, ambiguous or impossible."""
        return name in self.notes.origins or self.notes.speaks_of(name)

    def length(self) -> int | None:
        """Return the training length: a length of the data or the run, else the model's own context."""
        if "sequence_length" in self.given:
            return int(self.given["sequence_length"])
        model = {origin.key for name, origin in self.notes.origins.items() if name == "max_positions"}
        found = self.pick("sequence_length", [key for key in self.survey.find(LENGTHS) if key not in model])
        if found is not None or self.settled("sequence_length"):
            return found
        origin = self.notes.origins.get("max_positions")
        context: int | None = getattr(self.shape, "max_positions", None)
        if context is None or origin is None or origin.key is None:
            return None
        # nanoGPT trains on block_size; elsewhere a context is an upper bound that a run need not fill.
        is_training_length = origin.key.endswith("block_size")
        because = "" if is_training_length else "the model's context, as no training length is set"
        self.notes.origins["sequence_length"] = Origin(key=origin.key, assumed=not is_training_length, because=because)
        return context

    def devices(self, keys: Iterable[str], node_keys: Iterable[str]) -> int | None:
        """Return the number of devices: config, else WORLD_SIZE, else ``assume.devices``, else ``None``."""
        if "num_devices" in self.given:
            return int(self.given["num_devices"])
        for key in keys:
            per_node = _device_count(self.view.get(key))
            if per_node is not None:
                nodes_key = next((name for name in node_keys if isinstance(self.view.get(name), int)), None)
                nodes = max(1, self.view.get(nodes_key)) if nodes_key else 1
                because = f"{per_node} ({key}) x {nodes} ({nodes_key})" if nodes > 1 else ""
                self.notes.origins["num_devices"] = Origin(key=key, because=because)
                return per_node * nodes
        world = _device_count(self.environ.get("WORLD_SIZE", ""))
        if world is not None:
            self.notes.origins["num_devices"] = Origin(because="WORLD_SIZE in the environment")
            return world
        assumed: int | None = self.assume.get("devices")
        if assumed:
            self.notes.origins["num_devices"] = Origin(
                key=f"{self.prefix}.assume.devices", assumed=True, because=f"{self.prefix}.assume.devices"
            )
        return assumed

    def hints_at_several_devices(self) -> bool:
        """Tell whether a key, or the value of a key that chooses how processes are started, speaks of distributed training."""
        for key in self.survey.keys():
            steps = key.lower().split(".")
            if steps[-1] in NODES or any(word in step for step in steps for word in SEVERAL_DEVICES):
                return True
            value = self.view.get(key) if steps[-1] in _STARTERS and key not in self.survey.nodes else None
            if isinstance(value, str) and any(word in value.lower() for word in SEVERAL_DEVICES):
                return True
        return False


def _device_count(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, list):
        return len(value) or None
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        if len(value) > 1000 or not all(part.isascii() and part.isdigit() for part in parts):
            return None
        return len(parts) if len(parts) > 1 else _device_count(int(parts[0]))
    return value if isinstance(value, int) and 0 < value < 10**7 else None


def read_plan(clues: Clues) -> tuple[TrainingPlan, str | None]:
    """Choose the schedule dialect by its evidence, read it, and do the arithmetic. Returns the plan and the dialect's name."""
    modules = {name: registry.load("dialects/schedules", name) for name in registry.names("dialects/schedules")}
    by_rank = sorted(modules, key=lambda name: modules[name].RANK)
    chosen = next((name for name in by_rank if modules[name].applies(clues)), None)
    draft: Draft = modules[chosen].read(clues) if chosen else Draft(num_steps=_given(clues, "num_steps"), sequence_length=clues.length())
    return _plan(clues, draft), chosen


def _given(clues: Clues, name: str) -> int | None:
    return int(clues.given[name]) if name in clues.given else None


def _plan(clues: Clues, draft: Draft) -> TrainingPlan:
    sequences, per_device = _sequences(clues, draft)
    tokens_per_step = _given(clues, "tokens_per_step") or (
        sequences * draft.sequence_length if sequences and draft.sequence_length else None
    )
    tokens = _given(clues, "training_tokens") or (draft.num_steps * tokens_per_step if draft.num_steps and tokens_per_step else None)
    if tokens is None:
        _note_missing(clues, draft)
    elif "training_tokens" not in clues.given:
        arithmetic = f"{draft.num_steps} steps x {sequences or tokens_per_step} {'sequences' if sequences else 'tokens'}"
        length = f" x {draft.sequence_length} tokens" if sequences else ""
        clues.notes.origins["training_tokens"] = Origin(because=arithmetic + length)
    told = clues.notes.speaks_of("num_devices") or {"tokens_per_step", "training_tokens"} & set(clues.given)
    if per_device and tokens is not None and not told:
        lines = (f"{clues.prefix}.assume.devices=8", f"+{clues.prefix}.read.num_devices=8")
        reason = "neither the config nor WORLD_SIZE tells on how many devices the run trains, so D counts one of them"
        clues.notes.unknowns.append(Unknown(field="num_devices", reason=reason, remedies=lines))
    return TrainingPlan(
        num_steps=draft.num_steps,
        tokens_per_step=tokens_per_step,
        sequence_length=draft.sequence_length,
        sequences_per_step=sequences,
        micro_batch_sequences=draft.micro_batch_sequences,
        gradient_accumulation=draft.gradient_accumulation,
        num_devices=draft.num_devices,
        training_tokens=tokens,
        tokens_status=_status(clues, tokens, per_device=per_device),
        unique_tokens=_given(clues, "unique_tokens"),
    )


def _sequences(clues: Clues, draft: Draft) -> tuple[int | None, bool]:
    """Return the sequences of one step, and whether they are those of one device only."""
    if draft.sequences_per_step is None and clues.notes.speaks_of("gradient_accumulation"):
        return None, False  # it is set, to something that cannot be read: taking it for 1 would be a guess
    factors = [draft.micro_batch_sequences, draft.gradient_accumulation or 1, draft.num_devices or 1]
    product = prod(factors) if draft.micro_batch_sequences else None  # type: ignore[arg-type]
    if draft.sequences_per_step is None:
        return product, product is not None and draft.num_devices is None
    explicit = draft.micro_batch_sequences and draft.gradient_accumulation and draft.num_devices
    if explicit and product != draft.sequences_per_step:
        key = clues.notes.origins["sequences_per_step"].key
        reason = (f"{key}={draft.sequences_per_step} sequences, but micro batch x accumulation x devices = "
                  f"{' x '.join(str(factor) for factor in factors)} = {product}")  # fmt: skip
        clues.notes.impossible.append(Impossible(field="sequences_per_step", key=key, reason=reason))
        return None, False
    return draft.sequences_per_step, False


def _note_missing(clues: Clues, draft: Draft) -> None:
    """Say once what D lacks, naming the usual key and the line that maps another one."""
    lacking = (
        ("num_steps", draft.num_steps, "how many steps the run takes", "trainer.max_steps"),
        (
            "micro_batch_sequences",
            draft.sequences_per_step or draft.micro_batch_sequences,
            "how many sequences a batch has",
            "data.batch_size",
        ),
        ("sequence_length", draft.sequence_length, "how many tokens a sequence has", "data.seq_len"),
    )
    if all(value is None for _, value, _, _ in lacking) and not any(clues.settled(name) for name, _, _, _ in lacking):
        lines = (f"+{clues.prefix}.read.training_tokens=300B",)
        clues.notes.unknowns.append(
            Unknown(field="training_tokens", reason="no steps, batch or length with names that are known", remedies=lines)
        )
        return
    for name, value, what, example in lacking:
        told = clues.notes.speaks_of(name) or (name == "micro_batch_sequences" and clues.notes.speaks_of("sequences_per_step"))
        if value is None and not told:
            lines = (f"+{clues.prefix}.read.{name}={example}",)
            reason = f"nothing that can be read tells {what}{_epochs(clues) if name == 'num_steps' else ''}"
            clues.notes.unknowns.append(Unknown(field=name, reason=reason, remedies=lines))


def _epochs(clues: Clues) -> str:
    found = [
        key for key in clues.survey.find(("max_epochs", "num_epochs", "epochs", "num_train_epochs")) if clues.view.get(key) is not None
    ]
    return f" ({found[0]} alone does not, without the size of the dataset)" if found else ""


def _status(clues: Clues, tokens: int | None, *, per_device: bool) -> TokensStatus:
    if tokens is None:
        return "unknown"
    if "training_tokens" in clues.given:
        return "exact"
    if per_device and "tokens_per_step" not in clues.given:
        return "per_device"
    stops = [
        key
        for key in clues.survey.find(SECOND_STOPS)
        if clues.view.get(key) is not None and not isinstance(clues.view.get(key), Unreadable)
    ]
    if stops:
        clues.notes.origins["second_stop"] = Origin(key=stops[0], because=f"{stops[0]} may end the run earlier")
        return "upper_bound"
    factors: tuple[str, ...] = ("sequences_per_step", "micro_batch_sequences", "gradient_accumulation", "num_devices", "sequence_length")
    factors = ("num_steps", *(() if "tokens_per_step" in clues.given else factors))
    return "assumed" if any(clues.notes.origins.get(name, Origin()).assumed for name in factors) else "exact"


def accumulation(clues: Clues, keys: Iterable[str]) -> int | None:
    """Return the gradient accumulation that the config has, ``None`` where it has none."""
    return (
        int(clues.given["gradient_accumulation"]) if "gradient_accumulation" in clues.given else clues.pick("gradient_accumulation", keys)
    )

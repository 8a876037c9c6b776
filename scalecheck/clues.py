"""Stage 1, schedule side: what every schedule dialect works with, and the spellings of real repos that mean one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scalecheck.facts import ModelShape, Origin, Unknown, Unreadable, View
from scalecheck.survey import Notes, Survey, join, whole
from scalecheck.text import shown
from scalecheck.values import dataclass
from scalecheck.world import device_count, world_size

# The spellings of real repos, docs/glossary.md; a name that means several things (batch_size) is read by the dialects.
STEPS = ("max_steps", "num_steps", "max_iters", "n_iters", "num_train_steps", "total_steps", "train_steps", "max_train_steps",
         "train_iters", "n_steps", "num_iterations", "total_training_steps")  # fmt: skip
LENGTHS = ("sequence_length", "seq_len", "seq_length", "max_seq_len", "max_seq_length", "max_length", "block_size", "context_length",
           "context_size", "max_sequence_length", "tokens_per_sample", "length")  # fmt: skip
GLOBAL_BATCH = ("global_batch_size", "global_train_batch_size", "total_batch_size")
PER_DEVICE_BATCH = ("micro_batch_size", "per_device_train_batch_size", "per_device_batch_size", "batch_size_per_device",
                    "batch_size_per_gpu", "per_gpu_batch_size", "per_gpu_train_batch_size", "device_train_microbatch_size",
                    "micro_batch_size_per_gpu", "train_micro_batch_size_per_gpu", "local_batch_size")  # fmt: skip
ANY_BATCH = ("batch_size", "train_batch_size", "bsz", "bs")
MICRO_BATCH = (*ANY_BATCH, *PER_DEVICE_BATCH)
ACCUMULATION = ("gradient_accumulation_steps", "accumulate_grad_batches", "grad_acc_steps", "grad_accum_steps", "gradient_accumulation",
                "gradient_accumulate_steps", "grad_acc", "accum_steps", "accum", "accumulation_steps", "grad_accum", "grad_accumulation",
                "accumulate_steps", "num_microbatches", "batch_accumulation_per_replica", "num_accumulation_steps")  # fmt: skip
DEVICES = ("devices", "num_devices", "num_gpus", "n_gpus", "ngpus", "gpus", "world_size")
SIBLINGS_OF_STEPS = (*ACCUMULATION, *GLOBAL_BATCH, *MICRO_BATCH, "seq_len")
PER_NODE = ("n_gpus_per_node", "gpus_per_node", "num_gpus_per_node", "devices_per_node", "nproc_per_node")
DATA_PARALLEL = ("data_parallel_size", "data_parallel_degree", "dp_size", "dp")
REPLICAS = "replicas of the model, each with a batch of its own"
NODES = ("num_nodes", "nnodes", "nodes")
MODEL_PARALLEL = ("tensor_model_parallel_size", "pipeline_model_parallel_size", "context_parallel_size", "tensor_parallel_size",
                  "pipeline_parallel_size", "sequence_parallel_size", "tp_size", "pp_size", "cp_size", "ulysses_sequence_parallel_size",
                  "tensor_parallel_degree", "pipeline_parallel_degree", "context_parallel_degree", "pipe_parallel_size",
                  "model_parallel_size", "tp", "pp", "cp", "tensor_parallel", "pipeline_parallel", "model_parallel")  # fmt: skip
HINTS_AT_SEQUENCES = ("__train_len", "train_len")
DATASET_SEQUENCES = ("num_train_sequences", "num_train_samples", "num_train_examples", "train_num_samples",
                     "samples_per_epoch", "epoch_size")  # fmt: skip
_BESIDE_A_BLOCK = {
    "n_layer",
    "n_embd",
    "max_iters",
    "max_steps",
    "per_device_train_batch_size",
    "dataset_name",
    "train_file",
    "tokenizer_name",
}
EPOCHS = ("max_epochs", "num_epochs", "epochs", "num_train_epochs", "total_epochs", "n_epochs", "max_epoch")


MAX_CANDIDATES = 200
"""Keys of one name that are read, each of them once; a config with more is a table of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a dialect read. ``sequences_per_step`` is the whole job's; without it micro x accumulation x devices is.

    ``training_tokens`` and ``tokens_per_step``, where the config tells them in tokens, replace the product. ``at_most`` says why
    D is only an upper bound; empty where it is not. ``may_end_by_epochs``: what is read stops at whichever of steps and epochs comes
    first. ``target_length`` is the decoder's where the length is what an encoder reads.
    """

    num_steps: int | None = None
    sequence_length: int | None = None
    target_length: int | None = None
    sequences_per_step: int | None = None
    micro_batch_sequences: int | None = None
    gradient_accumulation: int | None = None
    num_devices: int | None = None
    tokens_per_step: int | None = None
    training_tokens: int | None = None
    unique_tokens: int | None = None
    epochs: float | None = None
    at_most: str = ""
    may_end_by_epochs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What a dialect works with: the config, what the policy maps or assumes, the environment, and where notes go.

    ``length_keys`` are keys of the model's node that, by the code of the model's dialect, hold the length that is trained on.
    """

    view: View
    survey: Survey
    given: Mapping[str, Any]
    assume: Mapping[str, Any]
    environ: Mapping[str, str]
    notes: Notes
    prefix: str
    shape: ModelShape | None = None
    model_node: str | None = None
    length_keys: tuple[str, ...] = ()

    def one(self, name: str, spellings: Iterable[str], *, below: str | None = None) -> int | None:
        """Return the one value that the config has for a field; several different ones are unknown, not chosen from."""
        if name in self.given:
            return int(self.given[name])
        keys = [key for key in self.survey.find(spellings) if below is None or key.rpartition(".")[0] == below]
        return self.pick(name, keys)

    def pick(self, name: str, keys: Iterable[str]) -> int | None:
        """Read a field from these keys: null ones do not count, nor -1 beside another, and those that do must agree."""
        keys = tuple(keys)
        if len(keys) > MAX_CANDIDATES:
            reason = f"{len(keys):,} keys could tell, {keys[0]} and {keys[1]} among them"
            line = f"+{self.prefix}.read.{name}={keys[0]}"
            self.notes.unknowns.append(Unknown(field=name, key=keys[0], reason=reason, remedies=(line,)))
            return None
        values = {key: self.view.get(key) for key in keys}
        values = {key: value for key, value in values.items() if value is not None}
        if len(values) > 1:
            values = {key: value for key, value in values.items() if not _is_unset(value)} or values
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

    def set_keys(self, names: Iterable[str]) -> list[str]:
        """Return the keys of these names that are there and not null; -1 and 0 are how repos write that a number is not set."""
        return [key for key in self.survey.find(names)[: MAX_CANDIDATES + 1] if not _is_unset(self.view.get(key))]

    def only(self, names: Iterable[str], *, may_run_code: bool = True) -> tuple[str, int] | None:
        """Return the key and the whole number that all keys of these names agree on, without noting anything."""
        keys = self.survey.find(names)
        if len(keys) > MAX_CANDIDATES:
            return None
        if not may_run_code and any(self.view.runs_code(key) for key in keys):
            return None
        read = {key: whole(key, key, self.view.get(key)) for key in keys if self.view.get(key) is not None}
        numbers = {key: value for key, value in read.items() if isinstance(value, int)}
        return next(iter(numbers.items())) if len(set(numbers.values())) == 1 and len(numbers) == len(read) else None

    def settled(self, name: str) -> bool:
        """Tell whether a field has been noted already, as found, ambiguous or impossible."""
        return name in self.notes.origins or self.notes.speaks_of(name)

    def length(self) -> int | None:
        """Return the training length: what the model's code trains on, else a length of the data or the run, else the model's context."""
        if "sequence_length" in self.given:
            return int(self.given["sequence_length"])
        own = [key for key in self.length_keys if self.view.get(key) is not None]
        if own:
            return self.pick("sequence_length", own)
        model = {origin.key for name, origin in self.notes.origins.items() if name == "max_positions"}
        keys = [key for key in self.survey.find(LENGTHS) if key not in model and self._is_a_length(key)]
        elsewhere = [key for key in keys if not self._is_of_the_model(key) and self.view.get(key) is not None]
        found = self.pick("sequence_length", elsewhere or keys)
        if found is not None and not elsewhere:
            key = self.notes.origins["sequence_length"].key
            self.notes.origins["sequence_length"] = Origin(key=key, assumed=True, because=f"the model's {key}, as no other length is set")
        return found if self.settled("sequence_length") else self._context()

    def _is_a_length(self, key: str) -> bool:
        """Tell whether a key is a length by its name; ``block_size`` is one of a training script's, and much else elsewhere."""
        node, _, name = key.rpartition(".")
        if name.lower() != "block_size":
            return True
        beside = {word.lower() for word in self.survey.nodes.get(node, ())}
        return bool(beside & _BESIDE_A_BLOCK) or bool(set(node.lower().split(".")[-1].split("_")) & {"data", "datamodule", "dataset"})

    def _is_of_the_model(self, key: str) -> bool:
        node = key.rpartition(".")[0]
        return self.model_node is not None and node != "" and (node == self.model_node or self.model_node.startswith(f"{node}."))

    def _context(self) -> int | None:
        origin = self.notes.origins.get("max_positions")
        context: int | None = getattr(self.shape, "max_positions", None)
        if context is None or origin is None or origin.key is None:
            return None
        # nanoGPT trains on block_size; elsewhere a context is an upper bound that a run need not fill.
        is_training_length = origin.key.endswith("block_size")
        because = "" if is_training_length else "the model's context, as no training length is set"
        self.notes.origins["sequence_length"] = Origin(key=origin.key, assumed=not is_training_length, because=because)
        return context

    def devices(self, keys: Iterable[str], node_keys: Iterable[str] = ()) -> int | None:
        """Return the number of devices: config, else environment or launcher, else ``assume.devices``, else ``None``.

        ``keys`` count the devices of one of the ``node_keys``' nodes. Zero devices, as on a login node, are no count.
        """
        if "num_devices" in self.given:
            return int(self.given["num_devices"])
        for key in keys:
            per_node = device_count(self.view.get(key))
            if per_node is not None:
                return self._times_nodes(key, per_node, node_keys)
        found = world_size(self.view, self.environ)
        if found is not None:
            self.notes.origins["num_devices"] = found[1]
            return found[0]
        assumed: int | None = self.assume.get("devices")
        if assumed:
            key = f"{self.prefix}.assume.devices"
            self.notes.origins["num_devices"] = Origin(key=key, assumed=True, because=key)
        return assumed

    def _times_nodes(self, key: str, per_node: int, node_keys: Iterable[str]) -> int | None:
        set_nodes = {name: self.view.get(name) for name in node_keys if self.view.get(name) is not None}
        if not set_nodes:
            self.notes.origins["num_devices"] = Origin(key=key)
            return per_node
        node_key, nodes = next(iter(set_nodes.items()))
        checked = whole("num_devices", node_key, nodes)
        if not isinstance(checked, int):
            self.notes.keep(checked)
            return None
        because = f"{per_node} ({key}) x {checked} ({node_key})" if checked > 1 else ""
        self.notes.origins["num_devices"] = Origin(key=key, because=because)
        return per_node * checked

    def is_set(self, key: str) -> bool:
        """Tell whether a key has a value that can be read."""
        value = self.view.get(key)
        return value is not None and not isinstance(value, Unreadable)

    def below(self, node: str, *names: str) -> list[str]:
        """Return the keys of these children that a node has, whatever their values are."""
        return [join(node, name) for name in names if name in self.survey.nodes.get(node, ())]


def _is_unset(value: Any) -> bool:
    return value is None or (type(value) is int and value in (-1, 0))


def steps(clues: Clues, keys: Iterable[str]) -> int | None:
    """Return the steps of the run; -1 is how trainers write that nothing limits them, and tells nothing."""
    if "num_steps" in clues.given:
        return int(clues.given["num_steps"])
    values = {key: clues.view.get(key) for key in keys}
    unlimited = [key for key, value in values.items() if value == -1]
    found = clues.pick("num_steps", [key for key in values if key not in unlimited])
    if found is None and unlimited and not clues.settled("num_steps"):
        reason = f"{unlimited[0]} is -1: no limit on the steps{epochs_alone(clues)}"
        clues.notes.unknowns.append(Unknown(field="num_steps", key=unlimited[0], reason=reason, remedies=(f"{unlimited[0]}=100000",)))
    return found


def epochs_alone(clues: Clues) -> str:
    """Say which key tells epochs, which are no number of steps while the size of the dataset is not known."""
    found = clues.set_keys(EPOCHS)
    return f" ({found[0]}={shown(clues.view.get(found[0]))} alone does not tell, without the size of the dataset)" if found else ""


def dataset_sequences(clues: Clues) -> tuple[str, int] | None:
    """Return how many training sequences the dataset has, and the key that says so; ``None`` where none or several do.

    A name of the ``__train_len`` kind is a hint for the learning rate's schedule in the repos that have it, not the dataset's length.
    """
    return clues.only(DATASET_SEQUENCES)


def hinted_sequences(clues: Clues) -> tuple[str, int] | None:
    """Return how many training sequences a hint says that there are."""
    return clues.only(HINTS_AT_SEQUENCES)


def accumulation(clues: Clues, keys: Iterable[str]) -> int | None:
    """Return the gradient accumulation that the config has, ``None`` where it has none."""
    if "gradient_accumulation" in clues.given:
        return int(clues.given["gradient_accumulation"])
    return clues.pick("gradient_accumulation", keys)


def micro_batch(clues: Clues) -> int | None:
    """Return the sequences of one device and forward pass; a bare ``batch_size`` may be that or the whole step's, told apart later."""
    if "micro_batch_sequences" in clues.given:
        return int(clues.given["micro_batch_sequences"])
    plain = clues.set_keys(PER_DEVICE_BATCH)
    return clues.pick("micro_batch_sequences", plain or clues.survey.find(ANY_BATCH))

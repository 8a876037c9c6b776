"""Stage 1, the purpose: what a run is for. The laws about pre-training speak of pre-training from scratch, of language models only.

Each reader looks for one kind of evidence in the keys that carry its names, and tells what the first of them says. No other value is
looked at, and one that cannot be read says nothing. The names stand in ``intent_signs``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from scalecheck import intent_signs as signs
from scalecheck.evidence import Evidence, Leaf, is_off, must_be_given
from scalecheck.facts import ModelShape
from scalecheck.intent_data import (
    Intent,
    is_number,
    no_language,
    of_parts,
    of_word,
    only_evaluated,
    other_data,
    says,
    told_by_presence,
)
from scalecheck.intent_signs import words_of
from scalecheck.survey import Survey, join

__all__ = ["Intent", "read_intent"]
LOADS = "weights are loaded"
_BATCHES_OF_AN_EPOCH = 100
_WEIGHTS_FILE = r"[/\\]|\.(pt|pth|ckpt|bin|safetensors|nemo|npz|msgpack)$"
_SAME_RUN = r"(^|[/_.-])(last|latest|resume)([/_.-]|$)"
_NOT_WEIGHTS = r"Tokenizer|Config|Processor|FeatureExtractor"


def read_intent(survey: Survey, shape: ModelShape | None, choices: Mapping[str, str] = MappingProxyType({})) -> Intent:
    """Tell what a run is for, from the keys that say so; pre-training where nothing else is said.

    ``shape`` is the model that was found, ``choices`` the chosen option of each config group (``hydra.runtime.choices``).
    Words of the run go first, then what is trained on, then what the run starts from.
    """
    evidence = Evidence(survey, shape, choices)
    for reader in _READERS:
        found = reader(evidence)
        if found:
            return found
    return Intent()


def _stages(evidence: Evidence) -> Intent | None:
    """NeMo's launcher runs the stages that it lists, out of all that it composes."""
    stages = evidence.survey.view.get("stages") if evidence.is_there("stages") else None
    if not isinstance(stages, list) or not all(isinstance(stage, str) and stage in signs.STAGES for stage in stages):
        return None
    intents = {signs.STAGES[stage] for stage in stages} - {"evaluate"}
    name = min(intents, default="evaluate")
    return Intent(name=name, reason=f"stages is [{', '.join(stages)}], without training", key="stages")


def _words(evidence: Evidence) -> Intent | None:
    """A word for what is done, such as ``mode: ft`` or ``task._name: translation``."""
    of_nodes = evidence.find(("name", "_name", "_name_", "type"), lambda leaf: leaf.is_at(signs.WORD_NODES))
    for leaf, value in (*evidence.find(signs.WORD_KEYS, Leaf.is_of_the_run), *of_nodes):
        is_free = leaf.name in signs.FREE_TEXT or leaf.is_at(signs.FREE_TEXT) or "/" in str(value)
        intent = of_word(value) or (None if is_free else of_parts(str(value)))
        if intent:
            return says(intent, leaf, value)
    for leaf, value in evidence.find((*signs.LOSS_KEYS, "name", "_name_", "experiment"), _is_a_loss_or_an_experiment):
        intent = of_word(value) or of_parts(str(value))
        if intent in ("finetune", "rl"):
            return says(intent, leaf, value)
    for leaf, value in evidence.find(("dataset_type",)):
        if words_of(str(value)) & signs.TALKS:
            return says("finetune", leaf, value)
    return None


def _is_a_loss_or_an_experiment(leaf: Leaf) -> bool:
    if leaf.name in signs.LOSS_KEYS or leaf.is_at(signs.LOSS_KEYS):
        return all(step in (*signs.RUN_NODES, *signs.MODEL_NODES, *signs.LOSS_KEYS) for step in leaf.steps)
    return leaf.name == "experiment" and leaf.is_of_the_run()


def _switches(evidence: Evidence) -> Intent | None:
    for leaf, value in evidence.find(signs.SWITCHES, lambda leaf: _is_a_switch(leaf, evidence.survey.nodes[leaf.node])):
        if value is True:
            return says(signs.SWITCHES[leaf.name], leaf, value)
    for leaf in evidence.find_false(signs.TRAIN_SWITCHES):
        if leaf.is_of_the_run():
            return says("evaluate", leaf, False, "nothing is trained")
    return None


def _is_a_switch(leaf: Leaf, beside: tuple[str, ...]) -> bool:
    is_at_weights = leaf.is_at(signs.WEIGHT_NODES) or (not leaf.is_beside_the_model() and bool(signs.LOADS_BESIDE & set(beside)))
    return leaf.is_of_the_run() or (signs.SWITCHES[leaf.name] == "finetune" and is_at_weights)


def _trials(evidence: Evidence) -> Intent | None:
    """Lightning's ways to run a few batches only (lightning/pytorch/trainer/trainer.py)."""
    for leaf, value in evidence.find(("fast_dev_run", "overfit_batches")):
        if value is True or (is_number(value) and value > 0):
            return says("smoke", leaf, value)
    for leaf, value in evidence.find(("limit_train_batches",)):
        # A whole number counts batches, and a large one makes epochs of an endless dataset; a fraction is one of the dataset.
        is_few = value < _BATCHES_OF_AN_EPOCH if type(value) is int else isinstance(value, float) and value < 1.0
        if is_few:
            return says("smoke", leaf, value)
    return None


def _chosen(evidence: Evidence) -> Intent | None:
    """A chosen option such as ``debug=fdr`` or ``experiment=finetune_glue``."""
    for group, option in sorted(evidence.choices.items()):
        last, word = group.partition("@")[0].rpartition("/")[2].lower(), str(option).lower()
        if last not in signs.CHOICE_GROUPS or word in signs.OFF:
            continue
        intent = _of_option(word)
        if last == "debug" and (word != "default" or not evidence.is_there("debug")):
            intent = (
                "smoke"  # an option named default that fills a node is what is there without a choice; one that does not changes the run
            )
        if intent:
            return Intent(name=intent, reason=f"{group}={option} is chosen", key=group)
    return None


def _of_option(option: str) -> str | None:
    return "smoke" if option.rpartition("/")[2] in signs.WORDS["smoke"] else of_parts(option)


def _reinforced(evidence: Evidence) -> Intent | None:
    for leaf, value in evidence.find(signs.RL_KEYS):
        return says("rl", leaf, value)
    for node, intent in evidence.survey.by_names(_tuning):
        if not _is_switched_off(evidence, node):
            return Intent(name=intent, reason=f"{node} is set", key=node)
    for leaf, value in _classes(evidence):
        package, name = value.partition(".")[0], value.rpartition(".")[2].lower()
        is_reinforced = ".rlhf." in value if package == "torchtune" else name.startswith(signs.RL_CLASSES)
        if package in signs.POST_TRAINING or (package == "torchtune" and is_reinforced):
            return says("rl" if is_reinforced else "finetune", leaf, value)
    return None


def _tuning(survey: Survey) -> list[tuple[str, str]]:
    split = [(node, node.lower().split(".")) for node in survey.nodes]
    return [(node, signs.TUNING_NODES[steps[-1]]) for node, steps in split if steps[-1] in signs.TUNING_NODES
            and signs.RUN_NODES.issuperset(steps[:-1])]  # fmt: skip


def _distilled(evidence: Evidence) -> Intent | None:
    """A teacher's model that is set; a momentum teacher of self-supervised training has settings, and no model of its own."""
    for leaf, value in evidence.find(signs.TEACHERS):
        if isinstance(value, str):
            return says("distill", leaf, value)
    names = (*signs.LOADED_BY_NAME, *signs.LOADED_FILES, *signs.LOADED, "name", "path", "name_or_path", "_target_", "_component_")
    for leaf, value in evidence.find(names, lambda leaf: bool(set(leaf.steps) & signs.TEACHERS)):
        if isinstance(value, str):
            return says("distill", leaf, value, "there is a teacher")
    return None


def _adapted(evidence: Evidence) -> Intent | None:
    """Low-rank and other adapters that are on: they are put on weights that were trained before."""
    for leaf, value in evidence.find(("lora_rank", "lora_r", "lora_dim")):
        if is_number(value) and value > 0 and not _is_switched_off(evidence, leaf.node):
            return says("finetune", leaf, value, "adapters are trained")
    for leaf, value in evidence.find(signs.LORA_SIZES | signs.LORA_SWITCHES, lambda leaf: leaf.is_at(signs.LORA_NODES)):
        is_size = leaf.name in signs.LORA_SIZES and is_number(value) and value > 0
        if (is_size or value is True) and not _is_switched_off(evidence, leaf.node):
            return says("finetune", leaf, value, "adapters are trained")
    for leaf, value in evidence.find(signs.LORA_CHOICES):
        if of_word(value) == "finetune" and not _is_switched_off(evidence, leaf.node):
            return says("finetune", leaf, value, "adapters are trained")
    classes = (found for found in _classes(evidence) if found[1].startswith("peft.") and not _is_switched_off(evidence, found[0].node))
    return next((says("finetune", leaf, value) for leaf, value in classes), None)


def _loaded(evidence: Evidence) -> Intent | None:
    """Where weights are loaded from, by the name of the key alone."""
    for leaf, value in evidence.find(signs.LOADED | signs.LOADED_OR_SWITCH):
        is_scratch = isinstance(value, str) and value.lower() in signs.SCRATCH
        if is_number(value) or is_scratch or leaf.is_beside_the_model() or leaf.is_about_data() or _is_declined(evidence, leaf):
            continue
        return says("finetune", leaf, value, LOADS)
    for name in sorted(signs.LOADED):
        for leaf in evidence.leaves.get(name, ()):
            if must_be_given(evidence.survey.view.get(leaf.key)) and not leaf.is_beside_the_model():
                return says("finetune", leaf, "???", "weights must be given")
    return None


def _loaded_by_place(evidence: Evidence) -> Intent | None:
    """A file of weights at a node of the model, and the ways of single codes."""
    for leaf, value in evidence.find(signs.LOADED_FILES, lambda leaf: leaf.is_at(signs.MODEL_NODES)):
        is_file = isinstance(value, str) and bool(re.search(_WEIGHTS_FILE, value)) and not re.search(_SAME_RUN, value.lower())
        if is_file and not _is_declined(evidence, leaf):
            return says("finetune", leaf, value, LOADS)
    for leaf, value in evidence.find(("checkpoint_dir",), lambda leaf: leaf.is_at(("pretrained_checkpoint", "restore_from_ckpt"))):
        return says("finetune", leaf, value, LOADS)
    for leaf, value in evidence.find(("init_from",), Leaf.is_of_the_run):  # nanoGPT, train.py: scratch, resume, or gpt2*
        if isinstance(value, str) and value.lower() not in signs.SCRATCH:
            return says("finetune", leaf, value, LOADS)
    for leaf, value in evidence.find(("reset_optimizer",)):  # fairseq, checkpoint_utils.py: other weights, with a new optimizer
        file = join(leaf.node, "restore_file")
        restored = evidence.survey.view.get(file)
        is_same = isinstance(restored, str) and (is_off(restored) or re.search(_SAME_RUN, restored))
        if value is True and restored is not None and not is_same:
            return says("finetune", leaf, value, f"weights are loaded from {file}")
    for node, steps in evidence.nodes.items():  # NeMo: a node that is there to be filled in
        if steps and steps[-1] == "pretrained_checkpoint":
            return Intent(name="finetune", reason=f"{node} is set: weights must be given", key=node)
    return None


def _loaded_by_class(evidence: Evidence) -> Intent | None:
    for leaf, value in _classes(evidence):
        owner, _, method = value.rpartition(".")
        if method == "from_pretrained" and not re.search(_NOT_WEIGHTS, owner):
            return says("finetune", leaf, value, LOADS)
        if leaf.is_at(("checkpointer",)) and value.startswith("torchtune."):  # torchtune's recipes start from a checkpoint
            return says("finetune", leaf, value, LOADS)
    return None


def _loaded_by_name(evidence: Evidence) -> Intent | None:
    """The name of a model on the hub, where nothing says that its weights are not taken."""
    if any(value is True for _, value in evidence.find(signs.RANDOM)) or any(evidence.find_false(signs.LOADED_OR_SWITCH)):
        return None
    if any(isinstance(value, str) and "scratch" in value.lower() for _, value in evidence.find(("init_from", "init"))):
        return None
    for leaf, value in evidence.find((*signs.LOADED_BY_NAME, "name_or_path"), _may_name_weights):
        target = evidence.survey.view.get(join(leaf.node, "_target_"))
        is_config = isinstance(target, str) and re.search(_NOT_WEIGHTS, target)
        if isinstance(value, str) and not is_config and (leaf.name != "base_model" or "/" in value):
            return says("finetune", leaf, value, LOADS)
    if signs.SIZES & evidence.leaves.keys():
        return None
    is_not_random = any(evidence.find_false(signs.RANDOM))  # a name alone says what is built, and not with which weights
    for leaf, value in evidence.find(signs.HUB_NAMES, _may_name_a_model):
        is_name = isinstance(value, str) and re.fullmatch(signs.HUB_NAME, value) and not re.search(signs.FILE_NAME, value)
        if is_name and (is_not_random or re.search(signs.TUNED_NAME, value.lower())):
            return says("finetune", leaf, value, "its weights are not random" if is_not_random else "a model that was tuned before")
    return None


def _may_name_weights(leaf: Leaf) -> bool:
    is_aside = leaf.is_beside_the_model() or leaf.is_about_data()
    return not is_aside and (leaf.name != "name_or_path" or leaf.is_at(signs.MODEL_NODES))


def _may_name_a_model(leaf: Leaf) -> bool:
    return leaf.is_at(signs.MODEL_NODES) if leaf.name == "name" else leaf.is_of_the_run() or leaf.is_at(signs.MODEL_NODES)


def _continued(evidence: Evidence) -> Intent | None:
    """Weights that a new run starts from; those of the run's own folder resume it."""
    saved = [folder for _, folder in evidence.find(signs.SAVED, Leaf.is_of_the_run) if isinstance(folder, str)]
    for leaf, value in evidence.find(signs.CONTINUED | signs.LOADED_OR_RESUMED, _is_a_start):
        if not isinstance(value, str):
            continue
        is_last = value.lower() in signs.SCRATCH or re.search(_SAME_RUN, value.lower())
        is_own = any(value.startswith(folder) for folder in saved) or (leaf.name in signs.LOADED_OR_RESUMED and is_last)
        if not is_own or evidence.survey.view.get(join(leaf.node, "load_weights_only")) is True:  # Composer's Trainer
            return says("continue", leaf, value, LOADS)
    return None


def _is_a_start(leaf: Leaf) -> bool:
    is_of_the_run = leaf.is_of_the_run() or (leaf.name != "load_path" and leaf.is_at(signs.WEIGHT_NODES))
    return not leaf.is_beside_the_model() and (leaf.name not in signs.LOADED_OR_RESUMED or is_of_the_run)


def _classes(evidence: Evidence) -> Iterator[tuple[Leaf, str]]:
    for leaf, value in evidence.find(("_target_", "_component_", "class_path"), lambda leaf: not leaf.is_beside_the_model()):
        if isinstance(value, str):
            yield leaf, value


def _is_declined(evidence: Evidence, leaf: Leaf) -> bool:
    """Tell whether a switch beside a key says that nothing is loaded."""
    return any(evidence.survey.view.get(join(leaf.node, name)) is False for name in signs.LOADED_OR_SWITCH if name != leaf.name)


def _is_switched_off(evidence: Evidence, node: str) -> bool:
    """Tell whether a switch at a node, or one for adapters beside it or above it, is false."""
    if any(evidence.survey.view.get(join(node, name)) is False for name in signs.LORA_SWITCHES):
        return True
    return any(not leaf.node or f"{node}.".startswith(f"{leaf.node}.") for leaf in evidence.find_false(signs.LORA_OFF))


_READERS: tuple[Callable[[Evidence], Intent | None], ...] = (
    _stages, _words, _switches, _trials, _chosen, only_evaluated, _reinforced, told_by_presence, other_data, _distilled, _adapted, _loaded,
    _loaded_by_place, _loaded_by_class, _loaded_by_name, _continued, no_language,
)  # fmt: skip

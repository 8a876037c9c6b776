"""Stage 1, the purpose: the evidence for it, key by key, and what it says about the data, which a language model's laws ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scalecheck import intent_signs as signs
from scalecheck.facts import ModelShape, Unreadable
from scalecheck.survey import Survey, is_aside, join

NO_LANGUAGE = "nothing in the config speaks of a language model"
_CLASS_KEYS = ("_target_", "_component_", "class_path")
_WORD = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_ENVIRONMENT = re.compile(r"[A-Za-z]+-v\d+")  # CartPole-v1, as gymnasium registers them
_PLACES = ("/", "~", ".", "s3:", "gs:", "http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a run is for; ``reason`` is a clause for the report, ``""`` for pre-training, and ``key`` its ground.

    ``name`` is one of pretrain, finetune, continue, rl, distill, evaluate, smoke, and other, which is no language model.
    """

    name: str = "pretrain"
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A key with a value: its name and the names of the nodes that it is in, in lower case."""

    key: str
    node: str
    name: str
    steps: tuple[str, ...]

    def is_of_the_run(self) -> bool:
        """Tell whether every node that it is in is about the whole run."""
        return all(step in signs.RUN_NODES for step in self.steps)

    def is_at(self, nodes: Iterable[str]) -> bool:
        """Tell whether the node that it stands in has one of these names."""
        return bool(self.steps) and self.steps[-1] in nodes

    def is_beside_the_model(self) -> bool:
        """Tell whether it is about something else than the model that is trained: a tokenizer, a teacher, a metric."""
        return any(step in signs.SIDE_NODES or step.startswith("tokenizer") for step in self.steps)

    def is_about_data(self) -> bool:
        """Tell whether it is about the data; a model that is named there has the tokenizer."""
        return any(step in signs.DATA_NODES for step in self.steps)


@dataclass(slots=True)
class Evidence:
    """A survey by the last names of its leaves, without what concerns evaluation, optimisers and callbacks."""

    survey: Survey
    shape: ModelShape | None
    choices: Mapping[str, str]
    leaves: dict[str, list[Leaf]] = field(default_factory=dict)
    nodes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the leaves by name. A checkpoint is no side matter here: what a run starts from may stand there."""
        for node, children in self.survey.nodes.items():
            steps = tuple(step for step in node.lower().split(".") if step)
            if is_aside(".".join(step for step in steps if step not in signs.START_NODES)):
                continue
            self.nodes[node] = steps
            for child in children:
                key = join(node, child)
                if key not in self.survey.nodes:
                    self.leaves.setdefault(child.lower(), []).append(Leaf(key, node, child.lower(), steps))

    def find(self, names: Iterable[str], where: Callable[[Leaf], bool] = lambda _: True) -> Iterator[tuple[Leaf, Any]]:
        """Yield the leaves of these names that are on, with their values: not null, false, empty, or a word for one of these.

        Those that are not ``where`` they tell something are not read.
        """
        for name in sorted(names):
            for leaf in filter(where, self.leaves.get(name, ())):
                value = self.survey.view.get(leaf.key)
                if not isinstance(value, Unreadable) and not is_off(value):
                    yield leaf, value

    def find_false(self, names: Iterable[str]) -> Iterator[Leaf]:
        """Yield the leaves of these names that are false."""
        for name in sorted(names):
            yield from (leaf for leaf in self.leaves.get(name, ()) if self.survey.view.get(leaf.key) is False)

    def is_there(self, name: str) -> bool:
        """Tell whether the root has a child of this name."""
        return name in self.survey.nodes.get("", ())


def is_off(value: Any) -> bool:
    """Tell whether a value says no: null, false, zero, nothing, or a word for one of these."""
    if isinstance(value, str):
        return value.strip().lower() in signs.OFF
    return value is None or value is False or value == 0 or (isinstance(value, list | dict | tuple) and not value)


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, which a switch is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def says(intent: str, leaf: Leaf, value: Any, meaning: str = "") -> Intent:
    """Return an intent with its ground: the key, its value, and what that means."""
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    short = text if len(text) <= 60 else f"{text[:57]}..."
    return Intent(name=intent, reason=f"{leaf.key} is {short}{f': {meaning}' if meaning else ''}", key=leaf.key)


def of_word(value: Any) -> str | None:
    """Return the intent that a whole word stands for."""
    word = value.lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else None
    return next((intent for intent, words in signs.WORDS.items() if word in words), None)


def of_parts(name: str) -> str | None:
    """Return the intent that one of the words of a name stands for, unless another says pre-training or turns it around."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    if any(word.startswith(("pretrain", "scratch")) or word in signs.NOT_SO for word in words):
        return None
    return next((intent for intent, telling in signs.OPTION_WORDS.items() if telling & set(words)), None)


def told_by_presence(evidence: Evidence) -> Intent | None:
    """A key that only code for one purpose has, whatever stands there."""
    for node, steps in evidence.nodes.items():
        for child in evidence.survey.nodes[node]:
            intent = signs.PRESENT.get(child.lower())
            is_template = child == "chat_template" and bool(steps) and steps[-1] in signs.DATA_NODES
            if intent or (is_template and not is_off(evidence.survey.view.get(join(node, child)))):
                key = join(node, child)
                return Intent(name=intent or "finetune", reason=f"{key} is there, which pre-training does not ask for", key=key)
    return None


def only_evaluated(evidence: Evidence) -> Intent | None:
    """Tasks or a checkpoint, in a config without one key of training: lingua's apps/main/eval.py, llm-foundry's eval/eval.py."""
    tasks = [key for node, steps in evidence.nodes.items() if all(step in (*signs.RUN_NODES, *signs.EVALUATED) for step in steps)
             for child in evidence.survey.nodes[node] if child.lower() in signs.EVALUATED for key in [join(node, child)]]  # fmt: skip
    tasks += [leaf.key for leaf, value in evidence.find(signs.TESTED, Leaf.is_of_the_run) if isinstance(value, str)]
    if not tasks or evidence.survey.is_cut_short or any(_trains(evidence, node) for node in evidence.nodes):
        return None
    return Intent(name="evaluate", reason=f"{tasks[0]} is set, and no key speaks of steps, epochs or an optimizer", key=tasks[0])


def _trains(evidence: Evidence, node: str) -> bool:
    names = evidence.survey.nodes[node]
    is_generator = any(step.startswith("gen") for step in evidence.nodes[node])
    return any(words_of(name) & signs.TRAINS or (name in signs.TRAINED_TOKENS and not is_generator) for name in names)


def other_data(evidence: Evidence) -> Intent | None:
    """Tell from the model's head, from keys, classes and names of datasets that what is read is no language, or is instructions."""
    shape = evidence.shape
    if shape is not None and shape.head in ("image_classification", "speech_seq2seq"):
        return Intent(name="other", reason=f"{shape.family} is trained as {shape.head}")
    return _evident_data(evidence) or _classes(evidence) or _measured_data(evidence) or _named_data(evidence) or _hinted_data(evidence)


def no_language(evidence: Evidence) -> Intent | None:
    """Tell that there is neither a model that is known, nor a word of language anywhere: this config is about something else."""
    if evidence.shape is not None or any(_speaks_of_language(name) for key in evidence.survey.keys() for name in [key.rpartition(".")[2]]):
        return None
    for _, text in _identities(evidence):
        if words_of(text) & signs.LANGUAGE_WORDS or any(part in text.lower() for part in signs.LANGUAGE_PARTS):
            return None
    return Intent(name="other", reason=NO_LANGUAGE)


def words_of(name: str) -> set[str]:
    """Return the words of a name, also of a class in capitals, with and without the digits at their ends."""
    lower = name.lower()
    words = {word.lower() for word in _WORD.findall(name)} | set(re.split(r"[^a-z0-9]+", lower)) | set(re.split(r"[^a-z0-9_]+", lower))
    return words | {word.rstrip("0123456789") for word in words}


def _evident_data(evidence: Evidence) -> Intent | None:
    for kind, names in signs.EVIDENT.items():
        for leaf, value in evidence.find(names):
            return says("other", leaf, value, f"its data are {kind}")
        for node, steps in evidence.nodes.items():
            if steps and steps[-1] in names:
                return Intent(name="other", reason=f"{node} is set: its data are {kind}", key=node)
    return None


def _classes(evidence: Evidence) -> Intent | None:
    """A head of classes at the model, which transformers counts in ``num_labels``; as many as there are tokens are no classes."""
    for leaf, value in evidence.find(("num_labels",), lambda leaf: leaf.is_of_the_run() or leaf.is_at(signs.MODEL_NODES)):
        if is_number(value) and value > 0 and value != evidence.survey.view.get(join(leaf.node, "vocab_size")):
            return says("other", leaf, value, "its data are classes")
    for node, steps in evidence.nodes.items():
        if steps and steps[-1] == "tasks" and all(step in signs.RUN_NODES for step in steps[:-1]):
            named = [task for task in evidence.survey.nodes[node] if task.lower().replace("-", "_") in signs.TASKS]
            if named:
                return Intent(name="other", reason=f"{join(node, named[0])} is set: its data are texts to classify", key=node)
    return None


def _measured_data(evidence: Evidence) -> Intent | None:
    for leaf, value in evidence.find(signs.SAMPLE_RATES):
        if is_number(value) and value >= signs.LOWEST_SAMPLE_RATE:
            return says("other", leaf, value, "its data are audio")
    for leaf, value in evidence.find(("env_name", "env")):
        if isinstance(value, str) and _ENVIRONMENT.fullmatch(value):
            return says("other", leaf, value, "its data are an environment")
    for leaf, value in evidence.find(("loss", "_name_", "name"), _is_a_loss):
        if str(value).lower() in signs.LOSSES:
            return says("other", leaf, value, "no loss of a language model")
    return None


def _is_a_loss(leaf: Leaf) -> bool:
    return (leaf.name == "loss" or leaf.is_at(("loss",))) and all(step in (*signs.RUN_NODES, "loss") for step in leaf.steps)


def _named_data(evidence: Evidence) -> Intent | None:
    for leaf, text in _identities(evidence):
        kind = _kind_of_class(text) if leaf.name in _CLASS_KEYS else None
        kind = kind or _kind_of(text)
        if kind:
            return says(_intent_of(kind), leaf, text, f"its data are {kind}")
    for group, option in sorted(evidence.choices.items()):
        kind = _kind_of(str(option)) if group.partition("@")[0].rpartition("/")[2].lower() in signs.DATA_GROUPS else None
        if kind:
            return Intent(name=_intent_of(kind), reason=f"{group}={option} is chosen: its data are {kind}", key=group)
    return None


def _intent_of(kind: str) -> str:
    return "finetune" if kind == "instructions" else "other"


def _kind_of(name: str) -> str | None:
    words = words_of(name)
    return next((kind for kind, known in signs.KINDS.items() if words & known), None)


def _hinted_data(evidence: Evidence) -> Intent | None:
    for kind, names in signs.HINTS.items():
        found = {leaf.name: (leaf, value) for leaf, value in evidence.find(names, lambda leaf: not leaf.is_beside_the_model())}
        if len(found) > 1:
            name = next(iter(found))
            return says("other", *found[name], f"with {' and '.join(other for other in found if other != name)}, its data are {kind}")
    return None


def _identities(evidence: Evidence) -> Iterator[tuple[Leaf, str]]:
    """Yield what names a class, a model or a dataset. A path names a place, and nobody knows what is in it."""
    for leaf, value in evidence.find(signs.IDENTITY | signs.PLACED, _is_an_identity):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not text.startswith(_PLACES):
                yield leaf, text


def _is_an_identity(leaf: Leaf) -> bool:
    placed = (*signs.MODEL_NODES, *signs.DATA_NODES, "task", "criterion", "solver")
    return not leaf.is_beside_the_model() and (leaf.name not in signs.PLACED or leaf.is_at(placed))


def _kind_of_class(path: str) -> str | None:
    package, _, rest = path.partition(".")
    if rest.startswith(("optim", "scheduler", "utils")):
        return None
    by_package = next((kind for kind, packages in signs.PACKAGES.items() if package in packages), None)
    name = path.rpartition(".")[2].lower()
    return by_package or next((kind for kind, endings in signs.CLASSES if any(ending in name for ending in endings)), None)


def _speaks_of_language(name: str) -> bool:
    return name.lower() in signs.LANGUAGE_NAMES or bool(words_of(name) & signs.LANGUAGE_WORDS)

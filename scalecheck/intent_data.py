"""Stage 1, the purpose: what the evidence says about the data, which a language model's laws ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scalecheck import intent_signs as signs
from scalecheck.evidence import Evidence, Leaf, is_off, split_nodes
from scalecheck.intent_signs import words_of
from scalecheck.survey import Survey, join
from scalecheck.values import dataclass

NO_LANGUAGE = "nothing in the config speaks of a language model"
_CLASS_KEYS = ("_target_", "_component_", "class_path")
_ENVIRONMENT = r"[A-Za-z]+-v\d+"  # CartPole-v1, as gymnasium registers them
_PLACES = ("/", "~", ".", "s3:", "gs:", "http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a run is for; ``reason`` is a clause for the report, ``""`` for pre-training, and ``key`` its ground.

    ``name`` is one of pretrain, finetune, continue, rl, distill, evaluate, smoke, and other, which is no language model.
    """

    name: str = "pretrain"
    reason: str = ""
    key: str | None = None


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
    for key, intent in evidence.survey.by_names(_telling):
        if intent or not is_off(evidence.survey.view.get(key)):
            return Intent(name=intent or "finetune", reason=f"{key} is there, which pre-training does not ask for", key=key)
    return None


def _telling(survey: Survey) -> list[tuple[str, str | None]]:
    """Return the keys that tell by being there, each with its intent; ``None`` for a template of talks, which may be off."""
    told = [(join(node, child), signs.PRESENT.get(child.lower()), child == "chat_template" and steps[-1:] and steps[-1] in signs.DATA_NODES)
            for node, steps in survey.by_names(split_nodes).items() for child in survey.nodes[node]]  # fmt: skip
    return [(key, intent) for key, intent, is_template in told if intent or is_template]


def only_evaluated(evidence: Evidence) -> Intent | None:
    """Tasks or a checkpoint, in a config without one key of training: lingua's apps/main/eval.py, llm-foundry's eval/eval.py."""
    tasks = [*evidence.survey.by_names(_tasks)]
    tasks += [leaf.key for leaf, value in evidence.find(signs.TESTED, Leaf.is_of_the_run) if isinstance(value, str)]
    if not tasks or evidence.survey.is_cut_short or any(_trains(evidence, node) for node in evidence.nodes):
        return None
    return Intent(name="evaluate", reason=f"{tasks[0]} is set, and no key speaks of steps, epochs or an optimizer", key=tasks[0])


def _tasks(survey: Survey) -> list[str]:
    places = signs.RUN_NODES | set(signs.EVALUATED)
    nodes = [node for node, steps in survey.by_names(split_nodes).items() if places.issuperset(steps)]
    return [join(node, child) for node in nodes for child in survey.nodes[node] if child.lower() in signs.EVALUATED]


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


def _evident_data(evidence: Evidence) -> Intent | None:
    nodes = evidence.survey.by_names(_nodes_by_name)
    for kind, names in signs.EVIDENT.items():
        for leaf, value in evidence.find(names):
            return says("other", leaf, value, f"its data are {kind}")
        if (node := next((node for name, node in nodes.items() if name in names), None)) is not None:
            return Intent(name="other", reason=f"{node} is set: its data are {kind}", key=node)
    return None


def _nodes_by_name(survey: Survey) -> dict[str, str]:
    """Return the first node of each last name, in the order of the nodes."""
    found: dict[str, str] = {}
    for node, steps in survey.by_names(split_nodes).items():
        if steps:
            found.setdefault(steps[-1], node)
    return found


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
        if isinstance(value, str) and re.fullmatch(_ENVIRONMENT, value):
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

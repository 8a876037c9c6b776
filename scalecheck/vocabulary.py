"""Stage 1, the vocabulary: the tokenizer that a config names, and how many tokens it has, where no key says how many rows the model has.

What a model's code makes of a tokenizer (a mask token more, rows of padding) is its dialect's to say; without one it is assumed that there
are as many rows as tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from scalecheck.facts import Unknown, Unreadable
from scalecheck.survey import LARGEST_SIZE, Survey, is_aside, join
from scalecheck.text import shown
from scalecheck.tokenizer_files import tokens_on_disk
from scalecheck.values import dataclass

_LEAVES = ("tokenizer_name_or_path", "tokenizer_name", "tokenizer_path", "tokenizer_file", "tokenizer_dir", "tokenizer_id",
           "tokenizer_model", "tokenizer", "pretrained_tokenizer_name_or_path", "tokenizer_type")  # fmt: skip
_IN_ITS_NODE = ("name", "name_or_path", "pretrained_model_name_or_path", "pretrained_model_name", "model_name_or_path", "identifier",
                "type", "path", "vocab_file", "vocab_path", "model", "file")  # fmt: skip
# NeMo's libraries (get_nmt_tokenizer) that are made of files: the type beside them names an algorithm, not a vocabulary.
_FILES_OF_LIBRARIES = {"megatron": ("vocab_file",), "sentencepiece": ("model", "tokenizer_model"), "byte-level": ()}
# Names that hold other things than a tokenizer too: what is not known there tells nothing where another key tells.
_VAGUE = frozenset(("name", "type", "model", "tokenizer_type"))
_ARGUMENTS = ("config", "cfg", "kwargs", "args", "params", "init_args")
_DATA_NODES = ("data", "datamodule", "dataset", "dataloader")
_OTHER_MODELS = frozenset(("teacher", "reward", "critic", "draft", "assistant", "retriever", "reranker", "judge", "metric", "metrics"))
_CLASS_KEYS = ("_target_", "_component_", "class_path")
_LIBRARIES = ("transformers", "tokenizers", "tiktoken")
_ADDING = ("additional_special_tokens", "extra_special_tokens", "special_tokens", "added_tokens", "add_tokens", "new_tokens",
           "extra_tokens", "num_extra_tokens", "num_added_tokens", "extra_ids", "bos_token", "eos_token", "unk_token", "sep_token",
           "pad_token", "cls_token", "mask_token", "add_pad_token", "add_mask_token")  # fmt: skip
_PRESENT = frozenset(("<|endoftext|>", "</s>", "<s>", "<unk>", "eos", "eos_token", "bos_token", "unk_token"))
_PRESENT_WITH_A_MASK = frozenset(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<pad>", "<mask>"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizer:
    """A tokenizer that the config names. ``size`` is its number of tokens, added ones among them; ``because`` says whence it is known.

    ``is_stated``: the size is what a key beside the tokenizer says, which no tokenizer that was looked up confirms.
    """

    name: str
    size: int
    has_mask_token: bool
    key: str
    because: str
    is_stated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """How many rows the token table has, and why; ``assumed`` where that is a choice of ours."""

    rows: int
    key: str
    because: str
    assumed: bool = False


def generic(tokenizer: Tokenizer) -> Vocabulary:
    """Return as many rows as the tokenizer has tokens: what most code does, assumed where the code is not known."""
    because = f"as many rows as there are tokens: {tokenizer.because}"
    return Vocabulary(rows=tokenizer.size, key=tokenizer.key, because=because, assumed=True)


def find_tokenizer(survey: Survey, root: str) -> Tokenizer | Unknown | None:
    """Return the tokenizer that a config names, ``None`` where it names none, or why its size is not known.

    Keys of the model's node and of those beside it are asked first, so that each of several runs in one tree has its own. A size that
    stands at the tokenizer or the data goes before a name. Several must agree, and each name must be known.
    """
    for scope in _scopes(root):
        sizes = list(_explicit(survey, scope))
        if sizes:
            told = [(found.key, found.size) for found in sizes]
            return sizes[0] if len({found.size for found in sizes}) == 1 else _differing(survey, root, told)
        named = [(key, value) for key in _keys(survey, scope) if _is_set(value := survey.view.get(key))]
        if named:
            return _agreed(survey, root, named)
    return None


def _is_set(value: Any) -> bool:
    return value is not None and not isinstance(value, bool) and value != ""


def _scopes(root: str) -> Iterator[str]:
    while root:
        root = root.rpartition(".")[0]
        yield root
    yield ""


def _nodes(survey: Survey, scope: str) -> Iterator[str]:
    """Yield the nodes of a scope, without those of evaluation and of other models."""
    for node in survey.nodes:
        below = node[len(scope) :].lstrip(".") if scope else node
        is_inside = not scope or node == scope or node.startswith(f"{scope}.")
        words = {word for step in below.lower().split(".") for word in step.split("_")}
        if is_inside and not is_aside(below) and not words & _OTHER_MODELS:
            yield node


def _explicit(survey: Survey, scope: str) -> Iterator[Tokenizer]:
    for node in _nodes(survey, scope):
        last = node.rpartition(".")[2].lower()
        if "vocab_size" not in survey.nodes[node] or not ("tokenizer" in last or last in _DATA_NODES):
            continue
        key = join(node, "vocab_size")
        size = survey.view.get(key)
        if type(size) is int and 0 < size <= LARGEST_SIZE:
            yield Tokenizer(name=key, size=size, has_mask_token=False, key=key, because=f"{key} is {size:,}", is_stated=True)


def _keys(survey: Survey, scope: str) -> Iterator[str]:
    for node in _nodes(survey, scope):
        names: tuple[str, ...] = _LEAVES
        if _is_of_a_tokenizer(node):
            library = survey.view.get(join(node, "library")) if "library" in survey.nodes[node] else None
            names = _FILES_OF_LIBRARIES.get(str(library), (*_IN_ITS_NODE, *_LEAVES))
        for name in names:
            if name in survey.nodes[node] and join(node, name) not in survey.nodes:
                yield join(node, name)


def _is_of_a_tokenizer(node: str) -> bool:
    parent, _, last = node.lower().rpartition(".")
    return last.startswith("tokenizer") or (last in _ARGUMENTS and parent.rpartition(".")[2].startswith("tokenizer"))


def _agreed(survey: Survey, root: str, named: list[tuple[str, Any]]) -> Tokenizer | Unknown:
    """Return the one tokenizer of these keys, if all that are sure to name one are known, agree, and nothing beside them adds tokens."""
    known, open_ones = [], []
    for key, value in named:
        found = _looked_up(key, value)
        if isinstance(found, Tokenizer):
            known.append(found)
        else:
            is_vague = key.rpartition(".")[2] in _VAGUE and not (isinstance(value, str) and "/" in value)
            open_ones.append((is_vague, key, found))
    unclear = next((item for item in open_ones if not item[0] or not known), None)
    if unclear is not None:
        reason = f"no key says how many rows the token table has; {unclear[1]} {unclear[2]}"
        return Unknown(field="vocab_size", key=unclear[1], reason=reason, remedies=_lines(survey, root))
    if len({found.size for found in known}) > 1:
        return _differing(survey, root, [(found.key, found.name) for found in known])
    return next((more for found in known if (more := _added_to(survey, root, found))), known[0])


def _looked_up(key: str, value: Any) -> Tokenizer | str:
    """Return what is known of a tokenizer, or the rest of a sentence that begins with its key."""
    if isinstance(value, Unreadable):
        return f"cannot be read ({value.reason})"
    is_path = isinstance(value, str) and (value.startswith(("/", ".", "~")) or value.endswith((".json", ".model", ".txt")))
    unknown = f"is {shown(value)}, {'which is not on this machine' if is_path else 'a tokenizer whose size is not known here'}"
    if not isinstance(value, str) or not 0 < len(value) < 1000 or "\x00" in value:
        return unknown
    try:
        on_disk = tokens_on_disk(Path(value).expanduser())
    except RuntimeError:  # ~somebody, whose home is not known
        on_disk = None
    if isinstance(on_disk, str):
        return f"is {shown(value)}, but {on_disk}"
    if on_disk is not None:
        because = f"{on_disk.path} has {on_disk.size:,} tokens" + (f" ({on_disk.what})" if on_disk.what else "")
        return Tokenizer(name=value, size=on_disk.size, has_mask_token=on_disk.has_mask_token, key=key, because=because)
    name = value.strip()
    found = _table().get(name.lower())
    if found is None:
        return unknown
    return Tokenizer(name=name, size=found[0], has_mask_token=found[1], key=key, because=f"{name} has {found[0]:,} tokens")


@cache
def _table() -> dict[str, tuple[int, bool]]:
    """Return the known tokenizers by name: their tokens, and whether one of them is a mask."""
    import csv
    from importlib.resources import files

    text = (files("scalecheck") / "data" / "tokenizers.csv").read_text(encoding="utf-8")
    return {row["name"].lower(): (int(row["tokens"]), row["mask"] == "yes") for row in csv.DictReader(text.splitlines())}


def _added_to(survey: Survey, root: str, found: Tokenizer) -> Unknown | None:
    """Refuse a tokenizer to which keys of its node add tokens, or which a class that is not of a known library makes of the name."""
    node = found.key.rpartition(".")[0]
    if not _is_of_a_tokenizer(node):
        return None
    parent = node.rpartition(".")[0]
    places = [node, parent] if _is_of_a_tokenizer(parent) else [node]
    places += [join(place, name) for place in tuple(places) for name in _ARGUMENTS]
    present = _PRESENT | (_PRESENT_WITH_A_MASK if found.has_mask_token else frozenset())
    for place in places:
        for name in survey.nodes.get(place, ()):
            key = join(place, name)
            value = survey.view.get(key) if name in (*_ADDING, *_CLASS_KEYS) else None
            if name in _CLASS_KEYS and value is not None and str(value).partition(".")[0] not in _LIBRARIES:
                what = f"{key}={shown(value)}, which may add tokens of its own"
            elif name in _ADDING and not all(token in (None, False, 0, "") or token in present for token in _tokens(value)):
                what = f"{key}={shown(value)} may add tokens"
            else:
                continue
            reason = f"{found.because} ({found.key}), but {what}: how many rows there are is not clear"
            return Unknown(field="vocab_size", key=key, reason=reason, remedies=_lines(survey, root))
    return None


def _tokens(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [token for item in value.values() for token in _tokens(item)]
    if isinstance(value, list | tuple):
        return [token for item in value for token in _tokens(item)]
    return [value]


def _differing(survey: Survey, root: str, told: list[tuple[str, Any]]) -> Unknown:
    listed = ", ".join(f"{key}={shown(value)}" for key, value in told)
    reason = f"several keys could tell the vocabulary: {listed}"
    return Unknown(field="vocab_size", key=told[0][0], reason=reason, remedies=_lines(survey, root))


def _lines(survey: Survey, root: str) -> tuple[str, ...]:
    sign = "" if "vocab_size" in survey.nodes.get(root, ()) else "+"
    return (f"{sign}{join(root, 'vocab_size')}=50257", "+hydra.callbacks.scalecheck.read.vocab_size=50257")

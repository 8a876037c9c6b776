"""fairseq (facebookresearch/fairseq): ``model._name`` or an architecture's name beside ``task._name``, under any prefix.

Most sizes stand in fairseq's code, so they are taken from there: ``roberta`` and its named architectures are functions that fill in what
the config leaves out (fairseq/models/roberta/model.py), ``transformer_lm`` is a dataclass (fairseq/models/transformer_lm.py). The named
architectures of ``transformer_lm`` find the dataclass's values already set when Hydra starts the run (``add_defaults`` in
fairseq/dataclass/initialize.py) and leave them: their sizes count only where the config repeats them. The vocabulary is the file
``dict.txt`` in ``task.data``. Read at commit 3d262bb.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import DECLARE, refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, checked, join
from scalecheck.text import shown
from scalecheck.vocabulary import Tokenizer, Vocabulary

RANK = 0
SPELLINGS: Keys = {}
MAX_DICTIONARY_BYTES = 100_000_000
_FRAME = frozenset(("optimization", "dataset", "criterion", "common", "checkpoint", "distributed_training", "optimizer", "lr_scheduler"))
_TASK_LENGTH = 1024
"""``tokens_per_sample`` of MaskedLMConfig and of LanguageModelingConfig (fairseq/tasks), where the config does not set it."""

# fairseq/models/roberta/model.py, the functions of these names; what one leaves out is base_architecture's (the family's defaults).
_ROBERTA: Mapping[str, Mapping[str, Any]] = {
    "roberta": {},
    "roberta_base": {},
    "roberta_prenorm": {"norm_before": True, "embedding_norm": False},
    "roberta_large": {"num_layers": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16},
    "xlm": {"num_layers": 16, "hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 16},
}
_ROBERTA_BASE: Mapping[str, Any] = {
    "num_layers": 12, "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "norm_before": False,
    "embedding_norm": True, "learned_as_named": True, "without_positions": False,
}  # fmt: skip
_LM = "transformer_lm"
_LM_GPT3 = tuple(f"{_LM}_gpt3_{size}" for size in ("small", "medium", "large", "xl", "2_7", "6_7", "13", "175"))
_LM_NAMED = (f"{_LM}_big", f"{_LM}_gpt", *(f"{_LM}_gpt2_{size}" for size in ("small", "tiny", "medium", "big", "big_wide", "bigger")))
_LM_SIZES = ("decoder_layers", "decoder_embed_dim", "decoder_ffn_embed_dim", "decoder_attention_heads")
_SPECIALS = frozenset(("<s>", "<pad>", "</s>", "<unk>"))
_TASKS = {"roberta": "masked_lm", _LM: "language_modeling"}
# Options that add, drop or replace parameters and are not counted; off is false, null, zero or below.
_UNCOUNTED = (
    "adaptive_input", "adaptive_softmax_cutoff", "character_embeddings", "base_layers", "quant_noise_pq", "decoder_layers_to_keep",
    "encoder_layers_to_keep", "scale_fc", "scale_attn", "scale_heads", "scale_resids", "encoder_xformers_att_config",
    "decoder_xformers_att_config", "mha_heads_to_keep", "ffn_blocks_to_remove",
)  # fmt: skip


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the model of every node that is laid out as fairseq's config: a named model and task beside two of its other groups."""
    frames = [node for node in survey.nodes_with("model", "task") if len(_FRAME.intersection(survey.nodes[node])) > 1]
    named = [node for node in frames if isinstance(_name(survey.view, join(node, "task")), str)]
    models = [_model(survey.view, join(node, "model")) for node in named]
    return tuple(model for model in models if model is not None)


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell which of fairseq's models it is, with what its code sets where the config does not."""
    key = join(root, "_name") if view.keys(root) else root
    name = _name(view, root)
    task_key = join(_frame(view, root), "task")
    task = _name(view, task_key)
    owner = _owner(name)
    if owner is None:
        reason = f"{key} is {shown(name)} (task {shown(task)}): of fairseq's models only roberta and transformer_lm are counted"
        return refused(key, reason)
    if task != _TASKS[owner]:
        reason = (
            f"the task is {shown(task)}: {name} is counted as {_TASKS[owner]} builds it, and another task may change its head or tables"
        )
        return refused(task_key, reason)
    for option in _UNCOUNTED:
        value = view.get(join(root, option)) if option in view.keys(root) else None
        is_off = value is None or value is False or (isinstance(value, int | float) and value <= 0)
        if not is_off:
            said = f"cannot be read ({value.reason})" if isinstance(value, Unreadable) else f"is {shown(value)}"
            reason = f"{join(root, option)} {said}: its parameters are not counted"
            return refused(join(root, option), reason)
    return _roberta(view, root, str(name)) if owner == "roberta" else _language_model(view, root, str(name))


def vocabulary(survey: Survey, root: str, tokenizer: Tokenizer | None) -> Vocabulary | Unknown | None:  # noqa: ARG001  one interface
    """Return the rows of the token table: the lines of ``dict.txt``, four special symbols, and ``<mask>`` for a masked-LM task.

    Source: fairseq/data/dictionary.py (``Dictionary``), fairseq/tasks/masked_lm.py. What pads it to a multiple of 8 stands in the file.
    """
    view, task = survey.view, join(_frame(survey.view, root), "task")
    key = join(task, "data")
    lines = (f"{key}=/path/to/the/binarized/data", "+hydra.callbacks.scalecheck.read.vocab_size=50265")
    limit = view.get(join(task, "output_dictionary_size")) if "output_dictionary_size" in view.keys(task) else None
    if limit not in (None, -1):
        reason = f"{join(task, 'output_dictionary_size')} is {shown(limit)}: the head has other rows than the table"
        return Unknown(field="vocab_size", key=join(task, "output_dictionary_size"), reason=reason, remedies=lines[1:])
    value = view.get(key)
    if not isinstance(value, str) or not value or "://" in value:
        said = f"cannot be read ({value.reason})" if isinstance(value, Unreadable) else f"is {shown(value)}"
        return Unknown(field="vocab_size", key=key, reason=f"{key} {said}: the vocabulary is in its dict.txt", remedies=lines)
    words = _words(Path(value.split(os.pathsep)[0]).expanduser() / "dict.txt")
    if isinstance(words, str):
        return Unknown(field="vocab_size", key=key, reason=f"the vocabulary is in {key}'s dict.txt: {words}", remedies=lines)
    is_masked = _name(view, task) == "masked_lm" and "<mask>" not in words
    rows = len(words) + len(_SPECIALS) + is_masked
    because = f"{len(words):,} lines of {key}'s dict.txt + 4 special symbols{' + <mask>' if is_masked else ''}"
    return Vocabulary(rows=rows, key=key, because=because)


def _model(view: View, node: str) -> str | None:
    """Return the node with the model's settings; fairseq's own group ``model/transformer_lm`` puts them one node deeper."""
    names = view.keys(node)
    if names == (_LM,):
        return join(node, _LM)
    return node if isinstance(_name(view, node), str) else None


def _name(view: View, node: str) -> Any:
    """Return the name of a model or task: its ``_name``, the node itself where it is a word, or a group's last step."""
    if not view.keys(node):
        return view.get(node)
    if "_name" in view.keys(node):
        return view.get(join(node, "_name"))
    return _LM if node.rpartition(".")[2] == _LM else None


def _frame(view: View, root: str) -> str:
    """Return the node that has the model's task."""
    node = root.rpartition(".")[0]
    return node if "task" in view.keys(node) else node.rpartition(".")[0]


def _owner(name: Any) -> str | None:
    if name in _ROBERTA:
        return "roberta"
    return _LM if name in (_LM, *_LM_GPT3, *_LM_NAMED) else None


def _roberta(view: View, root: str, name: str) -> FamilyClaim | Unknown:
    positions = _positions(view, (join(_frame(view, root), "task.tokens_per_sample"),))
    if isinstance(positions, Unknown):
        return positions
    presets = {field: (value, f"fairseq's architecture {name}") for field, value in {**_ROBERTA_BASE, **_ROBERTA[name]}.items()}
    key = join(root, "_name") if view.keys(root) else root
    return FamilyClaim(family="fairseq_roberta", because=f"{key} is {name}", key=key, presets=presets | {"max_positions": positions})


def _language_model(view: View, root: str, name: str) -> FamilyClaim | Unknown:
    key, task = join(root, "_name") if "_name" in view.keys(root) else root, join(_frame(view, root), "task")
    # The dataclass takes the task's max_target_positions unless the model has its own, and tokens_per_sample where that is null.
    places = (join(task, "max_target_positions"), join(root, "tokens_per_sample"), join(task, "tokens_per_sample"))
    positions = _positions(view, places[1:] if "max_target_positions" in view.keys(root) else places)
    fixed: dict[str, tuple[Any, str]] | Unknown = {} if name == _LM else _fixed(view, root, name)
    if isinstance(positions, Unknown):
        return positions
    if isinstance(fixed, Unknown):
        return fixed
    owner = "fairseq's TransformerLanguageModelConfig"
    presets = fixed | {"max_positions": positions}
    return FamilyClaim(family="fairseq_lm", because=f"{key} is {name}", key=key, class_name=owner, presets=presets)


def _fixed(view: View, root: str, name: str) -> dict[str, tuple[Any, str]] | Unknown:
    """Return what a named architecture sets whatever the config says; its sizes must be in the config."""
    names, key = view.keys(root), join(root, "_name") if view.keys(root) else root
    missing = [word for word in _LM_SIZES if word not in names or view.get(join(root, word)) is None]
    if missing:
        said = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
        reason = f"{key} is {name} and {said}: under Hydra fairseq fills in TransformerLanguageModelConfig's sizes, not the architecture's"
        return Unknown(field="num_layers", key=key, reason=reason, remedies=(f"+{join(root, missing[0])}=12", *DECLARE))
    fixed: dict[str, tuple[str, Any]] = {"norm_before": ("decoder_normalize_before", True)}
    if name in _LM_GPT3:
        width = view.get(join(root, "decoder_embed_dim"))
        fixed |= {"input_size": ("decoder_input_dim", width), "output_size": ("decoder_output_dim", width)}
        fixed |= {"tie_word_embeddings": ("share_decoder_input_output_embed", True)}
    for word, value in fixed.values():
        told = view.get(join(root, word)) if word in names else None
        if told is not None and told != value:
            reason = f"{join(root, word)} is {shown(told)}, and fairseq's {name} sets {shown(value)} whatever the config says"
            return refused(join(root, word), reason, f"{join(root, word)}={value}")
    return {field: (value, f"fairseq's architecture {name} sets it") for field, (_, value) in fixed.items()}


def _positions(view: View, keys: tuple[str, ...]) -> tuple[int, str] | Unknown:
    """Return the positions by the first of these keys that is set, else by the task's default."""
    for key in keys:
        value = view.get(key)
        if value is None:
            continue
        told = checked("max_positions", key, value, "size")
        return (told, f"as many as {key}") if isinstance(told, int) else Unknown(field="max_positions", key=key, reason=told.reason)
    return _TASK_LENGTH, "the default of tokens_per_sample in fairseq's task"


def _words(path: Path) -> frozenset[str] | str:
    """Return the words of a dictionary, or what keeps it from being read; fairseq refuses lines of another form, and repeated words."""
    words: set[str] = set()
    try:
        if not path.is_file():
            return f"there is no file {path}"
        if path.stat().st_size > MAX_DICTIONARY_BYTES:
            return f"{path} has more than {MAX_DICTIONARY_BYTES:,} bytes"
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                word, _, count = line.rstrip().rpartition(" ")
                if not count.lstrip("-").isdigit() or word in words or word in _SPECIALS:
                    return f"{path}:{number} is not a line <word> <count> with a new word"
                words.add(word)
    except UnicodeDecodeError:
        return f"{path} is not text in UTF-8"
    except (OSError, ValueError) as error:
        return f"{path} cannot be read ({getattr(error, 'strerror', None) or error})"
    return frozenset(words)

"""A reference to a model's config: a directory or file on disk, or a name on the Hugging Face hub, as ``from_pretrained`` takes them.

The config is read from disk, from the hub's cache on this machine (huggingface_hub: ``HF_HUB_CACHE``, ``refs`` and ``snapshots``), or, of a
few well-known models, from the table scalecheck/data/models.csv, which is then said to be assumed. Nothing is ever downloaded. What the
node writes over the config (``overwrite``, ``config_overrides``) is merged where it is plain values.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from scalecheck import registry
from scalecheck.config_file import MAX_BYTES, MappingView
from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import claim_by_model_type, refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, is_aside, join
from scalecheck.text import shown
from scalecheck.values import dataclass

RANK = 3
SPELLINGS: Keys = {}
# Names that hold nothing but such a reference, at any node. config_name is one beside the other names of transformers' scripts, and wins
# over the weights' there (examples/pytorch/language-modeling/run_clm.py).
_CLEAR = ("config_name_or_path", "pretrained_model_name_or_path", "model_name_or_path", "pretrained_model_name", "hf_model_name")
_BESIDE_CONFIG_NAME = frozenset(("model_name_or_path", "tokenizer_name"))
# Names that hold other things too: read at a node that is named like a model, where their value is written like a reference.
_VAGUE = ("config_name", "hf_model", "name_or_path", "model_name", "model_path", "model_id", "base_model", "name", "path", "model")
_MODEL_NODES = frozenset(("model", "net", "network", "backbone", "config", "transformer", "lm", "llm", "language_model", "architecture",
                          "model_config", "model_args", "model_arguments", "hf_config"))  # fmt: skip
_OTHERS = frozenset(("tokenizer", "teacher", "reward", "critic", "ref", "reference", "judge", "draft", "embedder", "scorer", "processor",
                     "perplexity", "metric", "metrics", "guide", "vision", "vae", "data", "dataset", "datasets", "datamodule", "wandb",
                     "hub"))  # fmt: skip
_OVERRIDES = ("overwrite", "add_config", "config_overrides", "model_config_overrides", "override_config", "overrides", "config_kwargs",
              "model_config", "hf_config", "model_kwargs", "config_args")  # fmt: skip
_HARMLESS = r"drop|eps|init|attn_impl|flash|fused|cache|dtype|checkpoint|_id$|max_position|scor|label_smooth|loss|return|output"
_LAYERS = frozenset(("n_layer", "n_layers", "num_layers", "num_hidden_layers", "n_blocks", "num_blocks", "depth", "encoder_layers",
                     "decoder_layers"))  # fmt: skip
_WIDTHS = frozenset(("n_embd", "hidden_size", "d_model", "dim", "embed_dim", "embedding_dim", "encoder_embed_dim", "decoder_embed_dim"))
_HUB_NAME = r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?"
_REVISION = r"[A-Za-z0-9][\w.-]*"
_TABLE = Path(__file__).parents[2] / "data" / "models.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A config and where it is from; ``is_assumed`` where it was not read on this machine."""

    config: Mapping[str, Any]
    source: str
    is_assumed: bool = False


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes that refer to a model's config, without those that have sizes of their own, or are about another model."""
    nodes = [node for node in survey.nodes if not is_aside(node) and not _OTHERS & _steps(node)]
    is_sized = any(_is_sized(survey, node) for node in nodes)
    values: dict[str, str] = {}
    for node in nodes:
        key, is_clear = _reference(survey.view, node)
        if key is None or (is_sized and not is_clear) or any(_is_sized(survey, other) for other in nodes if _are_kin(node, other)):
            continue
        values.setdefault(str(survey.view.get(key)), node)  # the same reference twice is one model
    return tuple(values.values())


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell the family by the config that the node refers to, or what would make it readable."""
    key = _reference(view, root)[0] or root
    name = str(view.get(key))
    found = _find(view, root, name)
    if isinstance(found, str):
        line = f"{key}=/path/to/{name.rstrip('/').rpartition('/')[2] or 'model'}"
        return refused(key, f"{key} is {shown(name)}: {found}", line)
    overrides = _overrides(view, root, str(found.config.get("model_type")))
    if isinstance(overrides, Unknown):
        return overrides
    config = MappingView({**found.config, **overrides})
    sizes = set(_sizes(str(config.get("model_type"))))
    over = ", ".join(name for name in overrides if name in sizes)
    told = claim_by_model_type(config, "")
    if not isinstance(told, FamilyClaim):
        reason = "it has no model_type" if told is None else told.reason
        return refused(key, f"{key} is {shown(name)}; of {found.source}: {reason}")
    return replace(
        told,
        because=f"{key} is {name}: {found.source}",
        key=key,
        class_name=f"the config class of {config.get('model_type')}",
        assumed=found.is_assumed,
        is_file=True,
        view=config,
        source=f"{found.source}{f', with {over} written over it' if over else ''}",
    )


def _steps(node: str) -> set[str]:
    return {word for step in node.lower().split(".") for word in (step, *step.split("_"))}


def _is_sized(survey: Survey, node: str) -> bool:
    names = set(survey.nodes.get(node, ()))
    return bool(names & _LAYERS and names & _WIDTHS)


def _are_kin(node: str, other: str) -> bool:
    """Tell whether one of two nodes is within the other; everything is within the root, which says nothing."""
    return node == other or (bool(node) and other.startswith(f"{node}.")) or (bool(other) and node.startswith(f"{other}."))


def _reference(view: View, node: str) -> tuple[str | None, bool]:
    """Return the key of a node that refers to a model's config, and whether its name alone says so."""
    names = set(view.keys(node))
    clear = (*(("config_name",) if names & _BESIDE_CONFIG_NAME else ()), *_CLEAR)
    is_model = bool(set(node.lower().split(".")[-2:]) & _MODEL_NODES)
    for name in (*clear, *(_VAGUE if is_model else ())):
        value = view.get(join(node, name)) if name in names else None
        if isinstance(value, str) and value and (name in clear or _is_written_like_one(value)):
            return join(node, name), name in clear
    return None, False


def _is_written_like_one(value: str) -> bool:
    """Tell whether a word is an organisation and a model, or a well-known model; gpt2 alone is also what repos call their own code."""
    return re.fullmatch(_HUB_NAME, value) is not None and ("/" in value or ("-" in value and value in _table()))


def _find(view: View, root: str, name: str) -> _Found | str:
    """Return the config that a reference leads to, or the sentence that says what was looked for."""
    base = view.get("hydra.runtime.cwd") if "cwd" in view.keys("hydra.runtime") else None
    path = _on_disk(name, base if isinstance(base, str) else ".")
    if path is not None:
        config = _object(path)
        return config if isinstance(config, str) else _Found(config=config, source=str(path))
    if not re.fullmatch(_HUB_NAME, name):
        return "there is no such directory with a config.json, nor such a file"
    revision = view.get(join(root, "revision")) if "revision" in view.keys(root) else None
    path = _cached(name, revision if isinstance(revision, str) else "main")
    if path is not None:
        config = _object(path)
        return config if isinstance(config, str) else _Found(config=config, source=f"the cached config.json of {name}")
    if name in _table():
        return _Found(config=_table()[name], source=f"the config of {name} as published, not read from disk", is_assumed=True)
    return "its config.json is neither on disk nor in Hugging Face's cache, and nothing is downloaded; give a local path"


def _on_disk(name: str, base: str) -> Path | None:
    try:
        path = Path(base) / Path(name).expanduser()
        path = path / "config.json" if path.is_dir() else path
        return path if path.suffix == ".json" and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a name that is too long, a null character, a home that is not known
        return None


def _cached(name: str, revision: str) -> Path | None:
    """Return the config of a hub model in the cache; its layout is huggingface_hub's (constants.py, file_download.py)."""
    home = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    hub = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or str(Path(home) / "hub")
    if not re.fullmatch(_REVISION, revision):
        return None
    try:
        model = Path(hub).expanduser() / f"models--{name.replace('/', '--')}"
        reference = model / "refs" / revision
        commit = reference.read_text(encoding="utf-8")[:100].strip() if reference.is_file() else revision
        path = model / "snapshots" / commit / "config.json"
        return path if re.fullmatch(_REVISION, commit) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _object(path: Path) -> Mapping[str, Any] | str:
    try:
        if path.stat().st_size > MAX_BYTES:
            return f"{path} has more than {MAX_BYTES:,} bytes"
        config = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        return f"{path} cannot be read as JSON ({str(error)[:80]})"
    return config if isinstance(config, dict) else f"{path} does not hold an object"


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """Return the configs of well-known models by the names that they have on the hub; the file tells the source of each."""
    import csv

    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {name: json.loads(row["config"]) for row in csv.DictReader(file) for name in row["names"].split()}


def _overrides(view: View, root: str, model_type: str) -> dict[str, Any] | Unknown:
    """Return what the node writes over the config; a size beside the reference of which that is not said is a reason to refuse."""
    merged: dict[str, Any] = {}
    sizes = set(_sizes(model_type))
    for node in [join(root, name) for name in _OVERRIDES if name in view.keys(root)]:
        pairs = {join(node, name): view.get(join(node, name)) for name in view.keys(node)} or _pairs(node, view.get(node))
        for key, value in pairs.items():
            if isinstance(value, Unreadable) or not (value is None or isinstance(value, bool | int | float | str)):
                said = f"cannot be read ({value.reason})" if isinstance(value, Unreadable) else f"is {shown(value)}, not a plain value"
                return refused(key, f"{key}, which is written over the config, {said}")
            name = key.rpartition(".")[2]
            merged[name] = value
            if value not in (None, False) and name not in sizes and not re.search(_HARMLESS, name):
                reason = f"{key}={shown(value)} is written over the config, and whether it changes the model is not known"
                return refused(key, reason)
    target = view.get(join(root, "_target_")) if "_target_" in view.keys(root) else None
    for name in sorted(sizes & set(view.keys(root))):
        value = view.get(join(root, name))
        if value is None:
            continue
        if not (isinstance(target, str) and target.endswith("Config.from_pretrained")):
            reason = f"{join(root, name)} stands beside the reference to a config, and whether it changes that is not told"
            return refused(join(root, name), reason)
        merged[name] = value  # from_pretrained of a config class writes its keywords over the config
    return merged


def _pairs(node: str, value: Any) -> dict[str, Any]:
    """Return ``a=1,b=2`` as pairs, as transformers' ``update_from_string`` takes it; anything else stands for itself."""
    if not isinstance(value, str) or not value:
        return {} if value in (None, "") else {node: value if isinstance(value, Unreadable) else [value]}
    pairs = [part.partition("=") for part in value.split(",")]
    return {join(node, name.strip()): _plain(text.strip()) if equals else [value] for name, equals, text in pairs}


def _plain(text: str) -> Any:
    try:
        return json.loads(text.lower())
    except ValueError:
        return text


def _sizes(model_type: str) -> Iterator[str]:
    """Yield the names that sizes and switches have in a family's config."""
    named = model_type.replace("-", "_")
    if named in registry.names("architectures"):
        yield from (name for key in registry.load("architectures", named).KEYS.values() for name in key.names)

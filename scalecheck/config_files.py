"""YAML and JSON files as one config, for repos that use OmegaConf without Hydra: merged in their order, then ``key=value`` over them."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf

from scalecheck.errors import ConfigError
from scalecheck.views import RESOLVE_FAILURES, names_of, no_lost_merges, sentences

MAX_NODES = 100_000  # the largest real configs have some thousand values


def load_files(paths: Sequence[Path], overrides: Sequence[str]) -> DictConfig:
    """Merge YAML and JSON files in their order, then ``key=value`` overrides, as ``OmegaConf.merge`` and a dotlist of it do.

    Two things are allowed beyond a dotlist: a leading ``+`` or ``++``, which changes nothing, and ``~key``, which removes a
    key, as torchtune's ``tune run`` does (torchtune/config/_utils.py).

    Raises:
        ConfigError: one sentence, for a file that cannot be read or is no mapping, and for an override that cannot be applied.
    """
    config = OmegaConf.create()
    with no_lost_merges():
        for path in paths:
            with _told_of(f"--config {path}"):
                config.merge_with(_loaded(path))
        for text in overrides:
            with _told_of(f"the override {text[:80]!a} cannot be applied"):
                _override(config, text)
    return config


@contextlib.contextmanager
def _told_of(where: str) -> Iterator[None]:
    try:
        yield
    except RESOLVE_FAILURES as failure:
        message = f"{where}: {_what(failure).rstrip('.')}."
        raise ConfigError(message) from failure


def _what(failure: BaseException) -> str:
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    if isinstance(failure, yaml.MarkedYAMLError) and failure.problem and failure.problem_mark:
        said = ", ".join(part for part in (failure.context, failure.problem) if part)
        return f"{said} (line {failure.problem_mark.line + 1})"
    return "it is nested too deeply" if isinstance(failure, RecursionError) else sentences(failure)


def _loaded(path: Path) -> DictConfig:
    text = path.read_text("utf-8")
    found: Any
    if path.suffix == ".json":
        data = json.loads(text)
        found = OmegaConf.create(data) if isinstance(data, dict) else data
    else:
        root = yaml_root(text)
        found = OmegaConf.load(io.StringIO(text)) if root is None or isinstance(root, yaml.MappingNode) else root.value
    if isinstance(found, DictConfig) and isinstance(found._get_node("defaults"), ListConfig):  # noqa: SLF001
        message = "it has a defaults list, whose files Hydra composes: name it with --config-dir and --config-name instead"
        raise ConfigError(message)
    if isinstance(found, DictConfig):
        return found
    message = f"it holds {'a list' if isinstance(found, list) else 'a single value'}, not a mapping of keys to values"
    raise ConfigError(message)


def yaml_root(text: str) -> yaml.Node | None:
    """Parse YAML without making values of it.

    Raises:
        ConfigError: its anchors make it stand for more than any memory holds (OmegaConf 2.4 has such a bound of its own).
    """
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    if _size(root, {}) > MAX_NODES:
        message = f"an anchor holds itself, or anchors make it stand for more than {MAX_NODES:,} values"
        raise ConfigError(message)
    return root


def _size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """Return how many values a node stands for: OmegaConf copies what an anchor names, wherever it is named."""
    if node is None:
        return 0
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1  # met again while it is open, it holds itself
        inner = node.value if isinstance(node, yaml.CollectionNode) else ()
        known[id(node)] = 1 + sum(_size(child, known) for item in inner for child in (item if isinstance(item, tuple) else (item,)))
    return known[id(node)]


def _override(config: DictConfig, text: str) -> None:
    if text.startswith("~"):
        node_key, _, name = text[1:].rpartition(".")
        node = OmegaConf.select(config, node_key) if node_key else config
        names = names_of(node) if isinstance(node, DictConfig) else {}
        if name not in names:
            message = f"there is no {text[1:80]}"
            raise ConfigError(message)
        del node[names[name]]
        return
    bare = text.removeprefix("+").removeprefix("+")
    key, equals, _ = bare.partition("=")
    if not equals or not key:
        message = "an override is key=value, +key=value or ~key"
        raise ConfigError(message)
    OmegaConf.select(config, key.rpartition(".")[0])  # a parent that does not resolve would be dropped with all that it stands for
    config.merge_with_dotlist([bare])

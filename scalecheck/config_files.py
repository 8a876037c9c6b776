"""YAML and JSON files as one config, for repos that use OmegaConf without Hydra: merged in their order, then ``key=value`` over them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, Node, OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import InterpolationKeyError, InterpolationToMissingValueError

from scalecheck.errors import ConfigError
from scalecheck.registry import no_modules_of_the_repo
from scalecheck.views import RESOLVE_FAILURES, first_line, harmless_resolvers, is_open, names_of, note_environment, sentences

MAX_NODES = 100_000  # the largest real configs have some thousand values
_ABOUT_THE_MACHINE = ("/sys/fs/cgroup", "/proc/cpuinfo", "/proc/meminfo")  # what joblib asks for how many processors there are
_CONFINED: list[tuple[str, ...]] = []  # the roots within which files are read now; the last counts
_HOOKED: list[bool] = []


def load_files(paths: Sequence[Path], overrides: Sequence[str]) -> DictConfig:
    """Merge YAML and JSON files in their order, then ``key=value`` overrides, as ``OmegaConf.merge`` and a dotlist of it do.

    Two things are allowed beyond a dotlist: a leading ``+`` or ``++``, which changes nothing, and ``~key``, which removes a
    key, as torchtune's ``tune run`` does (torchtune/config/_utils.py).

    Raises:
        ConfigError: one sentence, for a file that cannot be read or is no mapping, and for an override that cannot be applied.
    """
    note_environment()
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
def only_files_below(roots: Sequence[str | Path]) -> Iterator[None]:
    """Refuse to read any file but those below these directories and those of Python and its packages, whoever opens it.

    A stranger's config names files in many ways: a law, a tokenizer, a dictionary, links. Python tells of every file that it opens
    (PEP 578), so there is one place to refuse. Devices and pipes, which may never end, are no files.
    """
    here = os.path.realpath(Path.cwd())
    python = [*sysconfig.get_paths().values(), *_ABOUT_THE_MACHINE, str(Path(__file__).parents[1])]
    packages = [entry for entry in map(os.path.realpath, sys.path) if not here.startswith(f"{entry.rstrip(os.sep)}{os.sep}")]
    if not _HOOKED:
        sys.addaudithook(_refuse_elsewhere)  # it cannot be taken away again, and does nothing where nothing is confined
        _HOOKED.append(True)
    _CONFINED.append(tuple(dict.fromkeys([*map(os.path.realpath, [*roots, *python]), *packages])))
    try:
        yield
    finally:
        _CONFINED.pop()


@contextlib.contextmanager
def as_of_strangers(names: Sequence[str]) -> Iterator[None]:
    """Run nothing, read no environment variable and no file outside of the repo while files that nobody has read are checked."""
    roots = [Path.cwd(), *(Path(name).resolve().parent for name in names)]
    with harmless_resolvers(), no_modules_of_the_repo(), only_files_below(roots):
        yield


def _refuse_elsewhere(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _CONFINED or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    if not isinstance(arguments[1], str) or set(arguments[1]) & set("wax+"):
        return  # opened to be written, or by the descriptor functions that no reader of configs uses
    full = os.path.realpath(os.fsdecode(arguments[0]))
    if not any(full == root or full.startswith(f"{root.rstrip(os.sep)}{os.sep}") for root in _CONFINED[-1]):
        raise PermissionError(1, "it is outside of this repo; --untrusted reads nothing elsewhere", full)
    if os.path.exists(full) and not stat.S_ISREG(os.stat(full).st_mode):  # noqa: PTH110, PTH116 - Path's own cost more
        raise PermissionError(1, "it is no regular file", full)


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


@contextlib.contextmanager
def no_lost_merges() -> Iterator[None]:
    """Refuse to merge a mapping over an interpolation whose resolver cannot be run here.

    Where the app registers the resolver, the mapping is merged into what it makes; without it OmegaConf would silently keep the
    mapping alone (``BaseContainer._map_merge``).
    """
    merge = BaseContainer._map_merge  # noqa: SLF001 - there is no public place between the nodes and their merge

    def checked(dest: BaseContainer, src: BaseContainer, *more: Any, **named: Any) -> None:
        if is_open(dest) and is_open(src):
            for name in list(src):
                under, over = (node._get_node(name, validate_access=False) for node in (dest, src))  # noqa: SLF001
                if isinstance(over, BaseContainer) and isinstance(under, Node) and under._is_interpolation():  # noqa: SLF001
                    _refuse_lost(under)
        merge(dest, src, *more, **named)

    BaseContainer._map_merge = staticmethod(checked)  # type: ignore[method-assign]  # noqa: SLF001
    try:
        yield
    finally:
        BaseContainer._map_merge = staticmethod(merge)  # type: ignore[method-assign]  # noqa: SLF001


def _refuse_lost(under: Node) -> None:
    try:
        under._dereference_node()  # noqa: SLF001
    except (InterpolationKeyError, InterpolationToMissingValueError):
        return  # the app's own merge loses it too
    except RESOLVE_FAILURES as failure:
        key = under._get_full_key(None)  # noqa: SLF001
        message = f"keys are merged into {key}, and what that stands for is not known: {first_line(failure)}"
        raise ConfigError(message) from failure


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

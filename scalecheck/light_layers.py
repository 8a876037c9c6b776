"""The layers of a composed config without composing anew: Hydra's own defaults list over files that are read once and hardly parsed.

``create_defaults_list`` of hydra/_internal/defaults_list.py (1.3.2, 1.3.8, 1.4.0rc3) asks three things of a repository: ``load_config``,
``group_exists``, ``config_exists``. Of a config it needs the header and the defaults list alone, and Hydra has just composed all of
them, so a text without the word ``defaults`` need not be parsed. What is found out is kept in the process for a sweep's next job,
as long as nothing has changed at any place that was looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import hydra
from hydra import version
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import GroupDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigSource
from omegaconf import DictConfig, ListConfig, OmegaConf

from scalecheck.provenance import Layer
from scalecheck.values import dataclass
from scalecheck.yaml_places import root_value

SearchPath = tuple[tuple[str, str], ...]
_HYDRAS_SOURCES = {"file": "FileConfigSource", "pkg": "ImportlibResourcesConfigSource", "structured": "StructuredConfigSource"}
_HYDRAS_FILES = str(Path(hydra.__file__).parent / "conf") + os.sep


class NotLightError(Exception):
    """What Hydra reads there is known to Hydra alone."""


def search_path(config: DictConfig) -> SearchPath:
    """Return where the config was composed from, with ``hydra.searchpath``, as (scheme, path); directories from the root of the disk.

    Raises:
        NotLightError: one of the schemes is read by another class than Hydra's.
    """
    types = SourcesRegistry.instance().types
    listed: Any = OmegaConf.to_container(config.hydra.runtime.config_sources, resolve=False)
    for scheme in {entry["schema"] for entry in listed}:
        kind: Any = types[scheme]
        if getattr(kind, "__name__", "") != _HYDRAS_SOURCES.get(scheme) or not kind.__module__.startswith("hydra."):
            raise NotLightError(scheme)
    return tuple((entry["schema"], absolute(entry["path"]) if entry["schema"] == "file" else entry["path"]) for entry in listed)


def absolute(directory: str) -> str:
    """Return a directory as it is known where jobs have their own working directories."""
    return os.path.abspath(directory)  # noqa: PTH100 - Path.absolute() leaves a/../b as it is


@lru_cache(maxsize=1024)
def parsed(text: str) -> Any:
    """Return an override as Hydra's parser reads it."""
    return OverridesParser.create().parse_override(text)


def known_layers(name: str | None, choices: tuple[str, ...], entries: SearchPath, *, with_hydra: bool) -> Sequence[Layer]:
    """Return the layers of a primary config and overrides that choose options, in merge order; how their paths are shown is left open.

    Without ``with_hydra``, those of Hydra's own options are left out that nobody chose: they hold nothing but the ``hydra`` node.

    Raises:
        NotLightError: something on the search path is known to Hydra alone. Any other exception: what Hydra raises.
    """
    key = (name, choices, entries, with_hydra, version.getbase())
    found = _found(*key)
    if not found.holds():
        _found.cache_clear()
        found = _found(*key)
    return found.layers


def stored_layer(node: Any, config_path: str, package: str) -> Layer | None:
    """Return a dataclass of the config store as a layer without lines; Hydra's own, of which no value of a run comes, are left out."""
    if config_path.partition("/")[0] == "hydra":
        return None
    display = f"structured://{config_path.removesuffix('.yaml')}"
    return Layer(path="", display=display, package=package, text=OmegaConf.to_yaml(node), has_lines=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Layers, and what was seen on the disk and in the config store when they were found."""

    layers: Sequence[Layer]
    disk: Mapping[str, Any]
    store: Mapping[str, Any]

    def holds(self) -> bool:
        """Tell whether all of that is still so."""
        disk = all(_on_disk(path) == was for path, was in self.disk.items())
        return disk and all(_in_store(path) is was for path, was in self.store.items())


@lru_cache(maxsize=64)
def _found(name: str | None, choices: tuple[str, ...], entries: SearchPath, with_hydra: bool, *_: Any) -> _Found:
    overrides = [parsed(text) for text in choices]
    asked = None if with_hydra else {item.key_or_group for item in overrides}
    repository: Any = LightRepository(entries, asked)
    defaults = create_defaults_list(repository, name, overrides, prepend_hydra=True, skip_missing=False)
    layers = [layer for entry in defaults.defaults if (layer := repository.layer(entry.config_path, entry.package))]
    return _Found(layers=layers, disk=repository.disk, store=repository.store)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The part of Hydra's ``ConfigResult`` that a defaults list is made from; of a file, its text."""

    header: Mapping[str, str | None]
    defaults_list: Sequence[Any]
    text: str = ""
    config: None = None


@lru_cache(maxsize=1024)
def _file(path: str, *_: Any) -> _Loaded:
    """Read a file; its time of change and its size, by which it is known to be the same, and what Hydra's reading depends on, follow."""
    text = Path(path).read_text("utf-8")
    header = ConfigSource._get_header_dict(text[:512])  # noqa: SLF001 - Hydra looks no further
    defaults = root_value(text, "defaults")
    if not isinstance(defaults, list | None):
        raise NotLightError(path)
    return _Loaded(header=header, defaults_list=_entries(path, OmegaConf.create(defaults)) if defaults else [], text=text)


def _stored(path: str, node: Any) -> _Loaded:
    config = node.node
    found = config._get_node("defaults") if isinstance(config, DictConfig) and "defaults" in config.keys() else None  # noqa: SLF001
    if found is not None and not isinstance(found, ListConfig):
        raise NotLightError(path)
    for entry in found._iter_ex(resolve=False) if found is not None else ():  # noqa: SLF001
        if isinstance(entry, DictConfig) and len(entry) != 1:  # this is the store's own node, and versions before 1.2 would change it
            raise NotLightError(path)
    return _Loaded(header={"package": node.package}, defaults_list=[] if found is None else _entries(path, found))


def _entries(path: str, defaults: Any) -> Sequence[Any]:
    """Return the entries of a defaults list as Hydra itself reads them: its versions differ in that. They are copied by their user."""
    loader: Any = GlobalHydra.instance().config_loader()
    entries: list[Any] = loader.repository._create_defaults_list(path, defaults)  # noqa: SLF001
    return entries


def _on_disk(path: str) -> Any:
    """Return ``True`` for a directory, a file's time of change and size, or ``None``."""
    try:
        found = os.stat(os.path.realpath(path) if ".." in path else path)  # noqa: PTH116 - the cheapest look
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return True
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _in_store(path: str) -> Any:
    """Return ``True`` for a group of the config store, its node, or ``None``."""
    found = ConfigStore.instance()._open(path)  # noqa: SLF001 - load() copies the whole node
    return True if isinstance(found, dict) else found


def _root(scheme: str, path: str) -> str | None:
    """Return the directory of an entry of the search path; ``None`` is the config store, ``""`` a package that is not there."""
    if scheme != "pkg":
        return path if scheme == "file" else None
    try:
        return _directory(path)
    except (ValueError, ModuleNotFoundError, TypeError):  # as ImportlibResourcesConfigSource.is_config does
        return ""


@lru_cache(maxsize=64)
def _directory(package: str) -> str:
    found = files(package)
    if not isinstance(found, Path) or not (found / "__init__.py").is_file():
        raise NotLightError(package)  # in a zip, or a namespace, which 1.3 and 1.4 read differently
    return str(found)


class LightRepository:
    """What Hydra's ``create_defaults_list`` asks of a repository, with every place that was looked at for it."""

    def __init__(self, entries: SearchPath, asked: Iterable[str] | None = None) -> None:
        """With ``asked``, the groups that somebody chose an option of, Hydra's options that nobody chose are left out."""
        self.roots = [_root(*entry) for entry in entries]
        self.asked = None if asked is None else set(asked)
        self.base = version.getbase()
        self.disk: dict[str, Any] = {}
        self.store: dict[str, Any] = {}

    def group_exists(self, config_path: str) -> bool:
        """Tell whether a directory or a group of the store has this name."""
        return any(found is True for _, found in self._looked_at(config_path))

    def config_exists(self, config_path: str) -> bool:
        """Tell whether a file or a node of the store has this name."""
        return self._place(config_path) is not None

    def load_config(self, config_path: str) -> _Loaded | None:
        """Return header and defaults list of a config; ``None`` where there is none."""
        place = self._place(config_path)
        if place is None:
            return None
        loaded = self._loaded(*place)
        if self.asked is None or not loaded.defaults_list:
            return loaded
        return replace(loaded, defaults_list=self._needed(config_path, loaded.defaults_list))

    def layer(self, config_path: str | None, package: str | None) -> Layer | None:
        """Return a config of the defaults list as a layer."""
        place = self._place(config_path) if config_path is not None else None
        if place is None or config_path is None:
            return None
        path, found = place
        if isinstance(found, tuple):
            return Layer(path=str(Path(path)), display="", package=package or "", text=self._loaded(path, found).text, is_yaml=True)
        return stored_layer(found.node, config_path, package or "")

    def _loaded(self, path: str, found: Any) -> _Loaded:
        return _file(path, *found, self.base) if isinstance(found, tuple) else _stored(path, found)

    def _needed(self, config_path: str, entries: Sequence[Any]) -> Sequence[Any]:
        """Leave Hydra's own options that nobody chose out of hydra/config, which Hydra reads after all that could choose."""
        asked = self.asked or set()
        if config_path == "hydra/config":
            return [entry for entry in entries if not self._is_idle(entry, asked)]
        if config_path.lstrip("/").startswith("hydra/"):  # its entries may be relative to hydra/
            self.asked = None
            return entries
        asked.update(entry.group.lstrip("/") for entry in entries if isinstance(entry, GroupDefault) and entry.group)
        self.asked = asked
        return entries

    def _is_idle(self, entry: Any, asked: set[str]) -> bool:
        if not isinstance(entry, GroupDefault) or f"hydra/{entry.group}" in asked:
            return False
        if entry.value is None:
            return True
        place = self._place(f"hydra/{entry.group}/{entry.value}") if isinstance(entry.value, str) else None
        if place is None:
            return False
        is_hydras = not isinstance(place[1], tuple) or place[0].startswith(_HYDRAS_FILES)
        return is_hydras and not self._loaded(*place).defaults_list

    def _place(self, config_path: str) -> tuple[str, Any] | None:
        """Return path and what stands there of the first config of that name."""
        if config_path.endswith(".yml"):  # of old versions, with a warning
            raise NotLightError(config_path)
        name = config_path if config_path.endswith(".yaml") else f"{config_path}.yaml"
        return next(((path, found) for path, found in self._looked_at(name) if found is not None and found is not True), None)

    def _looked_at(self, path: str) -> Iterator[tuple[str, Any]]:
        for root in self.roots:
            if root is None:
                if path not in self.store:
                    self.store[path] = _in_store(path)
                yield path, self.store[path]
            elif root:
                full = os.path.join(root, path)  # noqa: PTH118 - the cheapest
                if full not in self.disk:
                    self.disk[full] = _on_disk(full)
                yield full, self.disk[full]

"""The layers of a composed config without composing anew: Hydra's own defaults list over files that are read once and hardly parsed.

``create_defaults_list`` of hydra/_internal/defaults_list.py (1.3.2, 1.3.8, 1.4.0rc3) asks three things of a repository: ``load_config``,
``group_exists``, ``config_exists``. Of a config it needs the header and the defaults list alone, so a text without the word
``defaults`` need not be parsed. It runs as it is, in a private copy of its module, but for the two calls of OmegaConf and of ``copy``
that take most of its time. What is found out is kept in the process for a sweep's next job, as long as nothing has changed at any place
that was looked at; a job that ``sweep_jobs`` has composed finds its list here.
"""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import FunctionType
from typing import Any

from hydra import version
from hydra._internal import defaults_list as hydras
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import ConfigDefault, GroupDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigSource
from omegaconf import DictConfig, ListConfig, OmegaConf

from scalecheck.provenance import Layer
from scalecheck.values import dataclass
from scalecheck.yaml_places import root_value

SearchPath = tuple[tuple[str, str], ...]
_KNOWN_SOURCES = {
    "file": "hydra._internal.core_plugins.file_config_source.FileConfigSource",
    "pkg": "hydra._internal.core_plugins.importlib_resources_config_source.ImportlibResourcesConfigSource",
    "structured": "hydra._internal.core_plugins.structured_config_source.StructuredConfigSource",
    "scalecheck": "hydra_plugins.hydra_scalecheck.search_path.ScaleCheckOptions",
}


class NotLightError(Exception):
    """What Hydra reads there is known to Hydra alone."""


def search_path(config: DictConfig) -> SearchPath:
    """Return where the config was composed from, with ``hydra.searchpath``, as (scheme, path); directories from the root of the disk.

    Raises:
        NotLightError: one of the schemes is read by another class than Hydra's or ours.
    """
    listed: Any = OmegaConf.to_container(config.hydra.runtime.config_sources, resolve=False)
    return light_path((entry["schema"], entry["path"]) for entry in listed)


def light_path(entries: Iterable[tuple[str, str]]) -> SearchPath:
    """Return the same of the scheme and the path of each source of Hydra's."""
    told, types = tuple(entries), SourcesRegistry.instance().types
    for scheme in {scheme for scheme, _ in told}:
        kind: Any = types[scheme]
        if f"{kind.__module__}.{getattr(kind, '__name__', '')}" != _KNOWN_SOURCES.get(scheme):
            raise NotLightError(scheme)
    return tuple((scheme, absolute(path) if scheme == "file" else path) for scheme, path in told)


def absolute(directory: str) -> str:
    """Return a directory as it is known where jobs have their own working directories."""
    return os.path.abspath(directory)  # noqa: PTH100 - Path.absolute() leaves a/../b as it is


@lru_cache(maxsize=1024)
def parsed(text: str) -> Any:
    """Return an override as Hydra's parser reads it."""
    return OverridesParser.create().parse_override(text)


def known_run(name: str | None, choices: tuple[str, ...], entries: SearchPath) -> Found:
    """Return what is known of a run with this primary config and these overrides that choose options.

    Raises:
        NotLightError: something on the search path is known to Hydra alone. Any other exception: what Hydra raises.
    """
    found = _found(name, choices, entries, version.getbase())
    if not found.holds():
        _found.cache_clear()
        found = _found(name, choices, entries, version.getbase())
    return found


def with_names(function: Any, names: dict[str, Any]) -> Any:
    """Return Hydra's function as it is, which finds these things under the names of its module."""
    made = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def stored_layer(node: Any, config_path: str, package: str) -> Layer | None:
    """Return a dataclass of the config store as a layer without lines; Hydra's own, of which no value of a run comes, are left out."""
    if config_path.partition("/")[0] == "hydra":
        return None
    display = f"structured://{config_path.removesuffix('.yaml')}"
    return Layer(path="", display=display, package=package, text=OmegaConf.to_yaml(node), has_lines=False)


class Found:
    """A defaults list, which is not to be changed, and what was seen on the disk and in the config store when it was made."""

    def __init__(self, name: str | None, choices: tuple[str, ...], entries: SearchPath) -> None:
        """As for ``known_run``."""
        self.repository = LightRepository(entries)
        overrides = [parsed(text) for text in choices]
        self.listed = _quick_list()(self.repository, name, overrides, prepend_hydra=True, skip_missing=False)
        self._layers: list[Layer] | None = None

    def holds(self) -> bool:
        """Tell whether all of that is still so."""
        disk = all(_on_disk(path) == was for path, was in self.repository.disk.items())
        return disk and all(_in_store(path) is was for path, was in self.repository.store.items())

    def layers(self) -> Sequence[Layer]:
        """Return the list's configs as layers, in merge order; how their paths are shown is left open."""
        if self._layers is None:
            listed = ((entry.config_path, entry.package) for entry in self.listed.defaults)
            self._layers = [layer for path, package in listed if (layer := self.repository.layer(path, package))]
        return self._layers


@lru_cache(maxsize=256)  # a job that starts writes its report, long after the sweep was checked
def _found(name: str | None, choices: tuple[str, ...], entries: SearchPath, _: Any) -> Found:
    return Found(name, choices, entries)


@lru_cache(maxsize=1)
def _quick_list() -> Any:
    """Return Hydra's ``create_defaults_list`` in a private copy of its module, in which two things take a fraction of their time."""
    own = {name: found for name, found in vars(hydras).items() if getattr(found, "__module__", None) == hydras.__name__}
    vars(hydras).setdefault("__warningregistry__", {})  # shared, so that what was said once is not said again
    names = dict(vars(hydras))
    names |= {name: with_names(found, names) for name, found in own.items() if isinstance(found, FunctionType)}
    hydras_map = own.get("_create_interpolation_map")

    def map_where_needed(overrides: Any, listed: Any, self_added: Any) -> Any:
        # Hydra 1.3 makes this config for every file, and reads it only for an entry that is an interpolation.
        is_needed = any("${" in str(value) for entry in listed for value in vars(entry).values())
        return hydras_map(overrides, listed, self_added) if hydras_map and is_needed else None

    names |= {"_create_interpolation_map": map_where_needed, "copy": _Copies}
    return names["create_defaults_list"]


class _Copies:
    """Stands in for the module ``copy`` where Hydra copies the entries of a file's defaults list, which hold nothing but texts."""

    copy = staticmethod(copy.copy)

    @staticmethod
    def deepcopy(found: Any) -> Any:
        return [_copied(entry) for entry in found] if type(found) is list else copy.deepcopy(found)


def _copied(entry: Any) -> Any:
    if type(entry) not in (ConfigDefault, GroupDefault):
        return copy.deepcopy(entry)
    made = object.__new__(type(entry))
    vars(made).update({name: list(value) if isinstance(value, list) else value for name, value in vars(entry).items()})
    return made


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
    if scheme not in ("pkg", "scalecheck"):
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

    def __init__(self, entries: SearchPath) -> None:
        """``entries`` are those of ``search_path``."""
        self.roots = [_root(*entry) for entry in entries]
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
        return None if place is None else self._loaded(*place)

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

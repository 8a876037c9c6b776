"""Hydra and OmegaConf behind one door: views of composed configs, sweep expansion, and which file set which key.

The only file of scalecheck/ that imports hydra or omegaconf. It uses what is the same in hydra-core 1.3.2, 1.3.8 and
1.4.0rc3: ``GlobalHydra.config_loader()``, ``load_configuration``, ``load_sweep_config``, ``compute_defaults_list``,
``BasicSweeper.split_arguments``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf

from scalecheck.errors import ConfigError, PolicyError, did_you_mean
from scalecheck.facts import Origin, Unreadable
from scalecheck.provenance import Layer, locate

CALLBACK = "ScaleCheckCallback"
BASIC_SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
_RESOLVE_FAILURES = (Exception, RecursionError)


@dataclass(slots=True)
class ConfigView:
    """A read-only ``facts.View`` over a DictConfig. Only the leaves that are asked for are resolved, each on its own."""

    config: DictConfig
    _read: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """Return the value at ``key``, ``None`` when absent or null, or ``Unreadable`` with the resolver's reason."""
        if key not in self._read:
            self._read[key] = self._select(key)
        return self._read[key]

    def _select(self, key: str) -> Any:
        try:
            value = OmegaConf.select(self.config, key, throw_on_missing=True)
        except _RESOLVE_FAILURES as failure:
            return Unreadable(reason=_first_line(failure))
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, DictConfig | ListConfig):
            return OmegaConf.to_container(value, resolve=False)
        return value

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the names of the children of ``key``; a node that is itself an interpolation has none."""
        node: Any = self.config
        for name in key.split(".") if key else ():
            if not _is_open(node) or name not in set(node.keys()):
                return ()
            if OmegaConf.is_interpolation(node, name) or OmegaConf.is_missing(node, name):
                return ()
            node = node[name]
        if not _is_open(node):
            return ()
        return tuple(str(name) for name in node.keys() if "." not in str(name))

    @property
    def read_keys(self) -> frozenset[str]:
        """Every key that was asked for."""
        return frozenset(self._read)


def _is_open(node: Any) -> bool:
    return isinstance(node, DictConfig) and not (node._is_none() or node._is_missing() or node._is_interpolation())  # noqa: SLF001


def _first_line(failure: BaseException) -> str:
    text = str(failure).strip().splitlines()
    return text[0][:200] if text else type(failure).__name__


def policy_node(config: DictConfig) -> tuple[str, Any] | None:
    """Return (dotted key, plain container) of the scalecheck node under ``hydra.callbacks``, or ``None`` without one.

    Raises:
        PolicyError: the node is there but is not a mapping with our ``_target_``, or does not resolve.
    """
    callbacks = OmegaConf.select(config, "hydra.callbacks")
    if not isinstance(callbacks, DictConfig):
        return None
    for name in callbacks:
        prefix = f"hydra.callbacks.{name!s}"
        node = callbacks[name]
        target = str(OmegaConf.select(node, "_target_", default="")) if isinstance(node, DictConfig) else ""
        if target.endswith(f".{CALLBACK}"):
            return prefix, _plain(node, prefix)
        if name == "scalecheck":
            found = ConfigView(config).get(prefix)
            message = f"{prefix} is {found!r:.80}, not a policy with a _target_, so nothing would be checked. Add `- scalecheck: default`."
            raise PolicyError(message)
    return None


def _plain(node: DictConfig, prefix: str) -> Any:
    try:
        return OmegaConf.to_container(node, resolve=True)
    except _RESOLVE_FAILURES as failure:
        message = (
            f"{prefix} does not resolve: {_first_line(failure)}. Write config keys without ${{}}, as in read.num_steps=trainer.max_steps."
        )
        raise PolicyError(message) from failure


def expand_sweep(config: DictConfig) -> list[list[str]] | None:
    """Return the override lists of every job of a BasicSweeper's sweep, in launch order; ``None`` for any other sweeper."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    if OmegaConf.select(config, "hydra.sweeper._target_") != BASIC_SWEEPER:
        return None
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    arguments = [f"{key!s}={value}" for key, value in params.items()] + _typed(config, "task")
    parser = OverridesParser.create(config_loader=_loader())
    batches = BasicSweeper.split_arguments(parser.parse_overrides(arguments), None)
    return [list(overrides) for batch in batches for overrides in batch]


def sweep_job(master: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Compose one job of a sweep as its launcher will.

    Raises:
        ConfigError: the job does not compose; its overrides are named.
    """
    try:
        config: DictConfig = _loader().load_sweep_config(master, list(overrides))
    except _RESOLVE_FAILURES as failure:
        message = f"the job {' '.join(overrides)} does not compose: {_sentences(failure)}"
        raise ConfigError(message) from failure
    return config


def _loader() -> Any:
    return GlobalHydra.instance().config_loader()


def job_overrides(config: DictConfig) -> tuple[str, ...]:
    """Return the task overrides that a composed config was typed with."""
    return tuple(_typed(config, "task"))


def _typed(config: DictConfig, kind: str) -> list[str]:
    # An override such as a=${b} is kept as text; reading the item would resolve it.
    listed = OmegaConf.to_container(config.hydra.overrides[kind], resolve=False)
    return [str(text) for text in listed] if isinstance(listed, list) else []


def locator(config: DictConfig) -> Callable[[str], Origin]:
    """Return a function from a config key to the file and line, or the override, that set it last. The work is done at the first call."""
    known: list[tuple[list[Layer], list[tuple[str, str, bool]]]] = []

    def find(key: str) -> Origin:
        if not known:
            try:
                known.append(_layers(config))
            except _RESOLVE_FAILURES:  # a launcher's worker has no search path: the key alone must do
                known.append(([], []))
        return locate(key, *known[0])

    return find


def _layers(config: DictConfig) -> tuple[list[Layer], list[tuple[str, str, bool]]]:
    loader = _loader()
    typed = [*_typed(config, "hydra"), *_typed(config, "task")]
    defaults = loader.compute_defaults_list(config.hydra.job.config_name, typed, RunMode.RUN)
    layers = [layer for entry in defaults.defaults if (layer := _layer(loader, entry.config_path, entry.package))]
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(typed)
    groups = loader.repository.group_exists
    overrides = [(text, item.key_or_group, groups(item.key_or_group)) for text, item in zip(typed, parsed, strict=True)]
    return layers, overrides


def _layer(loader: Any, config_path: str | None, package: str | None) -> Layer | None:
    if config_path is None:
        return None
    for source in loader.get_sources():
        if source.scheme() in ("file", "pkg") and source.available() and source.is_config(config_path):
            path = _source_dir(source) / f"{config_path.removesuffix('.yaml')}.yaml"
            if path.is_file():
                return Layer(path=str(path), display=_display(path), package=package or "", text=path.read_text("utf-8"))
            return None
    return None


def _source_dir(source: Any) -> Path:
    if source.scheme() == "file":
        return Path(source.path)
    from importlib.resources import files

    return Path(str(files(source.path.replace("/", "."))))


def _display(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


@contextlib.contextmanager
def hydra_at(config_dir: Path, version_base: str | None) -> Iterator[None]:
    """Initialise Hydra on a config directory as ``@hydra.main`` would, without running anything."""
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir.resolve()), job_name="scalecheck", version_base=version_base):
            yield
    finally:
        GlobalHydra.instance().clear()


def compose_main(config_name: str, overrides: Sequence[str], *, multirun: bool) -> DictConfig:
    """Compose the primary config with its hydra node, as the start of a run or of a sweep would.

    Raises:
        ConfigError: with Hydra's own sentences.
    """
    mode = RunMode.MULTIRUN if multirun else RunMode.RUN
    typed = [*overrides, "hydra.mode=MULTIRUN"] if multirun else list(overrides)
    try:
        config = _loader().load_configuration(config_name, typed, mode)
    except _RESOLVE_FAILURES as failure:
        raise ConfigError(_sentences(failure)) from failure
    if not isinstance(config, DictConfig):
        message = f"the config '{config_name}' is a {type(config).__name__}, not a mapping"
        raise ConfigError(message)
    return config


def asks_for_multirun(config_name: str, overrides: Sequence[str]) -> bool:
    """Tell whether the config itself sets ``hydra.mode: MULTIRUN``."""
    try:
        config = _loader().load_configuration(config_name, list(overrides), RunMode.MULTIRUN)
    except _RESOLVE_FAILURES:
        return False
    return str(OmegaConf.select(config, "hydra.mode")) in ("RunMode.MULTIRUN", "MULTIRUN")


def _sentences(failure: BaseException) -> str:
    lines = [line.strip() for line in str(failure).strip().splitlines() if line.strip()]
    return " ".join(lines[:6])[:600] or type(failure).__name__


def read_policy(name: str) -> Any:
    """Return a policy as a plain container: a shipped one by name, or a YAML file by path.

    Raises:
        PolicyError: no such policy or file, or a file that is not YAML.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = _shipped_policy(name)
    try:
        loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except OSError as failure:
        message = f"--policy {name}: cannot read {path}: {failure.strerror}."
        raise PolicyError(message) from failure
    except _RESOLVE_FAILURES as failure:
        message = f"--policy {name}: {path} does not parse: {_sentences(failure)}"
        raise PolicyError(message) from failure
    return _own_node(loaded)


def _shipped_policy(name: str) -> Path:
    from importlib.resources import files

    folder = Path(str(files("scalecheck.conf"))) / "scalecheck"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if name not in known:
        message = f"no policy '{name}'.{did_you_mean(name, known)} A file of your own is named by its path, ending in .yaml."
        raise PolicyError(message)
    return folder / f"{name}.yaml"


def _own_node(loaded: Any) -> Any:
    """Accept a bare policy, or an option file of ours that nests it under ``hydra.callbacks.scalecheck``."""
    if not isinstance(loaded, dict):
        return loaded
    node = loaded
    for name in ("hydra", "callbacks", "scalecheck"):
        inner = node.get(name) if isinstance(node, dict) else None
        if inner is None:
            return {key: value for key, value in loaded.items() if key not in ("defaults", "hydra")}
        node = inner
    return node

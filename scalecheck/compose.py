"""Composing with Hydra: the config of a run, every job of a sweep, and the policy in them, also in a config of files.

With views.py and locating.py the only files of scalecheck/ that import hydra or omegaconf on a launch. They use what hydra-core 1.3.2,
1.3.8 and 1.4.0rc3 share: ``GlobalHydra.config_loader()``, ``load_configuration``, ``load_sweep_config``, ``compute_defaults_list``,
``BasicSweeper.split_arguments``, ``SourcesRegistry.types``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from yaml import YAMLError

from scalecheck.config_files import no_lost_merges, only_files_below, yaml_root
from scalecheck.errors import ConfigError, PolicyError, did_you_mean
from scalecheck.locating import loader, typed
from scalecheck.redaction import note, redacted
from scalecheck.registry import no_modules_of_the_repo
from scalecheck.views import (
    RESOLVE_FAILURES,
    ConfigView,
    first_line,
    harmless_resolvers,
    note_environment,
    resolvers_are_refused,
    sentences,
)

CALLBACK = "ScaleCheckCallback"


def policy_node(config: DictConfig) -> tuple[str, Any] | None:
    """Return (dotted key, plain container) of the scalecheck node under ``hydra.callbacks``, or ``None`` without one.

    In a config without our line, what was typed there alone is a policy too: the command line checks such repos.

    Raises:
        PolicyError: the node is there but is not a mapping with our ``_target_``, or does not resolve.
    """
    note_environment()
    _note_copied(config)
    callbacks = OmegaConf.select(config, "hydra.callbacks")
    for name in callbacks if isinstance(callbacks, DictConfig) else ():
        prefix = f"hydra.callbacks.{name!s}"
        node = _child(callbacks, name)
        target = _child(node, "_target_") if isinstance(node, DictConfig) else None
        if str(target or "").endswith(f".{CALLBACK}"):
            return prefix, _plain(node, prefix)
        if name == "scalecheck":
            found = ConfigView(config).get(prefix)
            if found and found == typed_policy(config, prefix):
                return prefix, found
            said = redacted(repr(found))[:80]
            message = f"{prefix} is {said}, not a policy with a _target_, so nothing would be checked. Add `- scalecheck: default`."
            raise PolicyError(message)
    return None


def _note_copied(config: DictConfig) -> None:
    """Note what Hydra itself copies from the environment into ``hydra.job.env_set`` (``config_loader_impl.py``)."""
    copied: Any = config
    for name in ("hydra", "job", "env_copy"):
        inside = copied._content if isinstance(copied, DictConfig) else None  # noqa: SLF001 - nothing is to be resolved, or refused
        copied = inside.get(name) if isinstance(inside, dict) else None
    names = copied._content if isinstance(copied, ListConfig) else None  # noqa: SLF001
    for name in [str(node._value()) for node in names] if isinstance(names, list) else ():  # noqa: SLF001
        if name in os.environ:
            note(name, os.environ[name])


def _child(node: DictConfig, name: Any) -> Any:
    """Return a child, ``None`` where it does not resolve: another callback's node is no matter here."""
    try:
        return node[name]
    except RESOLVE_FAILURES:
        return None


def typed_policy(config: DictConfig, prefix: str) -> Any:
    """Return what the overrides of a composed config say about the policy, as a plain container; a deleted key is null."""
    made = OmegaConf.create()
    texts = typed(config, "hydra")
    for override in OverridesParser.create(config_loader=loader()).parse_overrides(texts):
        if override.key_or_group.startswith(f"{prefix}."):
            value = None if override.is_delete() else override.value()
            OmegaConf.update(made, override.key_or_group.removeprefix(f"{prefix}."), value, force_add=True)
    return OmegaConf.to_container(made)


def taken_policy(config: DictConfig, name: str) -> Any:
    """Take the policy's node out of a config of files, whose keys are none of the run's; return it as a plain container.

    Raises:
        PolicyError: it does not resolve.
    """
    node, found = _child(config, name), ConfigView(config).get(name)
    raw = _plain(node, name) if isinstance(node, DictConfig) else found
    if name in config.keys():
        del config[name]
    return {} if raw is None else raw


def merged(policy: Any, over: Any) -> Any:
    """Merge a policy over another as OmegaConf does; one that is no mapping stands for itself, and its reader says so."""
    for raw in (policy, over):
        if not isinstance(raw, dict):
            return raw
    return OmegaConf.to_container(OmegaConf.merge(policy, over))


def _plain(node: DictConfig, prefix: str) -> Any:
    try:
        return OmegaConf.to_container(node, resolve=True)
    except RESOLVE_FAILURES as failure:
        message = (
            f"{prefix} does not resolve: {first_line(failure)}. Write config keys without ${{}}, as in read.num_steps=trainer.max_steps."
        )
        raise PolicyError(message) from failure


def job_overrides(config: DictConfig) -> tuple[str, ...]:
    """Return the task overrides that a composed config was typed with."""
    return tuple(typed(config, "task"))


@contextlib.contextmanager
def hydra_at(config_dir: Path, version_base: str | None, *, untrusted: bool = False) -> Iterator[None]:
    """Initialise Hydra on a config directory as ``@hydra.main`` would, without running anything.

    With ``untrusted`` nothing that a config says makes code run, reads the environment, or reads a file outside of the
    config directory and the working directory.
    """
    note_environment()
    GlobalHydra.instance().clear()
    roots = _roots(config_dir)
    try:
        with no_modules_of_the_repo() if untrusted else contextlib.nullcontext():
            started = initialize_config_dir(str(config_dir.resolve()), job_name="scalecheck", version_base=version_base)
            with started, no_lost_merges(), _untrusted(roots) if untrusted else contextlib.nullcontext():
                yield
    finally:
        GlobalHydra.instance().clear()


def _roots(config_dir: Path) -> tuple[str, ...]:
    """Return where a stranger's files are read: the config directory and the working directory; a link out of the latter is no part."""
    here, full = Path.cwd(), config_dir.resolve()
    is_a_link_out = Path(os.path.normpath(config_dir.absolute())).is_relative_to(here) and not full.is_relative_to(here.resolve())
    return (str(here.resolve()),) if is_a_link_out else (str(full), str(here.resolve()))


@contextlib.contextmanager
def _untrusted(roots: tuple[str, ...]) -> Iterator[None]:
    """Refuse harmful resolvers, and search path entries that are more than files of the repo: ``pkg://`` imports the package."""
    registry = SourcesRegistry.instance()
    own = frozenset(entry.path for entry in loader().get_search_path().get_path())
    types = registry.types
    registry.types = {scheme: partial(_source, kind, own, roots) for scheme, kind in types.items()}  # type: ignore[misc]
    try:
        with harmless_resolvers(), only_files_below(roots):
            loader().repository.initialize_sources(loader().get_search_path())
            yield
    finally:
        registry.types = types


def _source(kind: Any, own: frozenset[str], roots: tuple[str, ...], provider: str, path: str) -> Any:
    if kind.scheme() == "file":
        source = _FilesBelow(provider, path)
        source.roots = roots
        return source
    if path in own:
        return kind(provider, path)
    message = f"hydra.searchpath has {path}, which is imported to be read; --untrusted imports nothing. Name its directory: file://..."
    raise ConfigError(message)


class _FilesBelow(FileConfigSource):
    """Hydra's reader of files, which does not follow ``..`` and links out of the repo."""

    roots: tuple[str, ...] = ()

    def load_config(self, config_path: str) -> Any:
        full = Path(self.path, self._normalize_file_name(config_path)).resolve()
        if not any(full.is_relative_to(root) for root in self.roots):
            message = f"the config {config_path} is {full}, outside of this repo; --untrusted reads nothing elsewhere."
            raise ConfigError(message)
        with contextlib.suppress(OSError, UnicodeDecodeError, RecursionError, YAMLError):  # Hydra says these itself
            yaml_root(full.read_text("utf-8"))
        return super().load_config(config_path)


def compose_main(config_name: str, overrides: Sequence[str], *, multirun: bool) -> DictConfig:
    """Compose the primary config with its hydra node, as the start of a run or of a sweep would.

    Raises:
        ConfigError: with Hydra's own sentences.
    """
    mode = RunMode.MULTIRUN if multirun else RunMode.RUN
    told = [*overrides, "hydra.mode=MULTIRUN"] if multirun else list(overrides)
    try:
        config = loader().load_configuration(config_name, told + _withheld(), mode)
    except RESOLVE_FAILURES as failure:
        raise ConfigError(sentences(failure)) from failure
    if not isinstance(config, DictConfig):
        message = f"the config '{config_name}' is a {type(config).__name__}, not a mapping"
        raise ConfigError(message)
    return config


def _withheld() -> list[str]:
    """Return the override that keeps Hydra from copying the environment into the config (``config_loader_impl.py``)."""
    return ["hydra.job.env_copy=[]"] if resolvers_are_refused() else []


def asks_for_multirun(config_name: str, overrides: Sequence[str]) -> bool:
    """Tell whether the config itself sets ``hydra.mode: MULTIRUN``."""
    try:
        config = loader().load_configuration(config_name, [*overrides, *_withheld()], RunMode.MULTIRUN)
        return str(OmegaConf.select(config, "hydra.mode")) in ("RunMode.MULTIRUN", "MULTIRUN")
    except RESOLVE_FAILURES:
        return False


def read_policy(name: str, within: tuple[Path, ...] = ()) -> Any:
    """Return a policy as a plain container: a shipped one by name, or a YAML file by path, over those that its defaults list names.

    ``within`` are the files whose defaults lists led here.

    Raises:
        PolicyError: no such policy or file, a file that is not YAML, or one that stands on itself.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = _shipped_policy(name)
    if path.absolute() in within:
        message = f"--policy {name}: the defaults list of {path} leads back to itself."
        raise PolicyError(message)
    try:
        with contextlib.suppress(UnicodeDecodeError, RecursionError, YAMLError):  # OmegaConf says these itself
            yaml_root(path.read_text("utf-8"))
        loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except OSError as failure:
        message = f"--policy {name}: cannot read {path}: {failure.strerror}."
        raise PolicyError(message) from failure
    except RESOLVE_FAILURES as failure:
        message = f"--policy {name}: {path} does not parse: {sentences(failure)}"
        raise PolicyError(message) from failure
    return _over_its_defaults(loaded, path, within)


def _over_its_defaults(loaded: Any, path: Path, within: tuple[Path, ...]) -> Any:
    """Merge a policy over those that its defaults list names: files beside it, or shipped ones."""
    own, listed = _own_node(loaded), loaded.get("defaults") if isinstance(loaded, dict) else None
    made: Any = {}
    for entry in [*listed, "_self_"] if isinstance(listed, list) else ["_self_"]:
        if entry == "_self_":
            made, own = merged(made, own), {}
        elif isinstance(entry, str):
            beside = path.parent / f"{entry.rpartition('/')[2].removesuffix('.yaml')}.yaml"
            made = merged(made, read_policy(str(beside) if beside.is_file() else entry.rpartition("/")[2], (*within, path.absolute())))
    return made


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

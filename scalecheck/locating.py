"""Where a composed config came from: the files of Hydra's defaults list, or those of ``--config``, in merge order, and the overrides."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from scalecheck.facts import Origin
from scalecheck.provenance import Layer, Typed, locate, typed_value
from scalecheck.views import RESOLVE_FAILURES


def loader() -> Any:
    """Return the config loader of the Hydra that is running."""
    return GlobalHydra.instance().config_loader()


def typed(config: DictConfig, kind: str) -> list[str]:
    """Return the overrides that a composed config was typed with: those of the ``task``, or of ``hydra``."""
    # An override such as a=${b} is kept as text; reading the item would resolve it.
    listed = OmegaConf.to_container(config.hydra.overrides[kind], resolve=False)
    return [str(text) for text in listed] if isinstance(listed, list) else []


def locator(config: DictConfig) -> Callable[[str], Origin]:
    """Return a function from a config key to the file and line, or the override, that set it last. The work is done at the first call."""
    return _lazily(lambda: _of_hydra(config))


def file_locator(paths: Sequence[Path], overrides: Sequence[str]) -> Callable[[str], Origin]:
    """Return the same for YAML and JSON files that are merged in their order, and ``key=value``, ``+key=value`` and ``~key`` after them."""
    return _lazily(lambda: ([_of_file(path) for path in paths if path.is_file()], [_dotted(text) for text in overrides]))


Sources = tuple[list[Layer], list[Typed]]


def _lazily(read: Callable[[], Sources]) -> Callable[[str], Origin]:
    known: list[Sources] = []

    def find(key: str) -> Origin:
        if not known:
            try:
                known.append(read())
            except RESOLVE_FAILURES:  # a launcher's worker has no search path: the key alone must do
                known.append(([], []))
        return locate(key, *known[0])

    return find


def _of_file(path: Path) -> Layer:
    # JSON is YAML, and has its lines.
    return Layer(path=str(path), display=_display(path), package="", text=path.read_text("utf-8-sig"))


def _dotted(text: str) -> Typed:
    key, _, value = text.lstrip("+~").partition("=")
    return Typed(text=text, key=key, value=typed_value(value))


def _of_hydra(config: DictConfig) -> Sources:
    found = loader()
    overrides = [*typed(config, "hydra"), *typed(config, "task")]
    defaults = found.compute_defaults_list(config.hydra.job.config_name, overrides, RunMode.RUN)
    layers = [layer for entry in defaults.defaults if (layer := _layer(found.repository, entry.config_path, entry.package))]
    parsed = OverridesParser.create(config_loader=found).parse_overrides(overrides)
    told = [_override(found.repository, text, item) for text, item in zip(overrides, parsed, strict=True)]
    return layers, told


def _override(repository: Any, text: str, item: Any) -> Typed:
    """Tell a choice of a group's option from a value, as Hydra does: a mapping is a value, of a group's name too.

    That is ``Overrides.__init__`` of hydra/_internal/defaults_list.py.
    """
    value = item.value()
    chooses = not isinstance(value, dict) and bool(repository.group_exists(item.key_or_group))
    return Typed(text=text, key=item.key_or_group, value=value, chooses_group=chooses)


def _layer(repository: Any, config_path: str | None, package: str | None) -> Layer | None:
    if config_path is None:
        return None
    for source in repository.get_sources():
        if not source.available() or not source.is_config(config_path):
            continue
        if source.scheme() == "structured":
            return _of_the_store(source, config_path, package or "")
        path = _source_dir(source) / f"{config_path.removesuffix('.yaml')}.yaml" if source.scheme() in ("file", "pkg") else None
        if path is None or not path.is_file():
            return None
        return Layer(path=str(path), display=_display(path), package=package or "", text=path.read_text("utf-8"))
    return None


def _of_the_store(source: Any, config_path: str, package: str) -> Layer | None:
    """Return a dataclass of the config store as a layer without lines; Hydra's own, of which no value of a run comes, are left out."""
    if config_path.partition("/")[0] == "hydra":
        return None
    text = OmegaConf.to_yaml(source.load_config(config_path).config)
    return Layer(path="", display=f"structured://{config_path.removesuffix('.yaml')}", package=package, text=text, has_lines=False)


def _source_dir(source: Any) -> Path:
    if source.scheme() == "file":
        return Path(source.path)
    from importlib.resources import files

    return Path(str(files(source.path.replace("/", "."))))


def _display(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative

"""Where a composed config came from: the files of Hydra's defaults list, or those of ``--config``, in merge order, and the overrides."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra._internal.defaults_list import create_defaults_list
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from scalecheck.facts import Origin
from scalecheck.light_layers import LightRepository, absolute, known_run, parsed, search_path, stored_layer
from scalecheck.provenance import Layer, Typed, finder, typed_value
from scalecheck.redaction import note_defaults
from scalecheck.views import RESOLVE_FAILURES

Find = Callable[[str], Origin]
Sources = tuple[list[Layer], list[Typed]]


def loader() -> Any:
    """Return the config loader of the Hydra that is running."""
    return GlobalHydra.instance().config_loader()


def typed(config: DictConfig, kind: str) -> list[str]:
    """Return the overrides that a composed config was typed with: those of the ``task``, or of ``hydra``."""
    # An override such as a=${b} is kept as text; reading the item would resolve it.
    listed = OmegaConf.to_container(config.hydra.overrides[kind], resolve=False)
    return [str(text) for text in listed] if isinstance(listed, list) else []


def locator(config: DictConfig) -> Find:
    """Return a function from a config key to the file and line, or the override, that set it last. The work is done at the first call."""
    return _lazily(lambda: _of_hydra(config))


def file_locator(paths: Sequence[Path], overrides: Sequence[str]) -> Find:
    """Return the same for YAML and JSON files that are merged in their order, and ``key=value``, ``+key=value`` and ``~key`` after them."""
    return _lazily(lambda: finder([_of_file(path) for path in paths if path.is_file()], [_dotted(text) for text in overrides]))


def _lazily(read: Callable[[], Find]) -> Find:
    known: list[Find] = []

    def find(key: str) -> Origin:
        if not known:
            try:
                known.append(read())
            except RESOLVE_FAILURES:  # where no Hydra runs any more there is no search path: the key alone must do
                known.append(finder([], []))
        return known[0](key)

    return find


def _of_file(path: Path) -> Layer:
    # JSON is YAML, and has its lines.
    return Layer(path=str(path), display=_display(path), package="", text=path.read_text("utf-8-sig"))


def _dotted(text: str) -> Typed:
    key, _, value = text.lstrip("+~").partition("=")
    return Typed(text=text, key=key, value=typed_value(value))


def _of_hydra(config: DictConfig) -> Find:
    """Read no more than the layers need, and keep it for a sweep's next job; what cannot be read so is read as Hydra does."""
    try:
        return finder(*of_light_repository(config))
    except RESOLVE_FAILURES:
        return finder(*of_hydras_repository(config))


def of_hydras_repository(config: DictConfig) -> Sources:
    """Return the layers and what was typed by way of Hydra's own repository, which reads every config anew: slow, and never wrong."""
    found = loader()
    name, overrides = config.hydra.job.config_name, [*typed(config, "hydra"), *typed(config, "task")]
    # As compute_defaults_list does, which keeps its repository, the one that knows hydra.searchpath, to itself.
    asked, repository = found._parse_overrides_and_create_caching_repo(name, overrides)  # noqa: SLF001
    defaults = create_defaults_list(repository, name, asked, prepend_hydra=True, skip_missing=False)
    layers = [layer for entry in defaults.defaults if (layer := _layer(repository, entry.config_path, entry.package))]
    note_defaults((layer.text for layer in layers), os.environ)
    parsed_ones = OverridesParser.create(config_loader=found).parse_overrides(overrides)
    told = [_override(repository, text, item) for text, item in zip(overrides, parsed_ones, strict=True)]
    return layers, told


def of_light_repository(config: DictConfig) -> Sources:
    """Return the same in a fraction of the time: most files are not parsed, and what was found out stands for the process's next job.

    Raises:
        NotLightError: the search path has something that only Hydra can read. Any other exception: what Hydra raises.
    """
    loader()  # without a running Hydra there is no search path
    entries = search_path(config)
    repository = LightRepository(entries)
    told, choices = [], []
    for text in (*typed(config, "hydra"), *typed(config, "task")):
        item = parsed(text)
        told.append(_override(repository, text, item))
        if told[-1].chooses_group or (item.is_delete() and repository.config_exists(item.key_or_group)):
            choices.append(text)
    layers = known_run(config.hydra.job.config_name, tuple(choices), entries).layers()
    note_defaults((layer.text for layer in layers), os.environ)
    here = str(Path.cwd())
    return [replace(layer, display=_shown(layer.path, here)) if layer.path else layer for layer in layers], told


def _override(repository: Any, text: str, item: Any) -> Typed:
    """Tell a choice of a group's option from a value, as Hydra does: a mapping is a value, of a group's name too.

    That is ``Overrides.__init__`` of hydra/_internal/defaults_list.py.
    """
    value = item.value()
    is_key = isinstance(value, dict) or getattr(item, "is_value_path", False)  # the latter since 1.4: stages[0].lr
    chooses = not is_key and bool(repository.group_exists(item.key_or_group))
    return Typed(text=text, key=item.key_or_group, value=value, chooses_group=chooses)


def _layer(repository: Any, config_path: str | None, package: str | None) -> Layer | None:
    if config_path is None:
        return None
    for source in repository.get_sources():
        if not source.available() or not source.is_config(config_path):
            continue
        if source.scheme() == "structured":
            return stored_layer(source.load_config(config_path).config, config_path, package or "")
        if source.scheme() not in ("file", "pkg", "scalecheck"):
            return None
        path = _source_dir(source) / f"{config_path.removesuffix('.yaml')}.yaml"
        if not path.is_file():
            return None
        return Layer(path=str(path), display=_display(path), package=package or "", text=path.read_text("utf-8"))
    return None


def _source_dir(source: Any) -> Path:
    if source.scheme() == "file":
        return Path(absolute(source.path))
    from importlib.resources import files

    return Path(str(files(source.path.replace("/", "."))))


def _display(path: Path) -> str:
    return _shown(str(path), str(Path.cwd()))


@lru_cache(maxsize=1024)
def _shown(path: str, here: str) -> str:
    relative = os.path.relpath(path, here)
    return path if relative.startswith("..") else relative

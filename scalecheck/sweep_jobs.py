"""The jobs of a sweep, composed by Hydra's own code over what their compositions have in common.

``load_sweep_config`` reads and merges every file again for each job. Here it runs as it is, version by version, on a private copy of the
loader that remembers three things: parsed override texts, parsed config files, and, for each choice of config groups, the defaults list
with the config that it merges to, before any value is set. ``light_layers`` makes the list, where it can, and keeps it for ``locating``.
Values, checks and ``hydra.*`` keys are Hydra's work for every job anew, on a copy of that. Whatever cannot be done so, the running loader
does; nothing of it is changed.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, IConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides, create_defaults_list
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from scalecheck.errors import ConfigError
from scalecheck.kept_configs import Original, Recent
from scalecheck.light_layers import SearchPath, known_run, light_path, parsed, with_names
from scalecheck.locating import loader
from scalecheck.views import RESOLVE_FAILURES, sentences

BASES = 8
"""The composed configs of so many choices of config groups are kept, the last ones used; a sweep's last parameters vary fastest."""
_PARTS = 256
_TEXTS = 1024

Choice = tuple[str, ...]


def composed(by: Any, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Compose one job of a sweep with a config loader of Hydra's, as its launcher will.

    Raises:
        ConfigError: the job does not compose; its overrides are named.
    """
    try:
        config: DictConfig = by.load_sweep_config(master, list(overrides))
    except RESOLVE_FAILURES as failure:
        message = f"the job {' '.join(overrides)} does not compose: {sentences(failure)}"
        raise ConfigError(message) from failure
    return config


class JobComposer:
    """Composes the jobs of one sweep, or of one batch of it; it sees the config files as they were when it first read them."""

    def __init__(self, master: DictConfig) -> None:
        """``master`` is the composed config of the sweep itself."""
        self._master = master
        self._loader = _remembering(loader())

    def job(self, overrides: Sequence[str]) -> DictConfig:
        """Return the config that ``load_sweep_config`` gives for these overrides; it is the caller's own.

        Raises:
            ConfigError: the job does not compose; its overrides are named.
        """
        if self._loader is not None:
            try:
                return composed(self._loader, self._master, overrides)
            except ConfigError:
                pass  # whether this job composes, and what is said if not, is the running loader's to tell
        return composed(loader(), self._master, overrides)

    def chosen(self, overrides: Sequence[str]) -> Choice | None:
        """Return those of the overrides that choose config groups or a search path; ``None`` where that cannot be told.

        Jobs for which it is equal differ in values alone.
        """
        if self._loader is None:
            return None
        told = [*_typed_hydra(self._master), *overrides]
        try:
            found: Choice = self._loader.chosen(self._master.hydra.job.config_name, told)
        except RESOLVE_FAILURES:
            return None
        return found


def _typed_hydra(master: DictConfig) -> list[str]:
    return [str(text) for text in master.hydra.overrides.hydra]


class _Base:
    """The defaults list of one choice of config groups, and the config that it merges to once that was asked for."""

    def __init__(self, listed: DefaultsList) -> None:
        self.listed = listed
        self.config: Original | None = None


class _Files(CachingConfigRepository):
    """The config files of one search path, each read once, and what was composed from them. Nobody writes in what stands here."""

    def __init__(self, delegate: IConfigRepository) -> None:
        super().__init__(delegate)
        self.bases: Recent[_Base] = Recent(BASES)
        self.starts: Recent[Original] = Recent(BASES)
        self.parts: Recent[_Part] = Recent(_PARTS)
        self.merged_last: list[Any] = []
        self._groups: Recent[bool] = Recent(_TEXTS)

    @property
    def light(self) -> SearchPath:
        """Where these files are; an error where only Hydra can read them."""
        return light_path((source.scheme(), source.path) for source in self.get_sources())

    def group_exists(self, config_path: str) -> bool:
        return self._groups.get_or_make(config_path, partial(super().group_exists, config_path))


class _Part:
    """A config file's content, to be copied often."""

    def __init__(self, found: ConfigResult) -> None:
        self._found = found
        self._original = Original(found.config)

    def copied(self) -> ConfigResult:
        made = copy.copy(self._found)
        made.config = self._original.copied()
        return made


class _Repository(CachingConfigRepository):
    """What one composition sees: files as Hydra's own repository gives them, and it writes in its own copies."""

    def __init__(self, files: _Files) -> None:
        # Not Hydra's: that copies its delegate, with every config of the store.
        self.delegate = files
        self.cache = {}
        self.files = files
        self.base: _Base | None = None
        self.repeated: frozenset[str | None] = frozenset()

    def load_config(self, config_path: str) -> ConfigResult | None:
        key = f"config_path={config_path}"
        if key not in self.cache:
            found = self.files.load_config(config_path)
            self.cache[key] = None if found is None else _Part(found).copied()
        return self.cache[key]


class _Merge:
    """Stands in for OmegaConf in Hydra's merge of a defaults list, which asks it for the config to begin with."""

    def __init__(self, files: _Files, keys: list[Any]) -> None:
        self._files = files
        self._keys = tuple(keys)
        differs = (place for place, (key, last) in enumerate(zip(keys, files.merged_last, strict=False)) if key != last)
        self._keep = next(differs, min(len(keys), len(files.merged_last)))
        self._begin = max((start for start in files.starts if start == self._keys[: len(start)]), key=len, default=())
        self._config: Any = None
        files.merged_last = keys

    def create(self) -> Any:
        """Return an empty config, or what the first files of this list were merged to before."""
        self._config = self._files.starts.used(self._begin).copied() if self._begin else OmegaConf.create()
        return self._config

    def steps(self, defaults: list[Any]) -> Iterator[Any]:
        """Yield what is still to be merged; in passing, keep what this list and the one before have in common."""
        for place in range(len(self._begin), len(defaults)):
            if place == self._keep and place > len(self._begin):
                kept = Original(self._config).copied()
                kept._set_flag("no_deepcopy_set_nodes", None)  # noqa: SLF001 - Hydra sets it for the time of the merge
                self._files.starts.put(self._keys[:place], Original(kept))
            yield defaults[place]


def _defaults_list(
    repo: _Repository, config_name: str | None, overrides_list: list[Override], *, prepend_hydra: bool, skip_missing: bool
) -> DefaultsList:
    """Stand in for Hydra's ``create_defaults_list``: values are no matter there, and are handed on as Hydra tells them from choices."""
    told = Overrides(repo=repo, overrides_list=overrides_list)
    choices = _without(overrides_list, told.config_overrides)
    texts = tuple(str(choice.input_line) for choice in choices)

    def make() -> _Base:
        if prepend_hydra and not skip_missing:  # as for a run, of which light_layers keeps it to locate what is found
            with suppress(*RESOLVE_FAILURES):
                return _Base(known_run(config_name, texts, repo.files.light).listed)
        return _Base(create_defaults_list(repo.files, config_name, choices, prepend_hydra=prepend_hydra, skip_missing=skip_missing))

    key = (config_name, texts, prepend_hydra, skip_missing)
    repo.base = repo.files.bases.get_or_make(key, make)
    listed = repo.base.listed
    return DefaultsList(listed.defaults, listed.defaults_tree, told.config_overrides, listed.overrides)


def _without(overrides: list[Override], values: list[Override]) -> list[Override]:
    known = {id(value) for value in values}
    return [override for override in overrides if id(override) not in known]


class _Parser:
    """Stands in for Hydra's parser of overrides; what does not parse, Hydra's own says."""

    @classmethod
    def create(cls) -> _Parser:
        return cls()

    def parse_overrides(self, overrides: list[str]) -> list[Override]:
        try:
            return [parsed(text) for text in overrides]
        except RESOLVE_FAILURES:
            return OverridesParser.create().parse_overrides(overrides)


def _with_names(function: Any, **names: Any) -> Any:
    return with_names(function, {**function.__globals__, **names})


class _RememberingLoader(ConfigLoaderImpl):
    """Hydra's loader, for the jobs of one sweep."""

    searched: Recent[_Files]

    _load_configuration_impl = _with_names(ConfigLoaderImpl._load_configuration_impl, create_defaults_list=_defaults_list)  # noqa: SLF001
    load_sweep_config = _with_names(ConfigLoaderImpl.load_sweep_config, OverridesParser=_Parser)

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str], parsed_overrides: list[Override] | None = None
    ) -> tuple[list[Override], CachingConfigRepository]:
        parsed = _Parser().parse_overrides(overrides) if parsed_overrides is None else parsed_overrides

        def search() -> _Files:
            files = _Files(self.repository)
            self._process_config_searchpath(config_name, parsed, files)
            return files

        # Any override of Hydra's own may be one of hydra.searchpath, however it is written.
        key = (config_name, tuple(override.input_line for override in parsed if override.key_or_group.startswith("hydra")))
        return parsed, _Repository(self.searched.get_or_make(key, search))

    def _compose_config_from_defaults_list(self, defaults: Any, repo: Any) -> DictConfig:
        base = repo.base
        if base.config is None:
            times = Counter(default.config_path for default in defaults)
            repo.repeated = frozenset(path for path, count in times.items() if count > 1)
            base.config = Original(self._merged(defaults, repo))
        made: DictConfig = base.config.copied()
        return made

    def _merged(self, defaults: list[Any], repo: Any) -> DictConfig:
        """Run Hydra's merge of a defaults list, from where it is the first time another than the list before."""
        if repo.repeated:
            return super()._compose_config_from_defaults_list(defaults, repo)
        merge = _Merge(repo.files, [(default.config_path, default.primary) for default in defaults])
        compose = _with_names(ConfigLoaderImpl._compose_config_from_defaults_list, OmegaConf=merge)  # noqa: SLF001
        merged: DictConfig = compose(self, merge.steps(defaults), repo)
        return merged

    def _load_single_config(self, default: Any, repo: Any) -> ConfigResult:
        # Of a file that is merged twice, Hydra may merge the second time what the first merge has made of it.
        if default.config_path in repo.repeated:
            return super()._load_single_config(default, repo)
        key = (default.config_path, default.package, default.primary)
        part: _Part = repo.files.parts.get_or_make(key, lambda: _Part(super(_RememberingLoader, self)._load_single_config(default, repo)))
        return part.copied()

    def chosen(self, config_name: str | None, overrides: list[str]) -> Choice:
        parsed, repo = self._parse_overrides_and_create_caching_repo(config_name, overrides)
        values = Overrides(repo=repo, overrides_list=parsed).config_overrides
        choices = {id(choice) for choice in _without(parsed, values)}
        return tuple(str(item.input_line) for item in parsed if id(item) in choices or item.key_or_group.startswith("hydra"))


def _remembering(running: Any) -> _RememberingLoader | None:
    """Return a copy of the running loader that remembers, ``None`` where it is not Hydra's own."""
    if type(running) is not ConfigLoaderImpl:
        return None
    made = _RememberingLoader.__new__(_RememberingLoader)
    vars(made).update(vars(running))
    made.searched = Recent(BASES)
    return made

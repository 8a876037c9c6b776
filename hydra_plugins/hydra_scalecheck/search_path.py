"""Puts scalecheck's option files on the search path of every Hydra app in the environment."""

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

OPTIONS: Mapping[str, tuple[str, ...]] = {"hydra/callbacks": ("scalecheck",), "scalecheck": ("default", "plan", "strict")}
"""The options of each config group; known by heart, so that an app without our line never imports scalecheck."""
POLICY = "hydra.callbacks.scalecheck"


class ScaleCheckSearchPathPlugin(SearchPathPlugin):
    """Makes ``defaults: - scalecheck: default`` and ``override hydra/callbacks: scalecheck`` resolvable."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append last, so that a user's own ``conf/scalecheck/*.yaml`` comes first."""
        Plugins.instance().register(ScaleCheckOptions)  # Hydra scans for it, but not where it looks at entry points alone
        search_path.append(provider="scalecheck", path="scalecheck://scalecheck.conf")


class ScaleCheckOptions(ConfigSource):
    """The option files of the package ``scalecheck.conf``, each parsed once in a process.

    They set no more than they have to: each key costs every composition and every ``.hydra/hydra.yaml`` of a sweep. Any key of the policy
    can be overridden all the same, without a ``+``, because its node is no struct; what is no key of a policy is refused by its reader.
    """

    @staticmethod
    def scheme() -> str:
        """Return what stands before ``://`` in a search path."""
        return "scalecheck"

    def available(self) -> bool:
        """Return ``True``: the files are part of this installation."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Tell whether options of ours lie in or below this config group."""
        return any(f"{group}/".startswith(_below(config_path)) for group in OPTIONS)

    def is_config(self, config_path: str) -> bool:
        """Tell whether this is one of our options."""
        group, _, name = config_path.strip("/").rpartition("/")
        return name.removesuffix(".yaml") in OPTIONS.get(group, ())

    def load_config(self, config_path: str) -> ConfigResult:
        """Return an option, which is the caller's own.

        Raises:
            ConfigLoadError: it is none of ours, or scalecheck is not installed as it should be.
        """
        if not self.is_config(config_path):
            message = f"Config not found : {config_path}"
            raise ConfigLoadError(message)
        header, config = _read(self.path, config_path.strip("/").removesuffix(".yaml"))
        return ConfigResult(provider=self.provider, path=self.full_path(), config=deepcopy(config), header=dict(header))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the groups and the options of a group, sorted."""
        start = _below(config_path)
        inside = {group.removeprefix(start).partition("/")[0] for group in OPTIONS if group.startswith(start)}
        groups = inside if results_filter in (None, ObjectType.GROUP) else ()
        options = OPTIONS.get(config_path.strip("/"), ()) if results_filter in (None, ObjectType.CONFIG) else ()
        return sorted((*groups, *options))


def _below(config_path: str) -> str:
    """Return what the names of everything inside a config group begin with."""
    return f"{config_path.strip('/')}/".lstrip("/")


@lru_cache(maxsize=8)
def _read(package: str, name: str) -> tuple[dict[str, str | None], Any]:
    from importlib.resources import files

    try:
        path = Path(str(files(package)), f"{name}.yaml")
    except ModuleNotFoundError as missing:
        message = f"{missing}, so there is no {name}: a checkout of scalecheck on PYTHONPATH is not enough. pip install it."
        raise ConfigLoadError(message) from None
    text = path.read_text("utf-8")
    config = OmegaConf.create(text)
    node = config if name.startswith("hydra/") else OmegaConf.select(config, POLICY)
    OmegaConf.set_struct(node, False)
    return ConfigSource._get_header_dict(text[:512]), config  # noqa: SLF001 - as Hydra's own sources do

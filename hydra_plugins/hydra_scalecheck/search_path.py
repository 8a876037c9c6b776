"""Puts scalecheck's option files on the search path of every Hydra app in the environment."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class ScaleCheckSearchPathPlugin(SearchPathPlugin):
    """Makes ``defaults: - scalecheck: default`` and ``override hydra/callbacks: scalecheck`` resolvable."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append last, so that a user's own ``conf/scalecheck/*.yaml`` comes first."""
        search_path.append(provider="scalecheck", path="pkg://scalecheck.conf")

"""Asking the interpreter that would run a script: which Hydra it has, and whether that finds our plugin."""

from __future__ import annotations

import json
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from scalecheck.doctor_values import WayOut, shown
from scalecheck.errors import ScalecheckError
from scalecheck.values import dataclass

OLDEST = (1, 3, 2)
_SECONDS = 60
_EFFECT = "an app whose line is `optional scalecheck: ...` is not guarded, any other app with the line does not start"
# Runs in the other interpreter, which need not have scalecheck. As under `python train.py`, the script's directory comes first.
_PROBE = """
import json, sys, warnings
warnings.simplefilter("ignore")
sys.path[0] = sys.argv[1]
told = {"hydra": None, "found": False, "init": None, "installed": False, "failure": None}
try:
    from importlib import metadata
    try:
        told["installed"] = bool(metadata.version("scalecheck"))
    except metadata.PackageNotFoundError:
        pass
    import hydra
    told["hydra"] = hydra.__version__
    import hydra_plugins
    told["init"] = getattr(hydra_plugins, "__file__", None)
except ImportError:
    pass
if told["hydra"]:
    try:
        from hydra.core.plugins import Plugins
        from hydra.plugins.search_path_plugin import SearchPathPlugin
        found = Plugins.instance().discover(SearchPathPlugin)
        told["found"] = any(plugin.__name__ == "ScaleCheckSearchPathPlugin" for plugin in found)
    except Exception as failure:
        told["failure"] = "%s: %s" % (type(failure).__name__, str(failure).splitlines()[0] if str(failure) else "")
print("\\n@" + json.dumps(told))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What an interpreter told: its Hydra, whether it finds our plugin, the file that makes ``hydra_plugins`` an ordinary package."""

    python: str
    hydra_version: str
    finds_plugin: bool
    is_installed: bool
    plugins_file: str | None
    failure: str | None

    @property
    def version(self) -> tuple[int, ...]:
        """Return the version of Hydra as numbers; a release candidate counts as its release."""
        return numbers(self.hydra_version)


def numbers(version: str) -> tuple[int, ...]:
    """Return ``1.4.0rc3`` as ``(1, 4, 0)``."""
    parts = []
    for part in version.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        parts.append(int(digits or 0))
    return tuple(parts)


def hydra_version_here() -> str:
    """Return the version of the Hydra that composes here."""
    return metadata.version("hydra-core")


def environment_of(python: str, script_dir: Path) -> Environment:
    """Ask an interpreter.

    Raises:
        ScalecheckError: it cannot be started, says nothing, or has no Hydra.
    """
    told = _asked(python, script_dir)
    if told["hydra"] is None:
        message = f"{python} has no hydra-core, so it cannot run this app. Name the interpreter that runs it: --python PATH."
        raise ScalecheckError(message)
    return Environment(
        python=python,
        hydra_version=str(told["hydra"]),
        finds_plugin=bool(told["found"]),
        is_installed=bool(told["installed"]),
        plugins_file=told["init"],
        failure=told["failure"],
    )


def _asked(python: str, script_dir: Path) -> Any:
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the user names, or our own
            [python, "-c", _PROBE, str(script_dir.absolute())], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        return json.loads(done.stdout.rpartition("\n@")[2])
    except OSError as failure:
        message = f"--python {python}: it cannot be started: {failure.strerror}."
        raise ScalecheckError(message) from failure
    except subprocess.TimeoutExpired as failure:
        message = f"{python} did not answer within {_SECONDS} seconds when it was asked for Hydra's plugins."
        raise ScalecheckError(message) from failure
    except ValueError as failure:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        message = f"{python} is no Python that can be asked for Hydra's plugins: {last[:200]}"
        raise ScalecheckError(message) from failure


def environment_findings(environment: Environment) -> list[WayOut]:
    """Return what is wrong with the environment itself."""
    found = []
    if environment.version < OLDEST:
        what = f"hydra-core {environment.hydra_version} is older than 1.3.2, and the guard is not known to work there"
        change = f"{environment.python} -m pip install 'hydra-core>=1.3.2'"
        found.append(WayOut(name="hydra_too_old", what=what, where=environment.python, change=change))
    hiding = environment.plugins_file
    if hiding is not None:
        found.append(_hidden(Path(hiding), is_harmless=environment.finds_plugin))
    elif not environment.finds_plugin:
        found.append(_not_found(environment))
    return found


def _hidden(file: Path, *, is_harmless: bool) -> WayOut:
    effect = (
        "this Hydra finds the plugin by its entry point all the same; hydra-core 1.3 would not"
        if is_harmless
        else f"Hydra finds none of the plugins of the environment: {_EFFECT}"
    )
    what = f"{shown(file)} makes hydra_plugins an ordinary package, so {effect}"
    change = f"rm {shown(file)}      (hydra_plugins has no __init__.py: it is shared by all plugins)"
    return WayOut(name="plugins_hidden", what=what, where=shown(file), change=change, kind="note" if is_harmless else "way out")


def _not_found(environment: Environment) -> WayOut:
    why = f" ({environment.failure})" if environment.failure else ""
    if environment.is_installed:
        what = f"scalecheck is installed in {environment.python}, but Hydra does not find its plugin{why}: {_EFFECT}"
        change = (
            f"{environment.python} -m pip install --force-reinstall scalecheck      (of a clone: pip install -e . -C editable_mode=compat)"
        )
    else:
        what = f"scalecheck is not installed in {environment.python}: {_EFFECT}"
        change = f"{environment.python} -m pip install scalecheck"
    return WayOut(name="plugin_missing", what=what, where=environment.python, change=change)

"""What a script's own lines mean for the guard: its version_base, 1.4's execution_whitelist, calls that go past Hydra."""

from __future__ import annotations

import fnmatch

from scalecheck.doctor_environment import Environment, numbers
from scalecheck.doctor_values import WayOut, shown
from scalecheck.hydra_script import UNKNOWN, HydraApp

CALLBACK = "hydra_plugins.hydra_scalecheck.callback.ScaleCheckCallback"
ALLOWED = "hydra_plugins.hydra_scalecheck.*"


def script_findings(app: HydraApp, environment: Environment, *, is_rerun: bool) -> list[WayOut]:
    """Return what a script says that matters for the guard under this environment's Hydra."""
    found = [_passed(app, line) for line in app.passed]
    if app.version_base is UNKNOWN:
        what = "the script does not tell its version_base by its text alone, so the config was composed as with 1.3"
        change = "scalecheck doctor ... --version-base V"
        found.append(WayOut(name="unknown_version_base", what=what, where=shown(app.script, app.line), change=change, kind="note"))
    if environment.version >= (1, 4):
        found += [*_whitelist(app), *_old_base(app, environment)]
    elif is_rerun:
        what = "--experimental-rerun calls no callback on hydra-core 1.3, so a rerun is not checked"
        change = "start again with the overrides of the run's .hydra/overrides.yaml, or use hydra-core 1.4"
        found.append(WayOut(name="rerun", what=what, where=shown(app.script, app.line), change=change))
    return found


def _passed(app: HydraApp, line: int) -> WayOut:
    what = f"{app.function or 'the task function'} is called with a config: Hydra then calls the function alone, and nothing is checked"
    change = "call it without arguments, or check the config before:  scalecheck.check(cfg)"
    return WayOut(name="config_passed", what=what, where=shown(app.script, line), change=change)


def _whitelist(app: HydraApp) -> list[WayOut]:
    where = shown(app.script, app.line)
    if app.execution_whitelist is None:
        if any(text.startswith("execution_whitelist=") for text in app.dynamic):
            return []
        what = "there is no execution_whitelist: hydra-core 1.4 warns at the guard's callback, 1.5 will refuse to start"
        change = f'execution_whitelist=["{ALLOWED}", ...] in the call of line {app.line}'
        return [WayOut(name="no_whitelist", what=what, where=where, change=change, kind="note")]
    if any(fnmatch.fnmatchcase(CALLBACK, pattern) for pattern in app.execution_whitelist):
        return []
    what = "execution_whitelist does not allow the guard's callback: no launch gets past, but none starts either (Hydra exits 1)"
    return [WayOut(name="whitelist", what=what, where=where, change=f'execution_whitelist=["{ALLOWED}", ...]', kind="fault")]


def _old_base(app: HydraApp, environment: Environment) -> list[WayOut]:
    base = app.version_base
    if not isinstance(base, str) or numbers(base) >= (1, 3):
        return []
    what = f"hydra-core {environment.hydra_version} refuses version_base {base}: the app does not start"
    where = shown(app.script, app.line)
    return [WayOut(name="old_version_base", what=what, where=where, change='version_base="1.3", or leave it out', kind="fault")]

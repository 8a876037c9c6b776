"""`scalecheck doctor`: whether the guard is active for a run and for a sweep, and every silent way past it that a repo has.

The environment is asked in its own interpreter, the config is composed as a launch would, and each option file that concerns the guard
is chosen once, alone and in a sweep; what composition cannot show is read from the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scalecheck import compose
from scalecheck import doctor_files as of_files
from scalecheck.doctor_environment import Environment, environment_findings, environment_of, hydra_version_here, numbers
from scalecheck.doctor_script import script_findings
from scalecheck.doctor_state import ADD_LINE, OptionEffect, State, option_effects, said_by, state_of, why_inactive
from scalecheck.doctor_values import Diagnosis, WayOut, shown
from scalecheck.errors import ScalecheckError
from scalecheck.hydra_script import HydraApp
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A repo: where its config is, how it is started, and the script where one was named."""

    config_dir: Path
    config_name: str
    version_base: str | None
    overrides: tuple[str, ...]
    python: str
    is_multirun: bool = False
    app: HydraApp | None = None
    is_rerun: bool = False


def examine(patient: Patient) -> Diagnosis:
    """Examine a repo.

    Raises:
        ScalecheckError: the interpreter cannot be asked, or the config does not compose; what was found until then is in the message.
    """
    script_dir = patient.app.script.parent if patient.app else Path.cwd()
    environment = environment_of(patient.python, script_dir)
    found = environment_findings(environment)
    if patient.app is not None:
        found += script_findings(patient.app, environment, is_rerun=patient.is_rerun)
    files = of_files.option_files(patient.config_dir)
    found += [*of_files.ignored_headers(files), *of_files.launchers_in_options(files), *of_files.two_overrides(files)]
    if environment.version < (1, 4):
        found += of_files.rerun_files(files)
    try:
        with compose.hydra_at(patient.config_dir, _base(patient.version_base)):
            run, multirun, composed = _composed(patient, files)
    except ScalecheckError as failure:
        if not environment.finds_plugin:  # the option of our group cannot be found, and that is said
            return Diagnosis(run="no", multirun="no", hydra_version=environment.hydra_version, found=tuple(found))
        known = "".join(f" Found until then: {item.what} ({item.where}); to change: {item.change}." for item in found if not item.is_note)
        message = f"the config does not compose, so the guard cannot be looked for in it: {failure}{known}"
        raise ScalecheckError(message) from failure
    found += [*composed, *_other_hydra(environment)]
    if not environment.finds_plugin:
        run = multirun = "no"
    ordered = sorted(dict.fromkeys(found), key=lambda item: item.is_note)
    return Diagnosis(run=run, multirun=multirun, hydra_version=environment.hydra_version, found=tuple(ordered))


def _base(version_base: str | None) -> str | None:
    """Compose for a Hydra that refuses old bases with the oldest that it knows; that it refuses them is said by itself."""
    if version_base is not None and numbers(hydra_version_here()) >= (1, 4) and numbers(version_base) < (1, 3):
        return "1.3"
    return version_base


def _composed(patient: Patient, files: Sequence[of_files.OptionFile]) -> tuple[str, str, list[WayOut]]:
    name, overrides = patient.config_name, patient.overrides
    single = () if patient.is_multirun else overrides
    config = compose.compose_main(name, single, multirun=False)
    run = state_of(config)
    multirun = state_of(compose.compose_main(name, overrides, multirun=True))
    found = [item for state in (run, multirun) for item in _broken(state)]
    told = [
        why_inactive(state, name, typed, files, multirun=is_sweep) for state, typed, is_sweep in _inactive(run, multirun, single, overrides)
    ]
    effects = option_effects(config, name, single, files)
    enabling: list[str] = []
    for effect in effects:
        if isinstance(effect, WayOut):
            found.append(effect)
        elif run.is_active and not effect.state.is_active:
            found.append(_switched_off(effect))
        elif effect.state.is_active and not run.is_active:
            enabling.append(effect.chosen)
            found.append(_only_chosen(effect))
        elif effect.state.kind == "no_target" and run.kind == "none":
            found.append(said_by(effect.state, effect.chosen))
    if enabling:
        told = [item for item in told if item.name != "no_line"]
    if not patient.is_multirun and compose.asks_for_multirun(name, overrides):
        what = "the config sets hydra.mode: MULTIRUN, so every start is a sweep, without -m too"
        found.append(WayOut(name="mode", what=what, where=shown(patient.config_dir), change="nothing: the guard knows it", kind="note"))
    if patient.is_multirun and multirun.is_active:
        found += _jobs(name, overrides)
    return _answer(run, enabling, ""), _answer(multirun, enabling, " and not swept"), [*told, *found]


def _inactive(run: State, multirun: State, single: Sequence[str], overrides: Sequence[str]) -> list[tuple[State, Sequence[str], bool]]:
    asked = [(run, single, False), (multirun, overrides, True)]
    return [(state, typed, is_sweep) for state, typed, is_sweep in asked if not state.is_active]


def _answer(state: State, enabling: Sequence[str], caveat: str) -> str:
    if state.is_active:
        return "yes"
    return f"only when {' or '.join(enabling)} is chosen{caveat}" if enabling else "no"


def _broken(state: State) -> list[WayOut]:
    if state.kind != "broken":
        return []
    what = f"the policy cannot be used, so every launch is stopped (exit 3), none gets past: {state.detail}"
    return [WayOut(name="broken_policy", what=what, where=state.where, change="what the sentence says", kind="fault")]


def _switched_off(effect: OptionEffect) -> WayOut:
    file, state = effect.file, effect.state
    if state.kind in ("off", "no_target"):
        return said_by(state, effect.chosen)
    number = of_files.rival_line(file)
    if number is not None:
        what = f"{effect.chosen} overrides hydra/callbacks and so takes the guard away: a run that chooses it is not checked"
        change = f"use `{ADD_LINE.strip()}` in the primary config instead of an override of hydra/callbacks, or take line {number} out"
        return WayOut(name="replaced", what=what, where=shown(file.path, number), change=change)
    if file.group == "scalecheck":
        what = f"{effect.chosen} is an option of the guard's group that does not bring the guard: a run that chooses it is not checked"
        change = "put into its defaults list:  - default"
        return WayOut(name="shadowed", what=what, where=shown(file.path, 1), change=change)
    what = f"{effect.chosen} takes the guard away: a run that chooses it is not checked"
    return WayOut(name="taken_away", what=what, where=shown(file.path), change="take out what it says about hydra.callbacks")


def _only_chosen(effect: OptionEffect) -> WayOut:
    swept = (
        ""
        if effect.sweep_state.is_active
        else f"; in a sweep over {effect.file.group} the guard is off, because Hydra makes callbacks before"
    )
    what = f"the guard is enabled in {effect.chosen} alone: a run without it is not checked{swept}"
    where = effect.file.at(of_files.OUR_LINE if effect.file.line_of(of_files.OUR_LINE) else of_files.OVERRIDES_CALLBACKS)
    change = f"add to the defaults list of the primary config:\n{ADD_LINE}\nand only tune its keys in the option"
    return WayOut(name="only_in_option", what=what, where=where, change=change)


def _jobs(name: str, overrides: Sequence[str]) -> list[WayOut]:
    """Return the jobs of the sweep that was typed whose own config has no guard that judges, the first of each kind."""
    from scalecheck.sweep_jobs import JobComposer
    from scalecheck.sweepers import expand_sweep

    master: Any = compose.compose_main(name, overrides, multirun=True)
    composer, found = JobComposer(master), dict[str, WayOut]()
    for job in (expand_sweep(master) or [])[:50]:
        state = state_of(composer.job(job))
        if state.kind not in ("active", "broken", "none", *found):  # a job without a node is judged by the policy of the sweep
            what = f"the job {' '.join(job)} of this sweep has no guard of its own that judges ({state.kind}): {state.where or 'no node'}"
            change = "take out what its options say about hydra.callbacks"
            found[state.kind] = WayOut(name="job", what=what, where=state.where or name, change=change)
    return list(found.values())


def _other_hydra(environment: Environment) -> list[WayOut]:
    here = hydra_version_here()
    if numbers(here)[:2] == environment.version[:2]:
        return []
    what = f"the config was composed with hydra-core {here}; the app runs under {environment.hydra_version}, which may choose otherwise"
    change = f"{environment.python} -m scalecheck.cli doctor ..."
    return [WayOut(name="other_hydra", what=what, where=environment.python, change=change, kind="note")]

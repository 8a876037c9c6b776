"""Whether a composed config has the guard in it, and if not, which file or override is why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from scalecheck import compose
from scalecheck.doctor_files import OPTIONAL_LINE, OUR_LINE, OptionFile, rival_line
from scalecheck.doctor_values import WayOut, shown
from scalecheck.errors import ConfigError, PolicyError, ScalecheckError
from scalecheck.locating import locator
from scalecheck.pipeline import DEFAULT_PREFIX
from scalecheck.policy import load_policy
from scalecheck.values import dataclass
from scalecheck.views import ConfigView

_DEFAULTS = re.compile(r"^defaults\s*:")
ADD_LINE = "  - scalecheck: default"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What stands under ``hydra.callbacks``; ``where`` is the file and line, or the override, that says so."""

    kind: Literal["active", "broken", "off", "no_target", "none"]
    where: str = ""
    detail: str = ""

    @property
    def is_active(self) -> bool:
        """Tell whether a launch is judged; with a broken policy it is stopped."""
        return self.kind in ("active", "broken")


def state_of(config: Any) -> State:
    """Return the guard's state in a composed config."""
    view = ConfigView(config)
    names = view.keys("hydra.callbacks")
    targets = {name: str(view.get(f"hydra.callbacks.{name}._target_") or "") for name in names}
    ours = next((name for name, target in targets.items() if target.endswith(f".{compose.CALLBACK}")), None)
    if ours is None:
        if "scalecheck" not in targets:
            return State(kind="none")
        return State(kind="no_target", where=place(config, _first_leaf(view, DEFAULT_PREFIX)))
    prefix = f"hydra.callbacks.{ours}"
    try:
        found = compose.policy_node(config)
        policy = load_policy(found[1] if found else None)
    except PolicyError as broken:
        key = str(broken).partition(":")[0]
        return State(kind="broken", where=place(config, key if key.startswith(prefix) else prefix), detail=str(broken))
    if policy.mode == "off":
        return State(kind="off", where=place(config, f"{prefix}.mode"))
    return State(kind="active")


def _first_leaf(view: ConfigView, key: str) -> str:
    for name in view.keys(key):
        return _first_leaf(view, f"{key}.{name}")
    return key


def place(config: Any, key: str) -> str:
    """Return file and line, or the override, that set a key last; the key itself where nothing tells."""
    origin = locator(config)(key)
    if origin.override:
        return f"the override {origin.override}"
    if origin.file:
        return origin.file if origin.line is None else f"{origin.file}:{origin.line}"
    return key


def composed_state(config_name: str, overrides: Sequence[str], *, multirun: bool) -> State:
    """Compose as the start of a run or of a sweep would, and return the guard's state.

    Raises:
        ConfigError: it does not compose.
    """
    return state_of(compose.compose_main(config_name, overrides, multirun=multirun))


def why_inactive(state: State, config_name: str, overrides: Sequence[str], files: Sequence[OptionFile], *, multirun: bool) -> WayOut:
    """Return why the guard is not in a composition: the override without which it is, or a line of the files."""
    for index, override in enumerate(overrides):
        rest = [*overrides[:index], *overrides[index + 1 :]]
        try:
            is_guilty = composed_state(config_name, rest, multirun=multirun).is_active
        except ScalecheckError:
            continue  # the others need it
        if is_guilty:
            what = f"the guard is off because of what is typed: {override}"
            return WayOut(name="typed", what=what, where=f"the override {override}", change=f"start without {override}")
    if state.kind in ("off", "no_target"):
        return said_by(state, "")
    return _no_node(files, config_name)


def said_by(state: State, chosen: str) -> WayOut:
    """Return what a config says that has a node of ours, but none that works; ``chosen`` is the option that says it."""
    who = f"{chosen} has" if chosen else "the config has"
    if state.kind == "off":
        what = f"{who} mode: off, so nothing is checked" + (", in a run and in every job of a sweep that chooses it" if chosen else "")
        return WayOut(name="mode_off", what=what, where=state.where, change="mode: warn")
    what = f"{who} keys for the guard, but no option that makes it one: without a _target_ Hydra only warns, and nothing is checked"
    change = f"add `{ADD_LINE.strip()}` to the defaults list of the primary config, before the option that tunes it"
    return WayOut(name="no_target", what=what, where=state.where, change=change)


def _no_node(files: Sequence[OptionFile], config_name: str) -> WayOut:
    primary = next((file for file in files if not file.group and file.option == config_name), None)
    where = primary.at(_DEFAULTS) if primary else config_name
    if primary is not None and (line := primary.line_of(OPTIONAL_LINE)) is not None:
        what = "the line is `optional`, and its option is not found, so that nothing says that the guard is missing"
        text = primary.lines[line - 1].strip()
        return WayOut(name="optional_line", what=what, where=shown(primary.path, line), change=text.replace("optional ", ""))
    if primary is not None and (line := primary.line_of(OUR_LINE)) is not None:
        own = next((file for file in files if file.group == "scalecheck" and _is_chosen(file, primary.lines[line - 1])), None)
        if own is not None:
            what = f"{shown(own.path)} has the name of an option of ours and is found first, and it does not bring the guard"
            change = f"rename it, or put into its defaults list:  - /hydra/callbacks@{DEFAULT_PREFIX}: scalecheck"
            return WayOut(name="shadowed", what=what, where=shown(own.path, 1), change=change)
    rival = next((file for file in files if rival_line(file) is not None), None)
    if primary is not None and primary.line_of(OUR_LINE) is not None and rival is not None:
        what = "hydra/callbacks is overridden by another option, which replaces the guard"
        return WayOut(
            name="replaced", what=what, where=shown(rival.path, rival_line(rival)), change=f"add `{ADD_LINE.strip()}`: nothing replaces it"
        )
    what = "nothing in the primary config enables the guard"
    return WayOut(name="no_line", what=what, where=where, change=f"add to its defaults list:\n{ADD_LINE}")


def _is_chosen(file: OptionFile, line: str) -> bool:
    return file.option in line.replace("'", " ").replace('"', " ").replace(",", " ").replace("]", " ").replace("}", " ").split()


def choice(config: Any, file: OptionFile) -> str:
    """Return the override that chooses an option: of a group that the config has no choice of it is added."""
    choices = ConfigView(config).keys("hydra.runtime.choices")
    return f"{file.group}={file.option}" if file.group in choices else f"+{file.group}={file.option}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionEffect:
    """What choosing an option does to the guard, in a run and in a sweep over its group."""

    chosen: str
    file: OptionFile
    state: State
    sweep_state: State


def option_effects(config: Any, config_name: str, overrides: Sequence[str], files: Sequence[OptionFile]) -> list[OptionEffect | WayOut]:
    """Choose every option that concerns the guard, one after another; one that does not compose gives a note."""
    found: list[OptionEffect | WayOut] = []
    for file in files:
        if not file.group or file.group.startswith("hydra") or not file.concerns_the_guard:
            continue
        chosen = choice(config, file)
        try:
            state = composed_state(config_name, [*overrides, chosen], multirun=False)
            # Swept, so that Hydra leaves the choice out of the config that callbacks are made from.
            swept = composed_state(config_name, [*overrides, f"{chosen},{file.option}"], multirun=True)
        except ConfigError as failure:
            what = f"{chosen} does not compose, so it cannot be told what it does to the guard: {failure}"
            change = f"scalecheck doctor ... {chosen}      (with the overrides that it needs)"
            found.append(WayOut(name="not_judged", what=what, where=shown(file.path), change=change, kind="note"))
            continue
        found.append(OptionEffect(chosen=chosen, file=file, state=state, sweep_state=swept))
    return found

"""The option files of a repo as text: the lines in them that switch the guard on or off, wherever they would be chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from scalecheck.doctor_values import WayOut, shown
from scalecheck.values import dataclass

OVERRIDES_CALLBACKS = re.compile(r"override\s+/?hydra/callbacks(@[\w.]*)?\s*['\"]?\s*:")
OUR_LINE = re.compile(
    r"(?:^|[\s'\"{/])scalecheck(?:@[\w.]*)?['\"]?\s*:\s*['\"]?\w|hydra/callbacks(?:@[\w.]+)?['\"]?\s*:.*\bscalecheck\b|scalecheck/\w+"
)
OPTIONAL_LINE = re.compile(r"optional\s+/?scalecheck(?:@[\w.]*)?['\"]?\s*:")
_LAUNCHER = re.compile(r"override\s+/?hydra/(launcher|sweeper)\s*['\"]?\s*:|(?:^\s+|^hydra\s*:.*\{\s*|,\s*|hydra\.)(launcher|sweeper)\s*:")
_HEADER = re.compile(r"^\s*#\s*@")
_PACKAGE = re.compile(r"^\s*#\s*@package\b")
_PICKLES = re.compile(r"PickleJobInfoCallback|hydra/callbacks\S*\s*:.*\bsave_job_info\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFile:
    """A YAML file of the config directory: the primary config has no group."""

    path: Path
    group: str
    option: str
    lines: tuple[str, ...]

    def line_of(self, pattern: re.Pattern[str]) -> int | None:
        """Return the first line that matches outside of comments, counted from 1."""
        for number, line in enumerate(self.lines, 1):
            if pattern.search(_code(line)):
                return number
        return None

    def at(self, pattern: re.Pattern[str]) -> str:
        """Return file and line of the first match, the file alone without one."""
        return shown(self.path, self.line_of(pattern))

    @property
    def concerns_the_guard(self) -> bool:
        """Tell whether choosing this option can change anything for the guard."""
        text = "\n".join(self.lines)
        return self.group == "scalecheck" or "scalecheck" in text or "callbacks" in text


def _code(line: str) -> str:
    return re.sub(r"(^|\s)#.*", "", line)


def rival_line(file: OptionFile) -> int | None:
    """Return the line that overrides ``hydra/callbacks`` with something else than the guard."""
    found = (number for number, line in enumerate(file.lines, 1) if OVERRIDES_CALLBACKS.search(_code(line)) and "scalecheck" not in line)
    return next(found, None)


def option_files(config_dir: Path) -> list[OptionFile]:
    """Return the YAML files below a config directory, in the order of their names. A file that is no text is none."""
    return list(_read(config_dir))


def _read(config_dir: Path) -> Iterator[OptionFile]:
    for path in sorted(config_dir.rglob("*.yaml")):
        try:
            lines = tuple(path.read_text("utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError):
            continue  # Hydra says it when the option is chosen
        relative = path.relative_to(config_dir)
        group = relative.parent.as_posix()
        yield OptionFile(path=path, group="" if group == "." else group, option=relative.stem, lines=lines)


def ignored_headers(files: list[OptionFile]) -> list[WayOut]:
    """Return the options that say something about the guard and whose ``# @package`` Hydra does not see.

    Hydra reads the header up to the first line that is neither empty nor ``# @...``; what follows is a comment, and the option
    lands in the package of its group.
    """
    found = []
    for file in files:
        if not (file.group.startswith(("scalecheck", "hydra/callbacks")) or file.concerns_the_guard):
            continue
        header = next((number for number, line in enumerate(file.lines) if line.strip() and not _HEADER.match(line)), len(file.lines))
        late = next((number for number, line in enumerate(file.lines[header:], header + 1) if _PACKAGE.match(line)), None)
        if late is None:
            continue
        text = file.lines[late - 1].strip()
        what = (
            f"`{text}` stands below line {header + 1}, so Hydra takes it for a comment: what {shown(file.path)} says lands under "
            f"`{file.group.replace('/', '.')}` and the guard never sees it"
        )
        change = f"move line {late}, `{text}`, above line {header + 1}, so that it is the first line"
        found.append(WayOut(name="header_ignored", what=what, where=shown(file.path, late), change=change))
    return found


def launchers_in_options(files: list[OptionFile]) -> list[WayOut]:
    """Return the options that choose a launcher or sweeper. Of a sweep over them, Hydra takes these from the primary config."""
    found = []
    for file in files:
        if not file.group or file.group.startswith("hydra"):
            continue
        number = file.line_of(_LAUNCHER)
        if number is None or not _is_about_hydra(file):
            continue
        match = _LAUNCHER.search(file.lines[number - 1])
        kind = (match.group(1) or match.group(2)) if match else "launcher"
        what = (
            f"{file.group}={file.option} chooses a {kind} itself. In a sweep over {file.group} hydra-core 1.3 ignores that and takes the "
            f"primary config's {kind}, 1.4 refuses to start. The jobs are checked all the same, but not launched as the file says"
        )
        change = f"take it out, and choose the {kind} in the primary config or at the launch: hydra/{kind}=..."
        found.append(WayOut(name=f"{kind}_in_option", what=what, where=shown(file.path, number), change=change, kind="note"))
    return found


def _is_about_hydra(file: OptionFile) -> bool:
    """Tell a launcher of Hydra's from a key of the user's that has its name."""
    return any(re.search(r"^hydra\s*:|hydra/(launcher|sweeper)", line) for line in file.lines)


def two_overrides(files: list[OptionFile]) -> list[WayOut]:
    """Return the files whose one defaults list overrides ``hydra/callbacks`` twice: which of the two counts differs with the version."""
    found = []
    for file in files:
        numbers = [number for number, line in enumerate(file.lines, 1) if OVERRIDES_CALLBACKS.search(_code(line))]
        if len(numbers) < 2 or not any("scalecheck" in file.lines[number - 1] for number in numbers):
            continue
        what = f"hydra/callbacks is overridden in lines {numbers[0]} and {numbers[-1]}: hydra-core 1.3 takes the first alone, 1.4 the last"
        change = "use `- scalecheck: default` beside them: it adds the guard, and nothing replaces it"
        found.append(WayOut(name="two_overrides", what=what, where=shown(file.path, numbers[-1]), change=change, kind="note"))
    return found


def rerun_files(files: list[OptionFile]) -> list[WayOut]:
    """Return a note where runs are pickled for ``--experimental-rerun``, which calls no callback on hydra-core 1.3."""
    file = next((file for file in files if file.line_of(_PICKLES) is not None), None)
    if file is None:
        return []
    what = "runs are pickled for --experimental-rerun, and a rerun calls no callback on hydra-core 1.3: it is not checked"
    change = "start again with the overrides of the run's .hydra/overrides.yaml instead, or use hydra-core 1.4"
    return [WayOut(name="rerun", what=what, where=file.at(_PICKLES), change=change, kind="note")]

"""The table that says what is checked in a repo: ``[tool.scalecheck]`` of pyproject.toml, or the whole of scalecheck.toml.

Everything unknown is refused with the nearest known key: a check that is listed under a misspelt key would silently not be made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, NoReturn

from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.text import clean, shown
from scalecheck.values import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN_FILE = "scalecheck.toml"
SHARED_FILE = "pyproject.toml"
FAIL_LEVELS = ("note", "warning", "error")
_OF_A_CHECK = ("config_dir", "config_name", "version_base", "policy")
_ENTRY_KEYS = ("name", *_OF_A_CHECK, "overrides", "matrix")
_TABLE_KEYS = (*_OF_A_CHECK, "fail_level", "jobs", "output", "baseline", "fail_on_increase", "threshold", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEntry:
    """One thing to check: a config, and the overrides that it is composed with, which may be a sweep's.

    Paths are as seen from the working directory. ``policy`` is a shipped one's name, or a file; ``None``: the one in the config.
    """

    name: str = ""
    config_dir: str = "conf"
    config_name: str = "config"
    version_base: str = "1.3"
    policy: str | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectTable:
    """What a repo has checked. ``common`` is what holds for every check that does not say otherwise."""

    file: Path
    common: CheckEntry
    checks: tuple[CheckEntry, ...]
    fail_level: str | None = None
    jobs: int | None = None
    output: tuple[str, ...] = ()
    baseline: Path | None = None
    fail_on_increase: Mapping[str, str] = field(default_factory=dict)
    threshold: str | None = None

    @property
    def root(self) -> Path:
        """The directory of the table's file, from which its paths are told."""
        return self.file.parent


def find_table(start: Path) -> ProjectTable | None:
    """Read the table of the nearest directory, from ``start`` upwards, that has one.

    Raises:
        ScalecheckError: a file that may hold the table is no TOML, or the table is broken.
    """
    for directory in (start, *start.parents):
        for name in (OWN_FILE, SHARED_FILE):
            raw = _raw(directory / name)
            if raw is not None:
                return read_table(raw, directory / name, start)
    return None


def _raw(path: Path) -> Any:
    try:
        text = path.read_text("utf-8-sig")
        whole = tomllib.loads(text)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as failure:
        message = f"{path.name} cannot be read: {failure}."
        raise ScalecheckError(message) from failure
    except (tomllib.TOMLDecodeError, RecursionError) as failure:
        if path.name == SHARED_FILE and "scalecheck" not in text:
            return None
        message = f"{path.name} is no TOML: {clean(str(failure))}."
        raise ScalecheckError(message) from failure
    if path.name == OWN_FILE:
        return whole
    tool = whole.get("tool")
    return tool.get("scalecheck") if isinstance(tool, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """A mapping of the table, which knows what to call its keys, and from where its paths are told."""

    values: Mapping[str, Any]
    place: str
    root: Path
    start: Path

    def refuse_unknown(self, known: Sequence[str]) -> None:
        for key in self.values:
            if key not in known:
                self.refuse(f"there is no key {shown(key)}.{did_you_mean(key, known)}")

    def refuse(self, words: str) -> NoReturn:
        message = f"{self.place}: {words}"
        raise ScalecheckError(message)

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            self.refuse(f"{key} is {shown(value)}, not a text.")
        return value

    def path(self, key: str) -> Path | None:
        """Return a path of the file as the working directory sees it."""
        value = self.text(key)
        if value is None:
            return None
        full = self.root / value
        return Path(os.path.relpath(full, self.start)) if not Path(value).is_absolute() else full

    def policy(self) -> str | None:
        """Return the name of a shipped policy, or the path of a file."""
        value = self.text("policy")
        return str(self.path("policy")) if value and Path(value).suffix in (".yaml", ".yml") else value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse(f'{key} is {shown(value)}, not a list of texts: {key} = ["..."].')
        return tuple(value)


def read_table(raw: Any, file: Path, start: Path) -> ProjectTable:
    """Validate a table that was read from ``file``; its paths come back as ``start`` sees them.

    Raises:
        ScalecheckError: one sentence with the file, the key, what stands there and what may stand there.
    """
    place = OWN_FILE if file.name == OWN_FILE else f"[tool.scalecheck] of {file.name}"
    if not isinstance(raw, dict):
        message = f"{place} is {shown(raw)}, not a table."
        raise ScalecheckError(message)
    node = _Node(values=raw, place=place, root=file.parent, start=start)
    node.refuse_unknown(_TABLE_KEYS)
    common = _entry(node, CheckEntry(config_dir=os.path.relpath(file.parent / "conf", start)))
    return ProjectTable(
        file=file,
        common=common,
        checks=_checks(node, common) or (common,),
        fail_level=_fail_level(node),
        jobs=_jobs(node),
        output=node.texts("output"),
        baseline=node.path("baseline"),
        fail_on_increase=_increases(node),
        threshold=node.text("threshold"),
    )


def _entry(node: _Node, common: CheckEntry, name: str = "", overrides: tuple[str, ...] = ()) -> CheckEntry:
    config_dir = node.path("config_dir")
    return CheckEntry(
        name=name,
        config_dir=common.config_dir if config_dir is None else str(config_dir),
        config_name=node.text("config_name") or common.config_name,
        version_base=node.text("version_base") or common.version_base,
        policy=node.policy() or common.policy,
        overrides=overrides,
    )


def _checks(node: _Node, common: CheckEntry) -> tuple[CheckEntry, ...]:
    listed = node.values.get("check", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        header = "[[check]]" if node.place == OWN_FILE else "[[tool.scalecheck.check]]"
        node.refuse(f"check is {shown(listed)}, not a list of tables: {header}.")
    made: dict[str, CheckEntry] = {}
    for number, values in enumerate(listed):
        name = values.get("name")
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            node.refuse(f"check number {number + 1} has the name {shown(name)}; each needs one of its own, in printable text.")
        if name in made:
            node.refuse(f"two checks have the name {shown(name)}; each needs one of its own.")
        inner = _Node(values=values, place=f"{node.place}, check {shown(name)}", root=node.root, start=node.start)
        inner.refuse_unknown(_ENTRY_KEYS)
        made[name] = _entry(inner, common, name, (*inner.texts("overrides"), *_matrix(inner)))
    return tuple(made.values())


def _matrix(node: _Node) -> list[str]:
    """Return a matrix as the overrides of a sweep: every combination of its rows."""
    matrix = node.values.get("matrix", {})
    if not isinstance(matrix, dict):
        node.refuse(f'matrix is {shown(matrix)}, not a table: matrix = {{ model = ["small", "large"] }}.')
    return [f"{key}={_choices(node, key, value)}" for key, value in matrix.items()]


def _choices(node: _Node, key: str, value: Any) -> str:
    if isinstance(value, list) and not value:
        node.refuse(f"matrix.{key} is an empty list, so nothing would be checked; name its choices or leave it out.")
    texts = [_typed(item) for item in value] if isinstance(value, list) else [_typed(value)]
    if None in texts:
        node.refuse(f"matrix.{key} is {shown(value)}; it needs choices, as texts, numbers or switches, or a sweep such as glob(*).")
    return ",".join(filter(None, texts))


def _typed(value: Any) -> str | None:
    """Return a value as an override has it; a text is taken as it would be typed. ``None`` for what is no single value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return value if isinstance(value, str) and value else None


def _fail_level(node: _Node) -> str | None:
    level = node.text("fail_level")
    if level is not None and level not in FAIL_LEVELS:
        node.refuse(f"fail_level is {shown(level)}.{did_you_mean(level, FAIL_LEVELS)}")
    return level


def _jobs(node: _Node) -> int | None:
    value = node.values.get("jobs")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        node.refuse(f"jobs is {shown(value)}; it needs the number of processes, 1 or more.")
    return value


def _increases(node: _Node) -> dict[str, str]:
    value = node.values.get("fail_on_increase", {})
    if not isinstance(value, dict) or not all(_typed(limit) for limit in value.values()):
        node.refuse(f'fail_on_increase is {shown(value)}, not a table of limits: fail_on_increase = {{ training_flops = "1.5x" }}.')
    return {name: str(limit) for name, limit in value.items()}

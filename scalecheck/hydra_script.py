"""How a script enters Hydra, read from its source: ``@hydra.main(...)``, NeMo's ``hydra_runner``, hydra-zen. Nothing is imported or run.

What the source does not tell by itself (a path of another module, the environment) is named, never guessed.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from scalecheck.errors import ScalecheckError
from scalecheck.python_source import Dynamic, Source
from scalecheck.values import dataclass

Kind = Literal["main", "nemo", "zen", "launch"]


class VersionBase(Enum):
    """A ``version_base`` that is no value: the argument is missing, or the source alone does not tell it."""

    UNSPECIFIED = "unspecified"
    UNKNOWN = "unknown"


UNSPECIFIED, UNKNOWN = VersionBase.UNSPECIFIED, VersionBase.UNKNOWN

_POSITIONS: dict[Kind, tuple[str, ...]] = {
    "main": ("config_path", "config_name", "version_base", "execution_whitelist"),
    "nemo": ("config_path", "config_name", "schema"),
    "zen": ("config_path", "config_name", "version_base", "execution_whitelist"),
    "launch": ("config", "task_function", "overrides", "multirun", "version_base"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HydraApp:
    """A script's way into Hydra.

    ``config_dir`` is ``None`` where the app has no directory or the source does not tell it: then ``dynamic`` has the argument as
    it is written. ``function`` is the task function's name; ``others`` are the lines of further entries of the script.
    ``passed`` are the lines that call the task function with a config: Hydra then calls the function and nothing else.
    """

    script: Path
    kind: Kind
    config_dir: Path | None
    config_name: str | None
    version_base: str | VersionBase | None
    execution_whitelist: tuple[str, ...] | None
    dynamic: tuple[str, ...]
    line: int
    function: str | None = None
    passed: tuple[int, ...] = ()
    others: tuple[int, ...] = ()


def find_app(path: Path) -> HydraApp | None:
    """Return how a script enters Hydra, ``None`` where no entry is seen. Of several, the one that the script itself starts.

    Raises:
        ScalecheckError: the script cannot be read, or is no Python for this interpreter.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except OSError as failure:
        message = f"{path} cannot be read: {failure.strerror}."
        raise ScalecheckError(message) from failure
    except (SyntaxError, ValueError) as failure:
        where = f"{path}:{failure.lineno}" if isinstance(failure, SyntaxError) and failure.lineno else str(path)
        message = f"{where} is no Python that this interpreter reads: {failure.args[0] if failure.args else failure}."
        raise ScalecheckError(message) from failure
    source = _Script(tree, path)
    entries = sorted(source.entries(), key=lambda entry: entry.call.lineno)
    if not entries:
        return None
    started = source.started()
    chosen = next((entry for entry in entries if entry.bound in started), entries[0])
    return _app(source, chosen, tuple(entry.call.lineno for entry in entries if entry is not chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    kind: Kind
    call: ast.Call
    function: ast.expr | str | None
    """The task function: the name of the function that is decorated, or the expression that is wrapped."""
    bound: str | None
    """The name that the wrapped function has in the script."""


class _Script(Source):
    """A script's source, and its entries into Hydra."""

    def entries(self) -> Iterator[_Entry]:
        decorated = {
            id(decorator): node.name
            for node in self.nodes
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for decorator in node.decorator_list
        }
        wrapped = {id(node.func): node.args[0] for node in self.nodes if isinstance(node, ast.Call) and node.args}
        names = {id(value): name for name, value in self.assignments()}
        outer = {id(node.func): names.get(id(node)) for node in self.nodes if isinstance(node, ast.Call)}
        for node in self.nodes:
            kind = self._kind(node)
            if kind is None or not isinstance(node, ast.Call):
                continue
            function: ast.expr | str | None = decorated.get(id(node)) or wrapped.get(id(node))
            if kind == "zen" and isinstance(node.func, ast.Attribute):
                function = self._inside_zen(node.func.value)
            elif kind == "launch":
                function = node.args[1] if len(node.args) > 1 else None
            elif function is None and names.get(id(node)):  # wrapper = hydra.main(...); wrapper(f)()
                function = self._wrapped_later(names[id(node)])
            yield _Entry(kind=kind, call=node, function=function, bound=decorated.get(id(node)) or outer.get(id(node)))

    def _kind(self, node: ast.AST) -> Kind | None:
        if not isinstance(node, ast.Call):
            return None
        name = self.dotted(node.func)
        if name == "hydra.main":
            return "main"
        if name.rpartition(".")[2] == "hydra_runner" and "hydra_runner" not in self.defined:
            return "nemo"
        uses_zen = any(target.partition(".")[0] == "hydra_zen" for target in self.imported.values())
        if uses_zen and isinstance(node.func, ast.Attribute) and node.func.attr == "hydra_main":
            return "zen"
        return "launch" if name == "hydra_zen.launch" else None

    def _inside_zen(self, node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Name):
            node = self.values.get(node.id, node)
        return node.args[0] if isinstance(node, ast.Call) and node.args else node

    def _wrapped_later(self, name: str) -> ast.expr | None:
        calls = (node for node in self.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
        return next((call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == name and call.args), None)

    def started(self) -> set[str]:
        """Return the names that the script calls at its own level, as under ``if __name__ == "__main__":``."""
        blocks = [node for node in self.tree.body if isinstance(node, ast.If | ast.Expr | ast.Try)]
        calls = (node for block in blocks for node in ast.walk(block) if isinstance(node, ast.Call))
        return {call.func.id for call in calls if isinstance(call.func, ast.Name)}

    def passed(self, name: str | None) -> tuple[int, ...]:
        """Return the lines that call this function with an argument."""
        calls = (node for node in self.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
        return tuple(sorted(call.lineno for call in calls if self.dotted(call.func) == name and (call.args or call.keywords)))

    def arguments(self, entry: _Entry) -> dict[str, ast.expr]:
        """Return the arguments of an entry by name; of a ``**mapping`` those that the source tells, or the mapping as a whole."""
        positions = _POSITIONS[entry.kind]
        given = {f"*{index}" if index >= len(positions) else positions[index]: node for index, node in enumerate(entry.call.args)}
        for keyword in entry.call.keywords:
            if keyword.arg is not None:
                given[keyword.arg] = keyword.value
                continue
            node = self.values.get(keyword.value.id) if isinstance(keyword.value, ast.Name) else keyword.value
            given.update(self.mapping(node) or {"**": keyword.value})
        return given


def _app(source: _Script, entry: _Entry, others: tuple[int, ...]) -> HydraApp:
    given = source.arguments(entry)
    dynamic: list[str] = []

    def told(name: str, kinds: type | tuple[type, ...], default: Any) -> Any:
        if name not in given and "**" not in given:
            return default
        node = given.get(name, given.get("**"))
        try:
            value = source.value(node) if node is not None else None
        except Dynamic:
            value = Dynamic
        if value is None or isinstance(value, kinds):
            return value
        if node is not None:
            dynamic.append(f"{name}={ast.unparse(node)}" if name in given else f"**{ast.unparse(node)}")
        return Dynamic

    base = told("version_base", str, UNSPECIFIED) if entry.kind != "nemo" else UNSPECIFIED
    name = told("config_name", str, None)
    allowed = told("execution_whitelist", (str, list), None)
    config_dir = _config_dir(source, entry, told("config_path", (str, Path), UNSPECIFIED), base, dynamic)
    bound = entry.function if isinstance(entry.function, str) else entry.bound
    return HydraApp(
        script=source.path,
        kind=entry.kind,
        config_dir=config_dir,
        config_name=name.removesuffix(".yaml") if isinstance(name, str) else None,
        version_base=UNKNOWN if base is Dynamic else base,
        execution_whitelist=None if allowed in (None, Dynamic) else (allowed,) if isinstance(allowed, str) else tuple(map(str, allowed)),
        dynamic=tuple(dict.fromkeys(dynamic)),
        line=entry.call.lineno,
        function=entry.function if isinstance(entry.function, str) else ast.unparse(entry.function) if entry.function else None,
        passed=source.passed(bound),
        others=others,
    )


def _config_dir(source: _Script, entry: _Entry, config_path: Any, base: Any, dynamic: list[str]) -> Path | None:
    """Return the directory as Hydra finds it: beside the file that defines the task function (``detect_calling_file...``)."""
    if entry.kind == "launch":
        dynamic.append(f"config={ast.unparse(entry.call.args[0])}" if entry.call.args else "config")
        return None
    if config_path is UNSPECIFIED:
        config_path = "." if entry.kind == "nemo" or (base in (UNSPECIFIED, "1.1") and _hydra_has_old_bases()) else None
    if config_path in (None, Dynamic):
        return None
    if str(config_path).startswith("pkg://"):
        dynamic.append(f"config_path={config_path}")
        return None
    if not Path(config_path).is_absolute() and isinstance(entry.function, ast.Name) and entry.function.id not in source.defined:
        dynamic.append(f"config_path={str(config_path)!r} beside the file that defines {entry.function.id}")
        return None
    return Path(os.path.normpath(source.path.parent.resolve() / config_path))


def _hydra_has_old_bases() -> bool:
    """Tell whether this environment's Hydra still looks beside the script when ``config_path`` is missing: 1.3 does, 1.4 does not."""
    try:
        return metadata.version("hydra-core").startswith("1.3")
    except metadata.PackageNotFoundError:
        return False

"""What the names and expressions of a Python file stand for, as far as its text alone tells; nothing is imported or run."""

from __future__ import annotations

import ast
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class Dynamic(Exception):  # noqa: N818 - no error
    """The source alone does not tell this value."""


class Source:
    """A script's tree, with what its names mean where they mean one thing only."""

    def __init__(self, tree: ast.Module, path: Path) -> None:
        self.tree = tree
        self.path = path
        self._open: set[str] = set()
        self.nodes = list(ast.walk(tree))
        self.imported = dict(_imports(self.nodes))
        self.defined = {node.name for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
        stored = [node.id for node in self.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        counted = Counter([*stored, *(node.arg for node in self.nodes if isinstance(node, ast.arg)), *self.imported, *self.defined])
        self.values = {name: value for name, value in self.assignments() if counted[name] == 1}

    def assignments(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield every name that is assigned, at any depth, with its value."""
        for node in self.nodes:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                    yield target.id, node.value

    def dotted(self, node: ast.expr) -> str:
        """Return the full name that an expression such as ``H.main`` stands for, empty where it is none."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return ""

    def value(self, node: ast.expr) -> Any:
        """Evaluate what is the same wherever the script runs: constants, names of them, and paths from ``__file__``.

        Raises:
            Dynamic: anything else.
        """
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return str(self.path.absolute())
            if node.id in self.values:
                return self._named(node.id)
        if isinstance(node, ast.List | ast.Tuple):
            return [self.value(element) for element in node.elts]
        if isinstance(node, ast.BinOp):
            return _joined(node.op, self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return _path(self.value(node.value)).parent
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
            return _parent(_path(self.value(node.value.value)), self.value(node.slice))
        if isinstance(node, ast.Call) and not node.keywords:
            return self._called(node)
        raise Dynamic

    def _named(self, name: str) -> Any:
        if name in self._open:  # x = x / "conf"
            raise Dynamic
        self._open.add(name)
        try:
            return self.value(self.values[name])
        finally:
            self._open.discard(name)

    def _called(self, node: ast.Call) -> Any:
        name = self.dotted(node.func)
        pure: dict[str, Callable[..., Any]] = {
            "str": str,
            "pathlib.Path": Path,
            "os.path.join": os.path.join,
            "os.path.dirname": os.path.dirname,
            "os.path.normpath": os.path.normpath,
        }
        arguments = [self.value(argument) for argument in node.args]
        if name in pure and arguments and all(isinstance(argument, str | Path) for argument in arguments):
            return pure[name](*arguments)
        if name in ("os.path.abspath", "os.path.realpath", "os.fspath") and len(arguments) == 1 and Path(arguments[0]).is_absolute():
            return os.path.normpath(arguments[0])
        if isinstance(node.func, ast.Attribute):
            return _method(node.func.attr, self.value(node.func.value), arguments)
        raise Dynamic

    def mapping(self, node: ast.expr | None) -> dict[str, ast.expr] | None:
        """Return what a literal dict, or ``dict(a=1)``, holds; ``None`` for any other expression."""
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
            if all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key, _ in pairs):
                return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
        if isinstance(node, ast.Call) and self.dotted(node.func) == "dict" and not node.args and all(key.arg for key in node.keywords):
            return {str(key.arg): key.value for key in node.keywords}
        return None


def _imports(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds a; `import a.b as c` binds a.b.
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _joined(operator: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(operator, ast.Div) and isinstance(left, Path) and isinstance(right, str | Path):
        return left / right
    if isinstance(operator, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right
    raise Dynamic


def _path(value: Any) -> Path:
    if isinstance(value, Path):
        return value
    raise Dynamic


def _parent(path: Path, index: Any) -> Path:
    if isinstance(index, int) and -len(path.parents) <= index < len(path.parents):
        return path.parents[index]
    raise Dynamic


def _method(name: str, value: Any, arguments: list[Any]) -> Any:
    path = _path(value)
    if name == "joinpath" and all(isinstance(argument, str | Path) for argument in arguments):
        return path.joinpath(*arguments)
    if name == "as_posix" and not arguments:
        return path.as_posix()
    if name in ("resolve", "absolute") and not arguments and path.is_absolute():  # else it is of the working directory
        return Path(os.path.normpath(path))
    raise Dynamic

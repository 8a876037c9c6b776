"""Safe arithmetic over config keys: ``data.batch_size * data.seq_len * trainer.devices``.

Numbers, dotted keys, ``+ - * / // % **``, parentheses and ``min max ceil floor round``; nothing else is looked up or called.
Lengths, depths, exponents and results are bounded, so that no input can hang or exhaust memory.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from scalecheck.errors import ExpressionError

Number = int | float
MAX_LENGTH, MAX_DEPTH, MAX_EXPONENT, MAX_RESULT = 1000, 50, 64, 10**30
_GRAMMAR = "Write numbers and config keys with + - * / // % ** ( ) and min, max, ceil, floor, round, as in data.batch_size * data.seq_len."
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
_CALLS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "ceil": math.ceil, "floor": math.floor, "round": round}


def evaluate(text: str, read: Callable[[str], Number]) -> Number:
    """Return the value of an expression; ``read`` gives the value of a key. Integral results are ints.

    Raises:
        ExpressionError: text outside the grammar, a bound exceeded, a division by zero, a key without a number.

    """
    return _value(_tree(text), read, text)


def keys(text: str) -> tuple[str, ...]:
    """Return the config keys that an expression uses, in order of first use.

    Raises:
        ExpressionError: text outside the grammar.

    """
    return tuple(dict.fromkeys(_key(node, text) for node in _operands(_tree(text), text)))


def linear_key(text: str) -> str | None:
    """Return the first key in which the expression is a plain product, ``None`` when there is none: what a remedy may scale."""
    node = _tree(text)
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        if isinstance(node.right, ast.Name | ast.Attribute) and not isinstance(node.left, ast.Name | ast.Attribute | ast.BinOp):
            return _key(node.right, text)
        node = node.left
    return _key(node, text) if isinstance(node, ast.Name | ast.Attribute) else None


def _tree(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        message = f"the expression is {len(text)} characters long; at most {MAX_LENGTH} are read."
        raise ExpressionError(message)
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    chains = max((len(run) for run in text.replace("+", "-").replace("~", "-").split()), default=0)
    if deepest > MAX_DEPTH or text.count("-") + text.count("+") + text.count("~") + text.count("*") > 200 or chains > 500:
        message = f"the expression {text[:60]!r} is nested too deeply."
        raise ExpressionError(message)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as failure:
        message = f"the expression {text[:60]!r} cannot be read. {_GRAMMAR}"
        raise ExpressionError(message) from failure


def _operands(node: ast.expr, text: str) -> Iterator[ast.expr]:
    if isinstance(node, ast.Name | ast.Attribute):
        yield node
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        yield from _operands(node.left, text)
        yield from _operands(node.right, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        yield from _operands(node.operand, text)
    elif _is_known_call(node):
        for argument in node.args:  # type: ignore[attr-defined]
            yield from _operands(argument, text)
    elif not (isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)):
        raise _not_arithmetic(text)


def _is_known_call(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS and not node.keywords and bool(node.args)
    )


def _not_arithmetic(text: str) -> ExpressionError:
    return ExpressionError(f"the expression {text[:60]!r} is not arithmetic. {_GRAMMAR}")


def _key(node: ast.expr, text: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_key(node.value, text)}.{node.attr}"
    message = f"the expression {text[:60]!r} uses something that is no config key. {_GRAMMAR}"
    raise ExpressionError(message)


def _value(node: ast.expr, read: Callable[[str], Number], text: str) -> Number:
    if isinstance(node, ast.Constant):
        return _number(node.value, f"{node.value!r:.60}")
    if isinstance(node, ast.Name | ast.Attribute):
        key = _key(node, text)
        return _number(read(key), key)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, read, text)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _combined(node, _value(node.left, read, text), _value(node.right, read, text), text)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _is_known_call(node):
        return _called(node.func.id, [_value(argument, read, text) for argument in node.args], text)
    raise _not_arithmetic(text)


def _combined(node: ast.BinOp, left: Number, right: Number, text: str) -> Number:
    if isinstance(node.op, ast.Pow) and (abs(right) > MAX_EXPONENT or abs(left) > MAX_RESULT):
        message = f"the expression {text[:60]!r} has an exponent of {right}; at most {MAX_EXPONENT} is computed."
        raise ExpressionError(message)
    if isinstance(node.op, ast.Div) and isinstance(left, int) and isinstance(right, int) and right and left % right == 0:
        return left // right
    try:
        return _number(_BINARY[type(node.op)](left, right), f"the result of {text[:60]!r}")
    except ZeroDivisionError as failure:
        message = f"the expression {text[:60]!r} divides by zero."
        raise ExpressionError(message) from failure
    except OverflowError as failure:
        message = f"the expression {text[:60]!r} is larger than {MAX_RESULT:.0e}."
        raise ExpressionError(message) from failure


def _called(name: str, arguments: list[Number], text: str) -> Number:
    if name in ("min", "max"):
        return max(arguments) if name == "max" else min(arguments)
    if len(arguments) != 1:
        message = f"the expression {text[:60]!r} calls {name} with {len(arguments)} values; it takes one."
        raise ExpressionError(message)
    return _number(_CALLS[name](arguments[0]), f"the result of {text[:60]!r}")


def _number(value: object, what: str) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{what} is {value!r:.60}, not a number."
        raise ExpressionError(message)
    if isinstance(value, float) and not math.isfinite(value):
        message = f"{what} is {value}, not a finite number."
        raise ExpressionError(message)
    if abs(value) > MAX_RESULT:
        message = f"{what} is larger than {MAX_RESULT:.0e}."
        raise ExpressionError(message)
    return int(value) if isinstance(value, float) and value.is_integer() else value

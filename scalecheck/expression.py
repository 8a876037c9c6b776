"""Safe arithmetic over config keys: ``data.batch_size * data.seq_len * trainer.devices``.

Numbers, dotted keys, ``+ - * / // % **``, parentheses and ``min max ceil floor round``; nothing else is looked up or called.
An item of a list is ``stages[0].steps`` or ``stages.0.steps``. A dash is always a subtraction, so a key with a dash in its
name cannot be written. Arithmetic is exact: a float is the decimal number that was written, ``1.1 * 100`` is 110, and only a
power with a fraction in its exponent is rounded. Lengths, depths, exponents and the digits of every value on the way are
bounded, so that no input can hang or exhaust memory.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from scalecheck.errors import ExpressionError
from scalecheck.values import dataclass

Number = int | float
MAX_LENGTH, MAX_DEPTH, MAX_PARENTHESES, MAX_EXPONENT, MAX_RESULT = 1000, 200, 50, 64, 10**30
MAX_DENOMINATOR = 10**100  # keeps a step at a few microseconds; the longest text has about 500 of them
EXACT_FLOAT = 2**53  # beyond it a float has no digit left for units, and an int made of it would invent some
_GRAMMAR = (
    "Write numbers and config keys with + - * / // % ** ( ) and min, max, ceil, floor, round, as in data.batch_size * data.seq_len; "
    "a key with a dash, a space or a letter outside ASCII cannot be used."
)
_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)|(?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))"
    r"|(?P<call>(?:min|max|ceil|floor|round)(?=[ \t]*\())|(?P<key>[A-Za-z_]\w*(?:\.\w+|\[[0-9]+\])*(?![\w.\[]))|(?P<sign>[-+*/%(),])",
    re.ASCII,
)
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_CALLS: dict[str, Callable[..., Any]] = {
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed:
    """A checked tree; its names are ``k0``, ``k1`` ... for the keys, so that no key can clash with Python's words."""

    text: str
    tree: ast.expr
    keys: tuple[str, ...]

    def key(self, name: ast.Name) -> str:
        return self.keys[int(name.id[1:])]

    @property
    def shown(self) -> str:
        return _shown(self.text)


def evaluate(text: str, read: Callable[[str], Number]) -> Number:
    """Return the value of an expression; ``read`` gives the value of a key. Integral results are ints.

    Raises:
        ExpressionError: text outside the grammar, a bound exceeded, a division by zero, a key without a number.

    """
    parsed = _parse(text)
    value = _value(parsed.tree, read, parsed)
    return value.numerator if value.denominator == 1 else float(value)


def keys(text: str) -> tuple[str, ...]:
    """Return the config keys that an expression uses, as written, in order of first use.

    Raises:
        ExpressionError: text outside the grammar.

    """
    return tuple(dict.fromkeys(_parse(text).keys))


def linear_key(text: str) -> str | None:
    """Return the first key that the expression is proportional to as a plain product, ``None`` when there is none.

    That is a factor that is used nowhere else: twice the key is twice the value, so a remedy may scale it. It is spelt as
    it can be typed as an override: an item of a list is ``stages.0``.

    Raises:
        ExpressionError: text outside the grammar.

    """
    parsed = _parse(text)
    spelt = [_dotted(key) for key in parsed.keys]
    for factor in _factors(parsed.tree):
        if isinstance(factor, ast.Name) and spelt.count(key := _dotted(parsed.key(factor))) == 1:
            return key
    return None


def _dotted(key: str) -> str:
    return key.replace("[", ".").replace("]", "")


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else f"{text[:57]}...")


def _unreadable(text: str) -> ExpressionError:
    return ExpressionError(f"the expression {_shown(text)} is not arithmetic over config keys. {_GRAMMAR}")


def _parse(text: str) -> _Parsed:
    """Cut the text into known tokens first, so that Python's parser sees nothing but arithmetic."""
    if len(text) > MAX_LENGTH:
        message = f"the expression {_shown(text)} is {len(text)} characters long; at most {MAX_LENGTH} are read."
        raise ExpressionError(message)
    found: list[str] = []
    pieces: list[str] = []
    position = parentheses = deepest = 0
    while position < len(text.rstrip()):
        token = _TOKEN.match(text, position)
        if token is None:
            raise _unreadable(text)
        position, piece = token.end(), token.group()
        parentheses += (piece == "(") - (piece == ")")
        deepest = max(deepest, parentheses)
        if token.lastgroup == "key":
            found.append(piece)
            piece = f"k{len(found) - 1}"
        pieces.append(piece)
    tree = _tree("".join(pieces).strip(), text) if deepest <= MAX_PARENTHESES else None
    if tree is None or _depth(tree) > MAX_DEPTH:
        message = f"the expression {_shown(text)} is nested too deeply; write it with fewer parentheses and operators."
        raise ExpressionError(message)
    _check(tree, text)
    return _Parsed(text=text, tree=tree, keys=tuple(found))


def _tree(arithmetic: str, text: str) -> ast.expr:
    try:
        return ast.parse(arithmetic, mode="eval").body
    except (SyntaxError, ValueError) as failure:
        raise _unreadable(text) from failure
    except (RecursionError, MemoryError) as failure:
        message = f"the expression {_shown(text)} is nested too deeply; write it with fewer parentheses and operators."
        raise ExpressionError(message) from failure


def _depth(tree: ast.expr) -> int:
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _check(tree: ast.expr, text: str) -> None:
    """Refuse every node that is not arithmetic; what the tokens let through is ``a, b``, ``f(*a)`` and wrong counts of values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _check_call(node, text)
        elif isinstance(node, ast.Constant):
            _number(node.value, f"a number of the expression {_shown(text)}")
        elif not isinstance(node, ast.Name | ast.BinOp | ast.UnaryOp | ast.operator | ast.USub | ast.UAdd | ast.expr_context):
            raise _unreadable(text)


def _check_call(node: ast.Call, text: str) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in _CALLS or node.keywords:
        raise _unreadable(text)
    name = node.func.id
    if not node.args or (name not in ("min", "max") and len(node.args) != 1):
        wanted = "at least one value" if name in ("min", "max") else "one value"
        message = f"the expression {_shown(text)} calls {name} with {len(node.args)} values; it takes {wanted}."
        raise ExpressionError(message)


def _value(node: ast.expr, read: Callable[[str], Number], parsed: _Parsed) -> Fraction:
    if isinstance(node, ast.Constant):
        return _number(node.value, "a number")
    if isinstance(node, ast.Name):
        return _read(parsed.key(node), read, parsed)
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, read, parsed)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        return _combined(node.op, _value(node.left, read, parsed), _value(node.right, read, parsed), parsed)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _result(_CALLS[node.func.id](*(_value(argument, read, parsed) for argument in node.args)), parsed)
    raise _unreadable(parsed.text)


def _read(key: str, read: Callable[[str], Number], parsed: _Parsed) -> Fraction:
    try:
        return _number(read(key), key)
    except ExpressionError as failure:
        if not re.search(rf"(?<![\w.]){re.escape(key)}-[A-Za-z_]", parsed.text):
            raise
        message = f"{failure} The dash after {key} is a subtraction: a key with a dash in its name cannot be used."
        raise ExpressionError(message) from failure


def _combined(symbol: ast.operator, left: Fraction, right: Fraction, parsed: _Parsed) -> Fraction:
    try:
        if isinstance(symbol, ast.Pow):
            return _power(left, right, parsed)
        return _result(_BINARY[type(symbol)](left, right), parsed)
    except ZeroDivisionError as failure:
        message = f"the expression {parsed.shown} divides by zero."
        raise ExpressionError(message) from failure


def _power(base: Fraction, exponent: Fraction, parsed: _Parsed) -> Fraction:
    """Return an exact power of a whole exponent; a root is a float's, which is refused where a float has no digits for units."""
    if abs(exponent) > MAX_EXPONENT:
        message = f"the expression {parsed.shown} has an exponent of {_written(exponent)}; at most {MAX_EXPONENT} is computed."
        raise ExpressionError(message)
    if exponent.denominator == 1:
        return _result(base**exponent.numerator, parsed)
    if base < 0:
        message = f"the expression {parsed.shown} has a root of {_written(base)}, which is not a real number."
        raise ExpressionError(message)
    try:
        root = float(base) ** float(exponent)
    except OverflowError:
        root = math.inf
    if root > EXACT_FLOAT:
        message = f"the expression {parsed.shown} has a root above 2**53, which is known to 16 digits only."
        raise ExpressionError(message)
    return _number(root, f"the result of the expression {parsed.shown}")


def _written(value: Fraction) -> str:
    return f"{float(value):g}"


def _result(value: Fraction | int, parsed: _Parsed) -> Fraction:
    return _bounded(Fraction(value), f"the result of the expression {parsed.shown}")


def _number(value: object, what: str) -> Fraction:
    """Return a finite number within bounds; a float is the number that it is written as: ``1e23`` is 10**23."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = ascii(value)[:60] if value is None or isinstance(value, str | bool) else f"of type {type(value).__name__}"
        message = f"{what} is {shown}, not a real number."
        raise ExpressionError(message)
    if isinstance(value, float) and not math.isfinite(value):
        message = f"{what} is {value}, not a finite number."
        raise ExpressionError(message)
    # repr, not the binary value: 1e30 is meant as 10**30, which is 2e13 away from the float
    return _bounded(Fraction(float.__repr__(value)) if isinstance(value, float) else Fraction(int(value)), what)


def _bounded(value: Fraction, what: str) -> Fraction:
    if abs(value) > MAX_RESULT:
        message = f"{what} is larger than {MAX_RESULT:.0e}."
        raise ExpressionError(message)
    if value.denominator > MAX_DENOMINATOR:
        message = f"{what} has a fraction of more than 100 digits, which is not computed."
        raise ExpressionError(message)
    return value

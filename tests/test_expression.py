"""Safe arithmetic over config keys."""

from __future__ import annotations

import contextlib
import math
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck import expression
from scalecheck.errors import ExpressionError
from scalecheck.expression import evaluate, keys, linear_key

VALUES = {"stages[0].steps": 7, "stages.1.steps": 9, "optim.lambda": 3, "a": 6, "b.c": 4, "data.batch_size": 8, "rate": 0.5}


def read(key):
    if key not in VALUES:
        message = f"no {key}"
        raise ExpressionError(message)
    return VALUES[key]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a * b.c", 24), ("a / 2", 3), ("a / b.c", 1.5), ("a // b.c", 1), ("a % b.c", 2), ("2 ** 10", 1024), ("-a + 10", 4), ("(a + 2) * 3", 24),
        ("min(a, b.c)", 4), ("max(a, 7, 2)", 7), ("ceil(a / b.c)", 2), ("floor(1.5)", 1), ("round(2.6)", 3), ("1e9", 1_000_000_000),
        ("rate * 8", 4), ("data.batch_size * 1_000", 8000), ("10**15 * 10**15", 10**30),
        ("stages[0].steps * 2", 14), ("stages.1.steps", 9), ("optim.lambda + 1", 4), ("min(a)", 6), ("1e30", 10**30), ("1e23", 10**23), ("7 // 2.0", 3),
    ],
)  # fmt: skip
def test_value(text, value):
    result = evaluate(text, read)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "", "a +", "__import__('os')", "open('x')", "a.b()", "'x'", "[1]", "a if b else c", "lambda: 1", "a[b]", "a[-1]", "a['b']", "a.b[0]c", "a .b", "1 < 2", "True", "f(1)",
        "min()", "ceil(1, 2)", "min(a, key=a)", "2 ** 65", "10**30 * 10", "1 / 0", "1 % 0", "1 // 0", "nothing", "a & 1", "~a", "not a", "1j",
        "(" * 200 + "1" + ")" * 200, "-" * 900 + "1", "9" * 900, "1e400", "a" * 2000, "\x00", "a := 1", "0x10", "1and 2", "a\nb", "a # b", "a, b", "min(*a)", "\uff41", "\u03bc", "a\u03bc", "\ud800", "(-8) ** 0.5", "10.0 ** 64 ** 4", "{}",
    ],
)  # fmt: skip
def test_what_is_outside_the_grammar_or_the_bounds_is_one_sentence(text):
    with pytest.raises(ExpressionError) as raised:
        evaluate(text, read)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "f(1)", "\uff41", "a\u03bc", "a[b]", "round(a, 1)", "1e400", "True and a", "'x'", "a if b else c", "a +", "min()"],
)
def test_keys_of_what_is_outside_the_grammar_are_refused(text):
    with pytest.raises(ExpressionError):
        keys(text)


@pytest.mark.parametrize("value", ["text", None, True, float("nan"), float("inf"), [1], 10**40])
def test_key_without_a_usable_number_is_named(value):
    with pytest.raises(ExpressionError, match="trainer.steps"):
        evaluate("trainer.steps * 2", lambda _: value)


def test_keys_are_listed_once_in_order():
    assert keys("b.c * a + max(a, d.e.f) - 2") == ("b.c", "a", "d.e.f")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a", "a"),
        ("a * b.c", "a"),
        ("2 * a", "a"),
        ("2 * 3 * a", "a"),
        ("2 * (a * b)", "a"),
        ("(a + 1) * b.c", "b.c"),
        ("min(a, 1) * b", "b"),
        ("a * b * c", "a"),
        ("a + 1", None),
        ("a / 2", None),
        ("max(a, 1)", None),
        ("2 ** a", None),
        ("7", None),
        ("a * a", None),
        ("a * a * b", "b"),
        ("a * max(b, a)", None),
        ("a[0] * a.0", None),
        ("stages[0].steps * 2", "stages.0.steps"),
    ],
)
def test_key_that_a_remedy_may_scale(text, key):
    assert linear_key(text) == key


@pytest.mark.extended
@settings(max_examples=400, deadline=None)
@given(st.text(max_size=2000) | st.text(alphabet="ab.0123456789+-*/%() eE,[]minaxceilround", max_size=300))
def test_no_input_raises_anything_else_or_runs_long(text):
    for call in (lambda: evaluate(text, read), lambda: keys(text), lambda: linear_key(text)):
        with contextlib.suppress(ExpressionError):
            call()
    assert is_quick(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ceil(1.1 * 100)", 110), ("floor(10**20 / 3)", 33333333333333333333), ("7 / 2 * 2", 7), ("0.1 + 0.2", 0.3), ("1 / 3 * 3", 1), ("ceil(10**29 / 7 * 7)", 10**29),
        ("round(2.5)", 2), ("round(-3.5)", -4), ("-7 // 2", -4), ("-7 % 3", 2), ("2 ** -2", 0.25), ("4 ** 0.5", 2), ("-2 ** 2", -4), ("2 ** 3 ** 2", 512), ("10**15 / 10**-15", 10**30),
        ("max(1 / 3, 0.333)", 1 / 3), ("0 ** 0", 1), ("rate ** 64", 0.5**64),
    ],
)  # fmt: skip
def test_arithmetic_is_exact(text, value):
    """A float would make 111 of the first, and ...34464 of the second."""
    result = evaluate(text, read)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(1 / 3) ** 64 ** 4", "exponent"), ("((1 / 3) ** 64) ** 64", "100 digits"), ("1e-300", "100 digits"), ("(10**30) ** 0.99", "root"), ("(-8) ** 0.5", "root"),
        ("0 ** -1", "divides by zero"), ("0.0 ** -0.5", "divides by zero"), ("a ** 1e30", "exponent"), ("round(a, 2)", "round with 2 values"), ("a * 10**30", "larger than 1e\\+30"),
        ("1e-30 ** -60.5", "root"),
    ],
)  # fmt: skip
def test_bounds_are_said_in_a_sentence(text, said):
    with pytest.raises(ExpressionError, match=said):
        evaluate(text, read)


NAMES = {"a": 6, "b.c": 4, "rate": 0.5, "stages[0].steps": 7}
LEAVES = st.one_of(
    st.sampled_from(sorted(NAMES)).map(lambda key: (key, f"F({str(NAMES[key])!r})")),
    st.integers(0, 10**12).map(lambda number: (str(number), f"F({number})")),
    st.decimals(0, 10**6, places=3).map(lambda number: (str(number), f"F('{number}')")),
)


def binary(symbol):
    return lambda pair: (f"({pair[0][0]} {symbol} {pair[1][0]})", f"({pair[0][1]} {symbol} {pair[1][1]})")


def called(name):
    listed = "[{}]" if name in ("min", "max") else "{}"  # Python's min of one value wants a list
    return lambda values: (
        f"{name}({', '.join(ours for ours, _ in values)})",
        f"F({name}({listed.format(', '.join(python for _, python in values))}))",
    )


TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        *(st.tuples(below, below).map(binary(symbol)) for symbol in ("+", "-", "*", "/", "//", "%")),
        st.tuples(below, st.integers(-5, 5).map(lambda power: (f"({power})", f"({power})"))).map(binary("**")),
        below.map(lambda one: (f"-{one[0]}", f"-{one[1]}")),
        *(st.lists(below, min_size=1, max_size=3).map(called(name)) for name in ("min", "max")),
        *(below.map(lambda one, name=name: called(name)([one])) for name in ("ceil", "floor", "round")),
    ),
    max_leaves=12,
)


@pytest.mark.extended
@settings(max_examples=500, deadline=None)
@given(TREES)
def test_value_is_that_of_pythons_own_fractions(tree):
    """The same tree in Python: where it has a value within the bounds, ours is that value; elsewhere ours is a refusal."""
    text, python = tree
    scope = {"F": Fraction, "ceil": math.ceil, "floor": math.floor, "__builtins__": {"min": min, "max": max, "round": round}}
    try:
        wanted = Fraction(eval(python, scope))
    except ZeroDivisionError:
        wanted = None
    try:
        result = evaluate(text, NAMES.__getitem__)
    except ExpressionError as refusal:
        assert wanted is None or any(word in str(refusal) for word in ("larger than", "100 digits", "characters", "deeply"))
        return
    assert wanted is not None
    assert result == (wanted.numerator if wanted.denominator == 1 else float(wanted))
    assert type(result) is (int if wanted.denominator == 1 else float)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_precedence_without_parentheses_is_pythons(data):
    numbers = data.draw(st.lists(st.integers(1, 50), min_size=1, max_size=8))
    signs = data.draw(st.lists(st.sampled_from(["+", "-", "*", "/", "//", "%"]), min_size=len(numbers) - 1, max_size=len(numbers) - 1))
    minus = data.draw(st.sampled_from(["", "-", "- -", "+"]))
    pieces = [piece for pair in zip(numbers, [*signs, ""], strict=True) for piece in pair]
    wanted = Fraction(eval(minus + "".join(f"Fraction({piece})" if isinstance(piece, int) else piece for piece in pieces)))
    try:
        result = evaluate(minus + " ".join(map(str, pieces)), read)
    except ExpressionError as refusal:
        assert "larger than" in str(refusal)
        return
    assert result == (wanted.numerator if wanted.denominator == 1 else float(wanted))


def test_keys_are_kept_as_written():
    assert keys("stages[0].steps * stages.1.steps + optim.lambda") == ("stages[0].steps", "stages.1.steps", "optim.lambda")


def test_linear_key_refuses_what_is_outside_the_grammar():
    with pytest.raises(ExpressionError):
        linear_key("a * f(1)")


def test_quotient_beyond_a_floats_digits_stays_a_float():
    assert type(evaluate("10**20 / 3", read)) is float
    assert type(evaluate("10**25 / 10**5", read)) is int


def test_key_with_a_dash_is_explained():
    with pytest.raises(ExpressionError, match="a key with a dash in its name cannot be used"):
        evaluate("data-x.batch * 2", lambda _: {"batch": 1})


def test_refusal_tells_the_grammar():
    with pytest.raises(ExpressionError, match=r"min, max, ceil, floor, round, as in data.batch_size \* data.seq_len"):
        keys("f(a)")


LONG = [
    "(" * 1000, "-" * 999 + "1", "not " * 249 + "a", "a." * 499 + "a", "a*" * 499 + "a", "2**" * 330 + "2", "min(" * 200 + "1" + ")" * 200, "1_" * 499 + "1",
    "9" * 1000, "9" * 999 + "x", "a[0]" * 250, "a" * 999 + "(", "{a:" * 300, "[" * 1000, "lambda:" * 140 + "1", "a if a else " * 83, ". " * 500, "1e" + "9" * 990,
    "a,min(" * 49, "(" * 2000, "a+" * 999 + "a", " " * 2000, "f(" * 45 + ")" * 45,
    "-" * 190 + "a", "min(" * 49 + "a" + ")" * 49, "max(" + "a," * 490 + "a)", "+".join(f"1/{n}" for n in range(3, 180)), "*".join(["rate"] * 190), "1/3" + "/3" * 190, "1e-99+" * 150 + "a",
    "+".join(["a"] * 500), "(" * 49 + "a" + "+a)" * 49 + "+a" * 140, "((1/7)**64)**64", "1/" * 190 + "3", "9" * 30 + "%7" * 190, "+".join(["7**35/3**60"] * 80), "\ud800" * 1000, "\u0661" * 1000,
    "a" + "[0]" * 330, "a*" + "b" * 900 + ".", "1e-100*" * 140 + "1", "1." * 499, "1e+" * 300, "a//" * 190 + "rate", "(a)" * 300, "a(" * 40, "min(a)" * 160, "k0+" * 190 + "k1",
]  # fmt: skip


def seconds_of(text):
    started = time.process_time()
    with contextlib.suppress(ExpressionError):
        evaluate(text, read)
    return time.process_time() - started


def is_quick(text):
    """Tell whether one of five calls takes less than 50 ms of CPU: a busy machine slows some of them, a slow parser all."""
    return any(seconds_of(text) < 0.05 for _ in range(5))


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:12]))
def test_pathological_input_is_quick(text):
    for call in (lambda: evaluate(text, read), lambda: keys(text), lambda: linear_key(text)):
        with contextlib.suppress(ExpressionError):
            call()
    assert is_quick(text)


TOKENS = [
    "a",
    "b.c",
    "7",
    "1e9",
    "+",
    "-",
    "*",
    "**",
    "//",
    "%",
    "/",
    "(",
    ")",
    "min(",
    ",",
    "a[0]",
    " ",
    "ceil(",
    "round(",
    "1e-9",
    "0.1",
    "rate",
    "stages.1.steps",
    "64",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=400))
def test_tokens_in_any_order_raise_nothing_else(tokens):
    text = "".join(tokens)
    for call in (lambda text: evaluate(text, read), keys, linear_key):
        with contextlib.suppress(ExpressionError):
            call(text)
    assert is_quick(text)


class Meter:
    """Counts the values on the way to a result and keeps the largest size of one, in bits."""

    def __init__(self, monkeypatch):
        self.values = self.bits = 0
        bounded = expression._bounded

        def measured(value, what):
            self.values += 1
            self.bits = max(self.bits, value.numerator.bit_length(), value.denominator.bit_length())
            return bounded(value, what)

        monkeypatch.setattr(expression, "_bounded", measured)


@pytest.mark.parametrize(
    "text", [*LONG, "((1/7)**60 / 3) ** 64", "1/".join(["7**35"] * 90), "*".join(["(a/7)"] * 24)], ids=lambda text: ascii(text[:12])
)
def test_work_is_bounded_whatever_the_machine(text, monkeypatch):
    """Steps are fewer than characters, and no value on the way, even one that is refused, has more than 64 times the bits of one that is kept."""
    meter = Meter(monkeypatch)
    with contextlib.suppress(ExpressionError):
        evaluate(text, read)
    kept = (expression.MAX_RESULT * expression.MAX_DENOMINATOR).bit_length()
    assert meter.values <= 2 * expression.MAX_LENGTH
    assert meter.bits <= max(kept * expression.MAX_EXPONENT, 4 * expression.MAX_LENGTH)


def test_work_of_the_worst_sum_is_a_few_thousand_small_steps(monkeypatch):
    meter = Meter(monkeypatch)
    assert evaluate("+".join(["a"] * 190), read) == 190 * 6
    assert meter.values == 190 * 2 - 1

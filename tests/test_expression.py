"""Safe arithmetic over config keys."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=2000) | st.text(alphabet="ab.0123456789+-*/%() eE,[]minaxceilround", max_size=300))
def test_no_input_raises_anything_else_or_runs_long(text):
    for call in (lambda: evaluate(text, read), lambda: keys(text), lambda: linear_key(text)):
        with contextlib.suppress(ExpressionError):
            call()
    assert min(seconds_of(text) for _ in range(3)) < 0.05


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
]  # fmt: skip


def seconds_of(text):
    started = time.process_time()
    with contextlib.suppress(ExpressionError):
        evaluate(text, read)
    return time.process_time() - started


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:12]))
def test_pathological_input_is_quick(text):
    # the best of three: another process may take the CPU once, a slow parser is slow every time
    assert min(seconds_of(text) for _ in range(3)) < 0.05


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "b.c", "7", "1e9", "+", "-", "*", "**", "//", "%", "/", "(", ")", "min(", ",", "a[0]", " ", "ceil("]),
        max_size=300,
    )
)
def test_tokens_in_any_order_raise_nothing_else(tokens):
    for call in (lambda text: evaluate(text, read), keys, linear_key):
        with contextlib.suppress(ExpressionError):
            call("".join(tokens))

"""Safe arithmetic over config keys."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalecheck.errors import ExpressionError
from scalecheck.expression import evaluate, keys, linear_key

VALUES = {"a": 6, "b.c": 4, "data.batch_size": 8, "rate": 0.5}


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
    ],
)  # fmt: skip
def test_value(text, value):
    result = evaluate(text, read)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "", "a +", "__import__('os')", "open('x')", "a.b()", "'x'", "[1]", "a if b else c", "lambda: 1", "a[0]", "1 < 2", "True", "f(1)",
        "min()", "ceil(1, 2)", "min(a, key=a)", "2 ** 65", "10**30 * 10", "1 / 0", "1 % 0", "1 // 0", "nothing", "a & 1", "~a", "not a", "1j",
        "(" * 200 + "1" + ")" * 200, "-" * 900 + "1", "9" * 900, "1e400", "a" * 2000, "\x00", "a := 1", "(-8) ** 0.5", "10.0 ** 64 ** 4", "{}",
    ],
)  # fmt: skip
def test_what_is_outside_the_grammar_or_the_bounds_is_one_sentence(text):
    with pytest.raises(ExpressionError) as raised:
        evaluate(text, read)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("text", ["__import__('os')", "f(1)", "a[0]", "'x'", "a if b else c", "a +", "min()"])
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
    ("text", "key"), [("a", "a"), ("a * b.c", "a"), ("2 * a", "a"), ("a + 1", None), ("max(a, 1)", None), ("a * b * c", "a"), ("7", None)]
)
def test_key_that_a_remedy_may_scale(text, key):
    assert linear_key(text) == key


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=2000) | st.text(alphabet="ab.0123456789+-*/%() eE,minaxceilround", max_size=300))
def test_no_input_raises_anything_else_or_runs_long(text):
    started = time.process_time()
    for call in (lambda: evaluate(text, read), lambda: keys(text), lambda: linear_key(text)):
        with contextlib.suppress(ExpressionError):
            call()
    assert time.process_time() - started < 0.15

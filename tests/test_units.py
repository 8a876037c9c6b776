"""Counts in and out of text."""

from __future__ import annotations

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.units import format_count, format_flops, format_ratio, parse_count


@pytest.mark.parametrize(
    ("text", "value"),
    [("300B", 300 * 10**9), ("1.5T", 15 * 10**11), ("1e21", 10**21), ("1_000", 1000), ("7", 7), (" 2 M ", 2 * 10**6), ("0.5", 0.5), ("10k", 10**4),
     ("9007199254740993", 9007199254740993)],
)  # fmt: skip
def test_parse(text, value):
    assert parse_count(text) == value
    assert type(parse_count(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["", "lots", "1e999", "-3", "3X", "1e", "9" * 61, "nan", "inf", "1 2", "0x10", "1__0", "1_", "1,000", "300b", "5."]
)
def test_what_is_no_count_is_refused(text):
    with pytest.raises(ScalecheckError, match="is not a count"):
        parse_count(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(124_439_808, "124.4M"), (8_030_261_248, "8.03B"), (1_500_000_000_000, "1.50T"), (512, "512"), (9_999, "9,999"), (35_712, "35.7K"), (None, "unknown"),
     (0, "0"), (10**400, "1.00e400"),
     (999_999_999, "1.00B"), (9_999_999, "10.0M"), (999_999, "1.00M"), (-124_439_808, "-124.4M"), (9999.6, "10.0K"), (float("inf"), "inf"), (float("nan"), "nan")],
)  # fmt: skip
def test_format_count(value, text):
    assert format_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.1e19, "3.10e19 FLOPs"),
        (0, "0 FLOPs"),
        (None, "unknown FLOPs"),
        (10**400, "1.00e400 FLOPs"),
        (6, "6.00e0 FLOPs"),
        (9.999e19, "1.00e20 FLOPs"),
        (999_999 * 10**400, "1.00e406 FLOPs"),
    ],
)
def test_format_flops(value, text):
    assert format_flops(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0712, "0.071"),
        (1.54, "1.5"),
        (16.2, "16"),
        (1868.0, "1,900"),
        (0.0, "0"),
        (99.6, "100"),
        (9.96, "10"),
        (0.0999, "0.10"),
        (0.996, "1.0"),
        (1e-12, "1.00e-12"),
        (10**400, "1.00e400"),
        (float("inf"), "inf"),
    ],
)
def test_format_ratio(value, text):
    assert format_ratio(value) == text


@pytest.mark.parametrize("exponent", [400, 5000])
def test_ints_beyond_floats_and_beyond_what_python_prints(exponent):
    assert format_count(10**exponent) == f"1.00e{exponent}"
    assert format_flops(-(10**exponent)) == f"-1.00e{exponent} FLOPs"
    assert format_ratio(10**exponent) == f"1.00e{exponent}"

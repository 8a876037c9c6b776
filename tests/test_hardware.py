"""The policy's hardware node: what is given, what is assumed and marked, and each refusal with its key."""

from __future__ import annotations

import datetime as dt

import pytest

from scalecheck.errors import PolicyError
from scalecheck.hardware import KEY, read_hardware

PRICED = {"accelerator": "h100-sxm", "price_usd_per_gpu_hour": 2.5, "price_date": "2026-01-31"}


@pytest.mark.parametrize("raw", [None, {}, {"accelerator": None, "mfu": None}])
def test_nothing_named_is_no_hardware(raw):
    assert read_hardware(raw) is None


def test_accelerator_alone_assumes_an_mfu_with_its_range_and_nothing_else():
    found = read_hardware({"accelerator": "h100-sxm"})
    assert (found.accelerator, found.dtype, found.peak_flops_per_second) == ("h100-sxm", "bf16", 989.4e12)
    assert (found.mfu, found.mfu_low, found.mfu_high, found.mfu_assumed) == (0.40, 0.20, 0.50, True)
    assert found.num_devices is None
    assert found.price_usd_per_gpu_hour is None
    assert found.power_watts is None
    assert found.pue is None


def test_given_mfu_is_no_range_and_not_assumed():
    found = read_hardware({"accelerator": "h100-sxm", "mfu": 0.45})
    assert (found.mfu, found.mfu_low, found.mfu_high, found.mfu_assumed) == (0.45, 0.45, 0.45, False)


def test_device_without_bf16_is_counted_in_fp16():
    found = read_hardware({"accelerator": "v100-sxm2"})
    assert (found.dtype, found.peak_flops_per_second) == ("fp16", 125e12)


def test_dtype_of_the_policy_decides_the_peak():
    assert read_hardware({"accelerator": "h100-sxm", "dtype": "fp8"}).peak_flops_per_second == 1978.9e12


def test_price_is_kept_with_its_date_and_source():
    found = read_hardware(PRICED | {"price_source": "our contract"})
    assert (found.price_usd_per_gpu_hour, found.price_date, found.price_source) == (2.5, "2026-01-31", "our contract")


def test_bare_date_of_yaml_is_a_date():
    assert read_hardware(PRICED | {"price_date": dt.date(2026, 1, 31)}).price_date == "2026-01-31"
    assert read_hardware(PRICED | {"price_date": dt.datetime(2026, 1, 31, 12)}).price_date == "2026-01-31"


def test_pue_alone_takes_the_board_power_and_says_so():
    found = read_hardware({"accelerator": "h100-sxm", "pue": 1.1})
    assert (found.power_watts, found.power_is_board_power, found.pue) == (700, True, 1.1)


def test_given_power_is_not_the_board_power():
    found = read_hardware({"accelerator": "h100-sxm", "pue": 1.1, "power_watts": 520, "grams_co2_per_kwh": 56})
    assert (found.power_watts, found.power_is_board_power, found.grams_co2_per_kwh) == (520, False, 56)


def test_measured_mean_of_the_table_is_no_board_limit():
    found = read_hardware({"accelerator": "tpu-v3-core", "pue": 1.1})
    assert (found.power_watts, found.power_is_board_power) == (141.5, False)


@pytest.mark.parametrize(
    ("raw", "key", "says"),
    [
        (["h100-sxm"], "", "needs a mapping"),
        ({"acelerator": "h100-sxm"}, ".acelerator", "Did you mean 'accelerator'?"),
        ({"mfu": 0.4}, "", f"add {KEY}.accelerator"),
        ({"accelerator": 7}, ".accelerator", "needs the name of a device"),
        ({"accelerator": "h100-sxn"}, ".accelerator", "Did you mean 'h100-sxm'?"),
        ({"accelerator": "v100-sxm2", "dtype": "bf16"}, ".dtype", "it has fp16, fp32"),
        ({"accelerator": "h100-sxm", "dtype": "int8"}, ".dtype", "must be one of bf16"),
        ({"accelerator": "h100-sxm", "mfu": 40}, ".mfu", "Did you mean 0.4?"),
        ({"accelerator": "h100-sxm", "mfu": 0.8}, ".mfu", "at most 0.75"),
        ({"accelerator": "h100-sxm", "mfu": 0}, ".mfu", "must be above 0"),
        ({"accelerator": "h100-sxm", "mfu": True}, ".mfu", "needs a number"),
        ({"accelerator": "h100-sxm", "mfu": "nan"}, ".mfu", "needs a number"),
        ({"accelerator": "h100-sxm", "num_devices": 2.5}, ".num_devices", "whole number of devices"),
        ({"accelerator": "h100-sxm", "num_devices": 0}, ".num_devices", "must be above 0"),
        ({"accelerator": "h100-sxm", "price_usd_per_gpu_hour": 2}, ".price_usd_per_gpu_hour", f"add {KEY}.price_date"),
        ({"accelerator": "h100-sxm", "price_date": "2026-01-31"}, ".price_date", "without a price"),
        ({"accelerator": "h100-sxm", "price_source": "us"}, ".price_source", "without a price"),
        (PRICED | {"price_date": "last week"}, ".price_date", "needs a date"),
        (PRICED | {"price_date": 20260131}, ".price_date", "needs a date"),
        (PRICED | {"price_usd_per_gpu_hour": -1}, ".price_usd_per_gpu_hour", "must be above 0"),
        ({"accelerator": "h100-sxm", "power_watts": 500}, ".power_watts", f"without {KEY}.pue"),
        ({"accelerator": "h100-sxm", "grams_co2_per_kwh": 50}, ".grams_co2_per_kwh", f"without {KEY}.pue"),
        ({"accelerator": "h100-sxm", "pue": 0.9}, ".pue", "at least 1"),
        ({"accelerator": "h100-sxm", "pue": 110}, ".pue", "at least 1"),
        ({"accelerator": "h100-sxm", "pue": 1.1, "grams_co2_per_kwh": -1}, ".grams_co2_per_kwh", "at least 0"),
        ({"accelerator": "tpu-v4", "pue": 1.1}, ".pue", f"add {KEY}.power_watts"),
    ],
)
def test_bad_value_is_refused_with_its_key_in_one_line(raw, key, says):
    with pytest.raises(PolicyError) as refusal:
        read_hardware(raw)
    message = str(refusal.value)
    assert message.startswith(f"{KEY}{key}")
    assert says in message
    assert "\n" not in message


def test_refusal_names_the_key_that_the_caller_uses():
    with pytest.raises(PolicyError, match=r"^scalecheck\.hardware\.mfu is"):
        read_hardware({"accelerator": "h100-sxm", "mfu": -1}, "scalecheck.hardware")

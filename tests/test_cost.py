"""Hours, money and energy: the arithmetic, its range, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.cost import flops_of_gpu_hours, gpu_hours, spend
from scalecheck.hardware import read_hardware

H100 = read_hardware({"accelerator": "h100-sxm", "mfu": 0.4})
ASSUMED = read_hardware({"accelerator": "h100-sxm"})
PRICED = replace(H100, price_usd_per_gpu_hour=2.0, price_date="2026-01-31", price_source="our contract")


def test_one_h100_hour_at_forty_percent_is_1_42e18_flops():
    assert flops_of_gpu_hours(1, 989.4e12, 0.4) == pytest.approx(1.42e18, rel=5e-3)


def test_1e21_flops_are_702_h100_hours_at_forty_percent():
    assert gpu_hours(1e21, 989.4e12, 0.4) == pytest.approx(702, abs=0.5)
    assert spend(10**21, H100).gpu_hours == pytest.approx(702, abs=0.5)


def test_an_hour_has_3600_seconds():
    assert gpu_hours(3600e12, 1e12, 1.0) == 1
    assert flops_of_gpu_hours(1, 1e12, 1.0) == 3600e12


def test_hours_and_flops_are_inverse():
    assert gpu_hours(flops_of_gpu_hours(5000, 312e12, 0.35), 312e12, 0.35) == pytest.approx(5000)


def test_given_mfu_has_no_range():
    found = spend(1e21, H100)
    assert found.gpu_hours_low == found.gpu_hours == found.gpu_hours_high
    assert "assumed" not in found.gpu_hours_because


def test_assumed_mfu_has_a_range_that_is_said():
    found = spend(1e21, ASSUMED)
    assert found.gpu_hours_low == pytest.approx(found.gpu_hours * 0.4 / 0.5)
    assert found.gpu_hours_high == pytest.approx(found.gpu_hours * 0.4 / 0.2)
    assert found.gpu_hours_because == "h100-sxm, 989.4 dense bf16 TFLOP/s a device, MFU assumed 0.4, published runs 0.2-0.5"


def test_wall_clock_is_hours_over_devices():
    found = spend(1e21, ASSUMED, 8)
    assert found.num_devices == 8
    assert found.wall_clock_hours == pytest.approx(found.gpu_hours / 8)
    assert found.wall_clock_hours_low == pytest.approx(found.gpu_hours_low / 8)
    assert found.wall_clock_hours_high == pytest.approx(found.gpu_hours_high / 8)
    assert found.wall_clock_because == "8 devices"


def test_devices_of_the_policy_win_over_those_of_the_config():
    assert spend(1e21, replace(H100, num_devices=64), 8).num_devices == 64


def test_without_devices_the_wall_clock_is_unknown_and_the_hours_are_not():
    found = spend(1e21, H100)
    assert found.wall_clock_hours is None
    assert found.wall_clock_hours_high is None
    assert found.gpu_hours > 0


def test_without_a_price_there_is_no_cost():
    found = spend(1e21, H100, 8)
    assert (found.cost_usd, found.cost_usd_low, found.cost_usd_high, found.cost_because) == (None, None, None, "")


def test_cost_is_hours_times_price_and_says_price_date_and_source():
    found = spend(1e21, PRICED)
    assert found.cost_usd == pytest.approx(2 * found.gpu_hours)
    assert found.cost_because == "2 USD per GPU-hour, 2026-01-31, our contract"


def test_without_pue_there_is_no_energy():
    found = spend(1e21, H100, 8)
    assert (found.energy_kwh, found.energy_because, found.co2_kg) == (None, "", None)


def test_energy_of_board_power_is_up_to_and_says_its_pue():
    found = spend(1e21, read_hardware({"accelerator": "h100-sxm", "mfu": 0.4, "pue": 1.2}))
    assert found.energy_kwh == pytest.approx(found.gpu_hours * 0.7 * 1.2)
    assert found.energy_because == "up to 700 W a device of board power, PUE 1.2, without the hosts"
    assert found.co2_kg is None


def test_co2_is_energy_times_the_given_intensity():
    given = {"accelerator": "h100-sxm", "mfu": 0.4, "pue": 1.0, "power_watts": 500, "grams_co2_per_kwh": 56}
    found = spend(1e21, read_hardware(given))
    assert found.energy_because.startswith("500 W a device, PUE 1")
    assert found.co2_kg == pytest.approx(found.gpu_hours * 0.5 * 0.056)
    assert found.co2_because == "56 g CO2 per kWh"


def test_intensity_of_zero_is_no_co2_not_unknown():
    given = {"accelerator": "h100-sxm", "pue": 1.0, "grams_co2_per_kwh": 0}
    assert spend(1e21, read_hardware(given)).co2_kg == 0


def test_absurd_flops_are_absurd_hours_and_no_error():
    assert spend(10**400, H100, 8).gpu_hours > 1e200

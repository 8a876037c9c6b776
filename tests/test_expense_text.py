"""What a run takes, in words: every figure stands beside what it was made of."""

from __future__ import annotations

from scalecheck.cost import spend
from scalecheck.expense_text import sentence
from scalecheck.hardware import read_hardware


def said(flops, devices=None, **hardware):
    return sentence(spend(flops, read_hardware({"accelerator": "h100-sxm", **hardware}), devices))


def test_hours_stand_beside_peak_and_mfu():
    assert said(1e21, mfu=0.4) == "about 702 GPU-hours (h100-sxm, 989.4 dense bf16 TFLOP/s a device, MFU 0.4)"


def test_an_assumed_mfu_gives_a_range():
    text = said(1e21)
    assert "about 702 (562-1,404) GPU-hours" in text
    assert "MFU assumed 0.4, published runs 0.2-0.5" in text


def test_wall_clock_needs_devices_and_money_a_price_with_its_date():
    text = said(1e21, 8, mfu=0.4, price_usd_per_gpu_hour=2, price_date="2026-01-31")
    assert "about 88 hours of wall clock (8 devices)" in text
    assert "about 1,404 USD (2 USD per GPU-hour, 2026-01-31)" in text


def test_energy_of_the_boards_limit_is_up_to():
    text = said(1e21, mfu=0.4, pue=1.1, grams_co2_per_kwh=300)
    assert "up to about 540 kWh (up to 700 W a device of board power, PUE 1.1, without the hosts)" in text
    assert "up to about 162 kg of CO2 (300 g CO2 per kWh)" in text


def test_nothing_is_said_of_what_was_not_asked_for():
    assert not {"USD", "kWh", "CO2", "wall"} & set(said(1e21, mfu=0.4).replace("(", " ").split())


def test_range_with_exponents_is_not_read_as_a_difference():
    assert said(1.7616e11, accelerator="h100-sxm").startswith("about 1.24e-7 (9.89e-8 to 2.47e-7) GPU-hours")

"""The table of accelerators: cited, dense, per device as the framework counts devices."""

from __future__ import annotations

import pytest

from scalecheck.accelerators import DTYPES, accelerator, accelerators
from scalecheck.errors import ScalecheckError

TABLE = accelerators()


@pytest.mark.parametrize("name", TABLE)
def test_row_has_a_source_a_verification_and_a_peak(name):
    row = TABLE[name]
    assert row.source
    assert row.verification
    assert row.peak_flops_per_second
    assert 2015 < row.year < 2030
    assert name == name.lower().replace(" ", "-")


@pytest.mark.parametrize("name", TABLE)
def test_peaks_rise_as_precision_falls(name):
    peaks = [TABLE[name].peak_flops_per_second.get(dtype) for dtype in ("fp32", "tf32", "bf16", "fp8")]
    known = [peak for peak in peaks if peak is not None]
    assert known == sorted(known)


@pytest.mark.parametrize(
    ("name", "tflops"),
    [("a100-sxm", 312), ("h100-sxm", 989.4), ("h100-pcie", 756), ("h200-sxm", 989), ("b200-sxm", 2250), ("gb200", 2500),
     ("mi300x", 1307), ("rtx-4090", 165.2), ("rtx-3090", 71), ("tpu-v4", 275), ("tpu-v5p", 459)],
)  # fmt: skip
def test_bf16_peak_is_the_dense_one(name, tflops):
    assert accelerator(name).peak("bf16") == pytest.approx(tflops * 1e12)


@pytest.mark.parametrize(
    ("name", "tflops", "devices"),
    [
        ("mi250x-gcd", 191.5, 2),
        ("trainium1-core", 95, 2),
        ("trainium2-core", 166.75, 4),
        ("tpu-v3-core", 61.5, 2),
        ("tpu-v7x-core", 1153.5, 2),
    ],
)
def test_chip_of_several_devices_is_divided(name, tflops, devices):
    device = accelerator(name)
    assert device.peak("bf16") == pytest.approx(tflops * 1e12)
    assert device.devices_per_chip == devices
    assert device.device_note


def test_device_of_a_shared_board_has_its_share_of_the_power():
    assert accelerator("mi250x-gcd").board_power_watts == 280


@pytest.mark.parametrize("spelling", ["h100-sxm", "H100 SXM", "h100_sxm", " H100-SXM "])
def test_case_spaces_and_underscores_do_not_matter(spelling):
    assert accelerator(spelling).name == "h100-sxm"


def test_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ScalecheckError, match=r"Did you mean 'a100-sxm'\?"):
        accelerator("a100-sxn")


def test_name_of_a_family_is_not_guessed_at():
    with pytest.raises(ScalecheckError, match="h100-sxm or h100-pcie or h100-nvl"):
        accelerator("h100")


def test_empty_name_lists_what_is_known():
    with pytest.raises(ScalecheckError, match="Known: a10, "):
        accelerator("")


def test_default_dtype_is_bf16_and_fp16_where_there_is_none():
    assert accelerator("h100-sxm").default_dtype == "bf16"
    assert accelerator("v100-sxm2").default_dtype == "fp16"
    assert accelerator("t4").default_dtype == "fp16"


def test_missing_peak_is_refused_with_those_that_there_are():
    with pytest.raises(ScalecheckError, match="v100-sxm2 has no dense bf16 peak in scalecheck's table; it has fp16, fp32"):
        accelerator("v100-sxm2").peak("bf16")


def test_every_peak_is_of_a_known_dtype_in_flops_per_second():
    for row in TABLE.values():
        assert set(row.peak_flops_per_second) <= set(DTYPES)
        assert all(1e12 < peak < 1e16 for peak in row.peak_flops_per_second.values())

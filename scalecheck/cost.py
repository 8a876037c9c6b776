"""What a run takes on the hardware that the policy names: GPU-hours, wall clock, money, energy."""

from __future__ import annotations

from typing import NamedTuple

from scalecheck.facts import Expense, Hardware

SECONDS_PER_HOUR = 3600
# Nothing trains 1e300 FLOPs, and a float holds it; a config with a typo may say more, and then this is as absurd.
_LARGEST_FLOPS = 10**300


class _Range(NamedTuple):
    """A figure with its fast and its slow end; ``None`` throughout where it is unknown."""

    middle: float | None = None
    low: float | None = None
    high: float | None = None

    def times(self, factor: float | None) -> _Range:
        """Return all three times a factor; unknown where the factor is."""
        if factor is None or self.middle is None or self.low is None or self.high is None:
            return _Range()
        return _Range(self.middle * factor, self.low * factor, self.high * factor)


def gpu_hours(training_flops: float, peak_flops_per_second: float, mfu: float) -> float:
    """Return device-hours: C / (peak x MFU) / 3600, C in matmul FLOPs without recomputation (PaLM, arXiv 2204.02311, appendix B)."""
    return float(min(training_flops, _LARGEST_FLOPS)) / (peak_flops_per_second * mfu * SECONDS_PER_HOUR)


def flops_of_gpu_hours(hours: float, peak_flops_per_second: float, mfu: float) -> float:
    """Return the training FLOPs that device-hours buy: hours x 3600 x peak x MFU. One H100-hour at MFU 0.40: 1.42e18."""
    return hours * SECONDS_PER_HOUR * peak_flops_per_second * mfu


def spend(training_flops: float, hardware: Hardware, num_devices: int | None = None) -> Expense:
    """Return what C takes on this hardware.

    ``num_devices`` is the config's; the policy's ``hardware.num_devices`` wins. GPU-hours are C / (peak x MFU) / 3600, wall clock is
    GPU-hours over devices, cost is GPU-hours x the user's price, energy GPU-hours x power x PUE, CO2 energy x g/kWh. Each has a low end
    at the highest MFU and a high end at the lowest.
    """
    devices = hardware.num_devices or num_devices
    middle, low, high = (gpu_hours(training_flops, hardware.peak_flops_per_second, mfu) for mfu in (
        hardware.mfu, hardware.mfu_high, hardware.mfu_low))  # fmt: skip
    hours = _Range(middle, low, high)
    wall_clock = hours.times(1 / devices if devices else None)
    cost = hours.times(hardware.price_usd_per_gpu_hour)
    energy = hours.times(hardware.power_watts * hardware.pue / 1000 if hardware.power_watts and hardware.pue else None)
    co2 = energy.times(None if hardware.grams_co2_per_kwh is None else hardware.grams_co2_per_kwh / 1000)
    return Expense(
        hardware=hardware, gpu_hours=middle, gpu_hours_low=low, gpu_hours_high=high, gpu_hours_because=_why_hours(hardware),
        num_devices=devices, wall_clock_hours=wall_clock.middle, wall_clock_hours_low=wall_clock.low, wall_clock_hours_high=wall_clock.high,
        wall_clock_because=f"{devices:,} device{'s' if devices != 1 else ''}" if devices else "",
        cost_usd=cost.middle, cost_usd_low=cost.low, cost_usd_high=cost.high,
        cost_because="" if cost.middle is None else _why_cost(hardware),
        energy_kwh=energy.middle, energy_kwh_low=energy.low, energy_kwh_high=energy.high,
        energy_because="" if energy.middle is None else _why_energy(hardware),
        co2_kg=co2.middle, co2_kg_low=co2.low, co2_kg_high=co2.high,
        co2_because="" if co2.middle is None else f"{hardware.grams_co2_per_kwh:g} g CO2 per kWh",
    )  # fmt: skip


def _why_hours(hardware: Hardware) -> str:
    peak = f"{hardware.accelerator}, {hardware.peak_flops_per_second / 1e12:g} dense {hardware.dtype} TFLOP/s a device"
    share = f"MFU {hardware.mfu:g}"
    if hardware.mfu_assumed:
        share = f"MFU assumed {hardware.mfu:g}, published runs {hardware.mfu_low:g}-{hardware.mfu_high:g}"
    return f"{peak}, {share}"


def _why_cost(hardware: Hardware) -> str:
    source = f", {hardware.price_source}" if hardware.price_source else ""
    return f"{hardware.price_usd_per_gpu_hour:g} USD per GPU-hour, {hardware.price_date}{source}"


def _why_energy(hardware: Hardware) -> str:
    limit = "up to " if hardware.power_is_board_power else ""
    kind = " of board power" if hardware.power_is_board_power else ""
    return f"{limit}{hardware.power_watts:g} W a device{kind}, PUE {hardware.pue:g}, without the hosts"

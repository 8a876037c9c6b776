"""What a run takes on an accelerator: the hardware that a policy names, and the hours, money and energy that follow."""

from __future__ import annotations

from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The accelerator that a policy names, per device as the framework counts devices, and what the policy says of its use.

    ``peak_flops_per_second`` is dense, with fp32 accumulation, in ``dtype``. MFU is model FLOPs utilisation: matmul FLOPs of forward and
    backward, without recomputation, over the peak (PaLM, arXiv 2204.02311, appendix B). ``mfu_low`` and ``mfu_high`` are equal to ``mfu``
    where the policy gives it, and a range of published runs where it is assumed. ``power_watts`` is of one device; with
    ``power_is_board_power`` it is the vendor's limit, so what follows from it is an upper estimate. ``price_date`` is an ISO date.
    """

    accelerator: str
    dtype: str
    peak_flops_per_second: float
    mfu: float
    mfu_low: float
    mfu_high: float
    mfu_assumed: bool = False
    num_devices: int | None = None
    price_usd_per_gpu_hour: float | None = None
    price_date: str = ""
    price_source: str = ""
    power_watts: float | None = None
    power_is_board_power: bool = False
    pue: float | None = None
    grams_co2_per_kwh: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expense:
    """What a run takes. ``_low`` is the fast, cheap end (the high MFU), ``_high`` the slow one; both are the middle where MFU is given.

    GPU-hours are device-hours. ``None`` is unknown: wall clock without a number of devices, cost without a price, energy without a power
    and PUE, CO2 without a carbon intensity. Energy is of the devices times PUE, without their hosts. Each ``…_because`` has the numbers
    that the figure was made of, for the report to print beside it.
    """

    hardware: Hardware
    gpu_hours: float
    gpu_hours_low: float
    gpu_hours_high: float
    gpu_hours_because: str
    num_devices: int | None = None
    wall_clock_hours: float | None = None
    wall_clock_hours_low: float | None = None
    wall_clock_hours_high: float | None = None
    wall_clock_because: str = ""
    cost_usd: float | None = None
    cost_usd_low: float | None = None
    cost_usd_high: float | None = None
    cost_because: str = ""
    energy_kwh: float | None = None
    energy_kwh_low: float | None = None
    energy_kwh_high: float | None = None
    energy_because: str = ""
    co2_kg: float | None = None
    co2_kg_low: float | None = None
    co2_kg_high: float | None = None
    co2_because: str = ""

"""The policy's ``hardware:`` node -> a ``Hardware``, or one clear sentence with the dotted key.

What is not given is not guessed, with one exception that is marked: without an ``mfu`` a published range is assumed, and shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from scalecheck.accelerators import DTYPES, Accelerator, accelerator
from scalecheck.errors import PolicyError, ScalecheckError
from scalecheck.facts import Hardware
from scalecheck.options import choice, mapping, number, positive, refuse_unknown
from scalecheck.text import shown

KEY = "hydra.callbacks.scalecheck.hardware"
DEFAULT_MFU = 0.40
DEFAULT_MFU_RANGE = (0.20, 0.50)
"""Published runs: GPT-3 0.21, MT-NLG 0.30, PaLM 0.46 (Chowdhery et al. 2022, arXiv 2204.02311, table 3), Llama 3.1 405B 0.38-0.43
(arXiv 2407.21783, table 4). 0.40 is what tuned multi-GPU training reaches; code that nobody tuned is often at 0.2 to 0.3."""
LARGEST_MFU = 0.75
"""Even a plain matrix product reaches 50 to 87 % of the peak (stas00/ml-engineering, maximum achievable matmul FLOPS)."""
OPTIONS = (
    "accelerator", "dtype", "mfu", "num_devices", "price_usd_per_gpu_hour", "price_date", "price_source",
    "power_watts", "pue", "grams_co2_per_kwh",
)  # fmt: skip


def read_hardware(raw: Mapping[str, Any] | None, key: str = KEY) -> Hardware | None:
    """Validate a ``hardware:`` node; ``None`` where it names no accelerator and nothing else.

    Raises:
        PolicyError: one sentence with the dotted key, what stands there, and what may stand there.

    """
    given = {name: value for name, value in mapping(raw, key).items() if value is not None}
    refuse_unknown(given, OPTIONS, key)
    if not given:
        return None
    device = _accelerator(given.get("accelerator"), given, key)
    dtype = choice(given.get("dtype", device.default_dtype), DTYPES, f"{key}.dtype")
    peak = _peak(device, dtype, key)
    mfu, low, high = _mfu(given.get("mfu"), f"{key}.mfu")
    price, date, source = _price(given, key)
    power, is_board_power, pue, grams = _power(given, device, key)
    return Hardware(
        accelerator=device.name, dtype=dtype, peak_flops_per_second=peak,
        mfu=mfu, mfu_low=low, mfu_high=high, mfu_assumed="mfu" not in given,
        num_devices=_devices(given.get("num_devices"), f"{key}.num_devices"),
        price_usd_per_gpu_hour=price, price_date=date, price_source=source,
        power_watts=power, power_is_board_power=is_board_power, pue=pue, grams_co2_per_kwh=grams, note=device.device_note,
    )  # fmt: skip


def _accelerator(value: Any, given: Mapping[str, Any], key: str) -> Accelerator:
    if value is None:
        message = f"{key} sets {next(iter(given))} and no accelerator: add {key}.accelerator, such as h100-sxm or a100-sxm."
        raise PolicyError(message)
    if not isinstance(value, str):
        message = f"{key}.accelerator is {shown(value)}; it needs the name of a device, such as h100-sxm or a100-sxm."
        raise PolicyError(message)
    try:
        return accelerator(value)
    except ScalecheckError as unknown:
        message = f"{key}.accelerator: {unknown}"
        raise PolicyError(message) from None


def _peak(device: Accelerator, dtype: str, key: str) -> float:
    try:
        return device.peak(dtype)
    except ScalecheckError as unknown:
        message = f"{key}.dtype: {unknown}"
        raise PolicyError(message) from None


def _mfu(value: Any, key: str) -> tuple[float, float, float]:
    """Return the middle, the lowest and the highest MFU; what is given is all three."""
    if value is None:
        return DEFAULT_MFU, *DEFAULT_MFU_RANGE
    mfu = float(positive(value, key))
    if mfu > LARGEST_MFU:
        hint = f" Did you mean {mfu / 100:g}?" if 1 < mfu <= 100 * LARGEST_MFU else ""
        message = (
            f"{key} is {shown(value)}; it must be a fraction of the dense peak, at most {LARGEST_MFU}: even a plain matrix product "
            f"reaches only 50 to 87 % of it.{hint}"
        )
        raise PolicyError(message)
    return mfu, mfu, mfu


def _devices(value: Any, key: str) -> int | None:
    if value is None:
        return None
    count = positive(value, key)
    if count != int(count):
        message = f"{key} is {shown(value)}; it needs a whole number of devices."
        raise PolicyError(message)
    return int(count)


def _price(given: Mapping[str, Any], key: str) -> tuple[float | None, str, str]:
    """Return the price, its date and its source; scalecheck holds no prices, and a price without its date is none."""
    value, date, source = (given.get(f"price_{name}") for name in ("usd_per_gpu_hour", "date", "source"))
    if value is None:
        if date is not None or source is not None:
            message = f"{key}.price_{'date' if date is not None else 'source'} stands without a price: add {key}.price_usd_per_gpu_hour."
            raise PolicyError(message)
        return None, "", ""
    price = float(positive(value, f"{key}.price_usd_per_gpu_hour"))
    if date is None:
        message = (
            f"{key}.price_usd_per_gpu_hour is {shown(value)} and has no date: add {key}.price_date, such as 2026-01-31; prices change."
        )
        raise PolicyError(message)
    return price, _date(date, f"{key}.price_date"), " ".join(str(source or "").split())


def _date(value: Any, key: str) -> str:
    text = value.isoformat() if isinstance(value, dt.date) else value  # YAML reads a bare 2026-01-31 as a date
    try:
        return dt.date.fromisoformat(str(text)[:10] if isinstance(value, dt.datetime) else text).isoformat()
    except (TypeError, ValueError):
        message = f"{key} is {shown(value)}; it needs a date: year-month-day, such as 2026-01-31."
        raise PolicyError(message) from None


def _power(given: Mapping[str, Any], device: Accelerator, key: str) -> tuple[float | None, bool, float | None, float | None]:
    """Return watts, whether they are the board's limit, PUE and g/kWh. Energy is told only where the PUE is: no default is silent."""
    watts, pue, grams = (given.get(name) for name in ("power_watts", "pue", "grams_co2_per_kwh"))
    if pue is None:
        lone = next((name for name in ("power_watts", "grams_co2_per_kwh") if given.get(name) is not None), "")
        if lone:
            message = f"{key}.{lone} stands without {key}.pue: add the data centre's power usage effectiveness (1.0: none but the devices)."
            raise PolicyError(message)
        return None, False, None, None
    ratio = float(number(pue, f"{key}.pue"))
    if not 1 <= ratio <= 10:
        message = f"{key}.pue is {shown(pue)}; it must be at least 1 (all power goes into the devices), and 1.1 to 1.6 is usual."
        raise PolicyError(message)
    intensity = None if grams is None else float(number(grams, f"{key}.grams_co2_per_kwh"))
    if intensity is not None and intensity < 0:
        message = f"{key}.grams_co2_per_kwh is {shown(grams)}; it must be at least 0."
        raise PolicyError(message)
    if watts is not None:
        return float(positive(watts, f"{key}.power_watts")), False, ratio, intensity
    if device.board_power_watts is None:
        message = f"{key}.pue asks for energy, and no power is published for {device.name}: add {key}.power_watts, of one device."
        raise PolicyError(message)
    # TPU v2 and v3 have a measured mean in the table, and no limit of the board
    return device.board_power_watts, not device.power_term.startswith("measured"), ratio, intensity

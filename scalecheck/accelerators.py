"""Accelerators by name, with their dense peaks, from the cited table scalecheck/data/accelerators.csv."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from scalecheck.errors import ScalecheckError, did_you_mean
from scalecheck.text import shown
from scalecheck.values import dataclass

DTYPES = ("bf16", "fp16", "tf32", "fp32", "fp8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One device as the training framework counts devices; ``devices_per_chip`` of them share a card or chip.

    ``peak_flops_per_second`` is by dtype: dense, with fp32 accumulation, only what is published. ``board_power_watts`` is this device's
    share of the vendor's figure, in the vendor's term ``power_term``. ``source`` and ``verification`` say where the row was read.
    """

    name: str
    device: str
    vendor: str
    year: int
    peak_flops_per_second: Mapping[str, float]
    memory_gb: float | None
    board_power_watts: float | None
    power_term: str
    devices_per_chip: int
    device_note: str
    source: str
    verification: str
    note: str

    @property
    def default_dtype(self) -> str:
        """bf16, or fp16 where the device has no bf16."""
        return next(dtype for dtype in DTYPES if dtype in self.peak_flops_per_second)

    def peak(self, dtype: str) -> float:
        """Return the peak in FLOP/s.

        Raises:
            ScalecheckError: no peak of this dtype is published for the device.

        """
        if dtype not in self.peak_flops_per_second:
            known = ", ".join(self.peak_flops_per_second)
            message = f"{self.name} has no dense {dtype} peak in scalecheck's table; it has {known}."
            raise ScalecheckError(message)
        return self.peak_flops_per_second[dtype]


def accelerator(name: str) -> Accelerator:
    """Return a device by its name in the table, such as ``h100-sxm``; case, spaces and underscores do not matter.

    Raises:
        ScalecheckError: there is none of that name; the nearest is named.

    """
    known = accelerators()
    folded = "-".join(str(name).lower().replace("_", "-").split())
    if folded in known:
        return known[folded]
    family = [other for other in known if other.startswith(f"{folded}-")]
    near = f" Did you mean {' or '.join(family)}?" if folded and family else did_you_mean(folded, known)
    message = f"{shown(name)} is no accelerator that scalecheck knows.{near}"
    raise ScalecheckError(message)


@cache
def accelerators() -> Mapping[str, Accelerator]:
    """Return the whole table by name, in its order; read when first asked for."""
    import csv
    from importlib.resources import files

    text = (files("scalecheck") / "data" / "accelerators.csv").read_text(encoding="utf-8")
    return {row["name"]: _of_row(row) for row in csv.DictReader(text.splitlines())}


def _of_row(row: Mapping[str, str]) -> Accelerator:
    return Accelerator(
        name=row["name"],
        device=row["device"],
        vendor=row["vendor"],
        year=int(row["year"]),
        peak_flops_per_second={dtype: 1e12 * float(row[f"{dtype}_tflops"]) for dtype in DTYPES if row[f"{dtype}_tflops"]},
        memory_gb=float(row["memory_gb"]) if row["memory_gb"] else None,
        board_power_watts=float(row["board_power_watts"]) if row["board_power_watts"] else None,
        power_term=row["power_term"],
        devices_per_chip=int(row["devices_per_chip"]),
        device_note=row["device_note"],
        source=row["source"],
        verification=row["verification"],
        note=row["note"],
    )

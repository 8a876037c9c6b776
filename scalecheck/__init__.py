"""scalecheck reads a composed training config and says whether the run is compute-optimal and within budget."""

from __future__ import annotations

__version__ = "0.1.0"

"""scalecheck reads a composed training config and says whether the run is compute-optimal and within budget."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def count_parameters(module: Any, *, trainable: bool = True) -> int:
    """Return the parameters of a live torch module: each tensor once, by identity, so that tied weights count once.

    ``trainable`` leaves out those with ``requires_grad=False``; with ``trainable=False`` all are counted. Buffers are no parameters.

    Raises:
        scalecheck.errors.ConfigError: the module has lazy parameters, which have no size before their first forward pass.
        TypeError: ``module`` is not a ``torch.nn.Module``.
    """
    from scalecheck import module_count

    return module_count.count_parameters(module, trainable=trainable)

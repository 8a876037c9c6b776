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


def check(config: Any, policy: Any = None, *, instantiate: bool = False) -> Any:
    """Check a composed config and return the ``Report``: see ``scalecheck.api.check``. Prints nothing, and never ends the process.

    Raises:
        scalecheck.errors.ScalecheckError: the policy or the config cannot be used.
        TypeError: ``config`` is no config.
    """
    from scalecheck import api, last

    report = api.check(config, policy, instantiate=instantiate)
    last.remember(lambda: report)
    return report


def last_report() -> Any:
    """Return the ``Report`` of the job that runs in this process, or of the last ``scalecheck.check``; without jobs where none was checked.

    ``last_report().as_dict()`` is what a tracker takes: ``wandb.config.update(...)``, ``mlflow.log_params(...)``. It never fails, on any
    rank of a distributed start.
    """
    from scalecheck import last

    return last.last_report()


def render(report: Any, form: str = "terminal") -> str:
    """Return a report as text, in any of the formats of scalecheck/formats/: see ``scalecheck.api.render``."""
    from scalecheck import api

    return api.render(report, form)

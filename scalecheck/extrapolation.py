"""How well a fit predicts what it has not seen: fit on the runs of least compute, predict the others.

Held-out error by extrapolation, since that is what a law is used for; a random split would only measure interpolation.
"""

from __future__ import annotations

import math

import numpy as np

from scalecheck.fitting import Observations, SurfaceFit, fit_surface, predict
from scalecheck.forms import FLOPS_PER_PARAMETER_PER_TOKEN
from scalecheck.identifiability import design_problems
from scalecheck.values import dataclass

_FITTED_SHARE = 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolation:
    """The error of a fit on the runs of at most ``cut_flops`` (C = 6ND) on the runs above.

    ``factor`` is the largest compute predicted over the largest fitted. Errors are relative errors of the loss; ``bias`` is their
    mean, predicted minus measured.
    """

    num_fitted: int
    num_predicted: int
    cut_flops: float
    factor: float
    rms_relative_error: float
    max_relative_error: float
    bias: float
    fit: SurfaceFit


def extrapolation(observations: Observations) -> Extrapolation | None:
    """Fit the runs of least C = 6ND, at least two thirds of them, and predict the rest.

    Runs of one budget stay on one side. Returns ``None`` where the runs to fit lack what a fit needs (``design_problems``) or
    none is left above.
    """
    runs = observations.in_canonical_order()
    flops = FLOPS_PER_PARAMETER_PER_TOKEN * runs.params * runs.tokens
    ascending = np.sort(flops)
    cut = float(ascending[math.ceil(_FITTED_SHARE * len(runs)) - 1]) * (1 + 1e-9)
    is_small = flops <= cut
    small, large = runs.take(is_small), runs.take(~is_small)
    if len(large) == 0 or design_problems(small):
        return None
    fit = fit_surface(small)
    errors = predict(fit, large.params, large.tokens) / large.loss - 1
    return Extrapolation(
        num_fitted=len(small),
        num_predicted=len(large),
        cut_flops=float(flops[is_small].max()),
        factor=float(flops.max() / flops[is_small].max()),
        rms_relative_error=float(np.sqrt(np.mean(errors**2))),
        max_relative_error=float(np.abs(errors).max()),
        bias=float(errors.mean()),
        fit=fit,
    )

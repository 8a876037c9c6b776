"""How long the fit of a loss surface takes here, and by the ways of others, and which objective each reaches, on the same runs.

``make benchmark-fitting`` runs it; the peers are scipy with the published procedure, and the ``chinchilla`` package. By default each
peer runs a stated part of its starts, and its seconds are extrapolated to all of them; ``--all-starts`` runs all. The objective of
every way is evaluated here, by one function: the sum of Huber losses, delta 1e-3, of log loss (Hoffmann et al. 2022, arXiv
2203.15556, Sec. 3.3).
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib.metadata
import importlib.util
import itertools
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalecheck.bootstrap import bootstrap
from scalecheck.fitting import DELTA, Observations, SurfaceFit, fit_surface

Floats = NDArray[np.float64]
SARDANA = Path(__file__).parents[1] / "tests" / "data" / "sardana.csv"
SEED, RESAMPLES, OURS_REPEATS = 20240418, 4000, 3
NUM_STARTS = 200
NEEDED = ("scipy", "chinchilla")
EXPONENTS, LOG_E, LOG_SCALES = np.arange(0, 2.01, 0.5), np.arange(-1, 1.01, 0.5), np.arange(0, 25.1, 5)
PACKAGE_RANGES = {"E": (1, 2), "a": (1, 10), "b": (1, 10), "alpha": (0.1, 0.7), "beta": (0.1, 0.7)}  # of the package's own README
PACKAGE_POINTS, PACKAGE_POINTS_OF_A_PART = 5, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One way on one set of runs: seconds of the starts that were run, how many there are, and (log A, log B, log E, alpha, beta)."""

    way: str
    seconds: tuple[float, ...]
    starts: int
    all_starts: int
    log_coefficients: Floats

    @property
    def seconds_for_all(self) -> float:
        """The median, extrapolated in proportion to the starts."""
        return statistics.median(self.seconds) * self.all_starts / self.starts


def sardana() -> Observations:
    """Return the 47 runs of Sardana et al. 2023 (arXiv 2401.00448)."""
    with SARDANA.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    params, tokens, loss = (np.array([float(row[name]) for row in rows]) for name in ("Parameters", "Tokens", "Smoothed Loss"))
    return Observations(params=params, tokens=tokens, loss=loss)


def synthetic() -> Observations:
    """Return 240 made-up runs: nine budgets as in Hoffmann et al. 2022 (Sec. 3.2), a surface as in Besiroglu et al. 2024, noise of 0.6%."""
    random = np.random.default_rng(SEED)
    flops = random.choice([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21], 240)
    params = np.sqrt(flops / (6 * 20)) * np.exp(random.uniform(-1.2, 1.2, 240))
    tokens = flops / (6 * params)
    loss = (1.8172 + 482.01 / params**0.3478 + 2085.43 / tokens**0.3658) * np.exp(random.normal(0, 0.006, 240))
    return Observations(params=params, tokens=tokens, loss=loss)


SETS: dict[str, Callable[[], Observations]] = {"sardana": sardana, "synthetic": synthetic}


def objective(theta: Floats, log_params: Floats, log_tokens: Floats, log_loss: Floats) -> float:
    """Return the sum of Huber losses of the surface (log A, log B, log E, alpha, beta); all results are compared by it."""
    a, b, e, alpha, beta = theta
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(np.log(np.exp(a - alpha * log_params) + np.exp(b - beta * log_tokens) + np.exp(e)) - log_loss)
    return float(np.where(error <= DELTA, error**2 / 2, DELTA * (error - DELTA / 2)).sum())


def logs(runs: Observations) -> tuple[Floats, Floats, Floats]:
    """Return log N, log D and log loss."""
    return np.log(runs.params), np.log(runs.tokens), np.log(runs.loss)


def ours(runs: Observations) -> tuple[float, SurfaceFit]:
    """Return the seconds of one fit of scalecheck's, and the fit."""
    start = time.perf_counter()
    fit = fit_surface(runs)
    return time.perf_counter() - start, fit


def published(runs: Observations, *, is_whole: bool) -> Result:
    """Run the published procedure: L-BFGS-B with numerical gradients from the grid of Hoffmann et al. 2022, on the sum, in one process."""
    from scipy.optimize import minimize

    grid = np.array(list(itertools.product(LOG_SCALES, LOG_SCALES, LOG_E, EXPONENTS, EXPONENTS)))
    some = np.random.default_rng(SEED).permutation(len(grid))[:NUM_STARTS]  # spread over the grid, in an order of its own
    starts, arguments = grid if is_whole else grid[some], logs(runs)
    begin = time.perf_counter()
    found = [minimize(objective, start, args=arguments, method="L-BFGS-B") for start in starts]
    seconds = time.perf_counter() - begin
    best = min(found, key=lambda one: one.fun if np.isfinite(one.fun) else np.inf)
    return Result(
        way="L-BFGS-B from Hoffmann's grid", seconds=(seconds,), starts=len(starts), all_starts=len(grid), log_coefficients=best.x
    )


def package(runs: Observations, *, is_whole: bool) -> Result:
    """Run the ``chinchilla`` package with its own grid and its processes (one a CPU), on Huber losses of log loss; without its plot."""
    from chinchilla import Chinchilla
    from chinchilla._metrics import log_huber

    points = PACKAGE_POINTS if is_whole else PACKAGE_POINTS_OF_A_PART
    grid = {name: np.linspace(low, high, points) for name, (low, high) in PACKAGE_RANGES.items()}
    with tempfile.TemporaryDirectory() as folder:
        table = np.column_stack([6 * runs.params * runs.tokens, runs.params, runs.tokens, runs.loss])
        np.savetxt(Path(folder) / "df.csv", table, delimiter=",", header="C,N,D,loss", comments="", fmt="%.17g")
        made = Chinchilla(project_dir=folder, param_grid=grid, loss_fn=functools.partial(log_huber, delta=DELTA), log_level=40)
        made.visualizer.optim = lambda *_, **__: None
        begin = time.perf_counter()
        made.fit()
        seconds = time.perf_counter() - begin
    found = np.array([np.log(float(made.A)), np.log(float(made.B)), np.log(float(made.E)), float(made.alpha), float(made.beta)])
    sizes = points ** len(grid), PACKAGE_POINTS ** len(grid)
    return Result(way="chinchilla package", seconds=(seconds,), starts=sizes[0], all_starts=sizes[1], log_coefficients=found)


def measure(runs: Observations, *, is_whole: bool) -> list[Result]:
    """Run all ways on one set of runs; scalecheck's before, between and after the others, as the machine is not always as fast."""
    ours(runs)  # numpy's own first call
    timed = [ours(runs) for _ in range(OURS_REPEATS)]
    others = []
    for way in (published, package):
        others.append(way(runs, is_whole=is_whole))
        timed += [ours(runs) for _ in range(OURS_REPEATS)]
    seconds, fits = zip(*timed, strict=True)
    return [Result(way="scalecheck", seconds=seconds, starts=1, all_starts=1, log_coefficients=fits[0].log_coefficients), *others]


def rows(name: str, runs: Observations, results: Sequence[Result]) -> list[str]:
    """Return the table's lines in Markdown for one set of runs."""
    base, arguments = results[0], logs(runs)
    least = objective(base.log_coefficients, *arguments)
    lines = []
    for result in results:
        reached = objective(result.log_coefficients, *arguments)
        starts = "one search" if result.all_starts == 1 else f"{result.starts:,} of {result.all_starts:,}"
        extrapolated = "" if result.starts == result.all_starts else " (extrapolated)"
        spent = " / ".join(f"{value:.3f}" for value in (min(result.seconds), statistics.median(result.seconds)))
        spent = spent if len(result.seconds) > 1 else f"{result.seconds[0]:.1f}"
        times = "1" if result is base else f"{result.seconds_for_all / base.seconds_for_all:,.0f}"
        lines.append(
            f"| {name}, {len(runs)} | {result.way} | {starts} | {spent} s | {result.seconds_for_all:,.3g} s{extrapolated} | {times}"
            f" | {reached:.13f} | {reached / least - 1:+.1e} |"
        )
    return lines


def resampled(name: str, runs: Observations) -> str:
    """Return how long the bootstrap takes."""
    fit = fit_surface(runs)
    begin, spent = time.perf_counter(), time.process_time()
    bootstrap(runs, fit, resamples=RESAMPLES, seed=SEED)
    seconds, spent = time.perf_counter() - begin, time.process_time() - spent
    load = f"load {os.getloadavg()[0]:.1f}"  # what else the machine does is in the wall clock, not in the CPU's seconds
    return f"{RESAMPLES:,} bootstrap fits, {name}: {seconds:.1f} s ({1e3 * seconds / RESAMPLES:.1f} ms each), {spent:.1f} s of CPU, {load}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything and print the table. Returns 2 where a library is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all-starts", action="store_true", help="run every start of the peers, which takes ten minutes or more")
    parser.add_argument("--only", choices=SETS, help="one set of runs (default: both)")
    options = parser.parse_args(arguments)
    missing = [library for library in NEEDED if importlib.util.find_spec(library) is None]
    if missing:
        print(f"benchmarks/fitting.py: error: {', '.join(missing)} is not installed; `make benchmark-fit` installs it.", file=sys.stderr)
        return 2
    multiprocessing.set_start_method("fork")  # the package hands its processes a function that only a fork has
    sets = {name: make() for name, make in SETS.items() if options.only in (None, name)}
    versions = ", ".join(f"{library} {importlib.metadata.version(library)}" for library in ("numpy", *NEEDED))
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, {versions}; {where}; seed {SEED}\n")
    print("| runs | way | starts run | seconds, min / median | seconds for all starts | x ours | objective reached | over ours |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, runs in sets.items():
        print("\n".join(rows(name, runs, measure(runs, is_whole=options.all_starts))), flush=True)
    print()
    for name, runs in sets.items():
        print(resampled(name, runs), flush=True)
    return 0


if __name__ == "__main__":
    # Read when numpy is loaded. Threads of BLAS that wait for each other on matrices of 5 x 5 slow every way, the peers' most.
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, "-W", "ignore", *sys.argv], os.environ | one_thread)  # noqa: S606
    sys.exit(main())

"""What is opened in the browser: pages made by the commands that a user types, in a repo of real sizes, and reports of hostile text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from scalecheck.facts import Finding, Job, Origin, Remedy, Report
from scalecheck.report_file import read_report

ROOT = Path(__file__).parents[2]
SARDANA = ROOT / "tests" / "data" / "sardana.csv"
MODELS = {"70m": (6, 512, 8), "160m": (12, 768, 12), "410m": (24, 1024, 16), "1b": (16, 2048, 16)}
STEPS = {"brief": 900, "short": 2_400, "fitting": 8_000, "long": 60_000, "endless": 600_000}
TRAIN = """\
defaults:
  - scalecheck: default
  - model: 410m
  - _self_
  - run: short
data: {batch_size: 512, seq_len: 2048}
trainer: {devices: 1, accumulate_grad_batches: 1}
hydra:
  callbacks:
    scalecheck:
      mode: stop
      rules: {undertrained: {severity: warning, error_below_multiple: 0.135}}
seed: 1
"""
SWEEP = (f"model={','.join(MODELS)}", f"run={','.join(STEPS)},tuned")
ISOFLOP_BUDGETS = (1e18, 1e19, 1e20, 1e21)


def repo(root: Path) -> Path:
    """Write a repo of language models from 70M to 1B parameters, and return it."""
    files = {"train.yaml": TRAIN}
    for name, (layers, width, heads) in MODELS.items():
        sizes = f"n_layer: {layers}, n_embd: {width}, n_head: {heads}, block_size: 2048, vocab_size: 50304, bias: true"
        files[f"model/{name}.yaml"] = f"{{{sizes}}}\n"
    for name, steps in STEPS.items():
        files[f"run/{name}.yaml"] = f"# @package _global_\ntrainer:\n  max_steps: {steps}\n"
    files["run/tuned.yaml"] = (
        "# @package _global_\ntrainer:\n  max_steps: 1000\nhydra:\n  callbacks:\n    scalecheck:\n      intent: finetune\n"
    )
    for name, text in files.items():
        path = root / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def typed(root: Path, *words: str) -> None:
    """Run ``scalecheck …`` in a directory; a report with findings is a report."""
    environ = os.environ | {"NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    command = (sys.executable, "-m", "scalecheck.cli", *words)
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode not in (0, 1):
        message = f"scalecheck {' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        raise RuntimeError(message)


def checked(root: Path, name: str, *overrides: str, also: Sequence[str] = ()) -> Path:
    """Return the page of ``scalecheck check`` over these overrides."""
    outputs = [word for output in (f"html:{name}.html", f"json:{name}.json", *also) for word in ("--output", output)]
    typed(repo(root), "check", "--config-dir", "conf", "--config-name", "train", *overrides, *outputs)
    return root / f"{name}.html"


def single(root: Path) -> Path:
    """Return the page of one run that is under-trained."""
    return checked(root, "report", "model=1b", "run=brief")


def sweep(root: Path) -> Path:
    """Return the page of a sweep of 24 jobs, of every verdict."""
    return checked(root, "report", *SWEEP)


def many(root: Path, number: int) -> Path:
    """Return the page of a sweep of so many jobs, composed one by one."""
    return checked(root, "report", f"model={','.join(MODELS)}", f"run={','.join(STEPS)}", f"seed=range(0,{number // 20})")


def fit(root: Path) -> Path:
    """Return the page of a fit to published runs."""
    shutil.copy(SARDANA, root)  # pages name files as they are typed
    typed(root, "fit", SARDANA.name, "--resamples", "100", "--output", "html:fit.html")
    return root / "fit.html"


def isoflop_runs() -> str:
    """Return a CSV of seven runs at each of four budgets, from the surface of Besiroglu et al. 2024 with one percent of noise."""
    import numpy as np

    random = np.random.default_rng(8)
    lines = ["params,tokens,loss"]
    for budget in ISOFLOP_BUDGETS:
        for multiple in (0.15, 0.3, 0.55, 1.0, 1.8, 3.3, 6.0):
            params = 0.1 * budget**0.5 * multiple * 0.9
            tokens = budget / 6 / params
            loss = (1.82 + 482 * params**-0.348 + 2085 * tokens**-0.366) * (1 + 0.002 * random.standard_normal())
            lines.append(f"{params:.6g},{tokens:.6g},{loss:.6g}")
    return "\n".join(lines) + "\n"


def isoflop(root: Path) -> Path:
    """Return the page of a fit to runs of an isoFLOP design."""
    (root / "runs.csv").write_text(isoflop_runs(), encoding="utf-8")
    typed(root, "fit", "runs.csv", "--resamples", "100", "--output", "html:isoflop.html")
    return root / "isoflop.html"


def ledger(root: Path) -> Path:
    """Return the page of a model that was counted alone."""
    config = ROOT / "tests" / "oracle" / "configs" / "deepseek-v3.json"
    shutil.copy(config, root)
    typed(root, "count", config.name, "--sequence-length", "4096", "--plot", "ledger.html")
    return root / "ledger.html"


def alone(root: Path) -> list[Path]:
    """Return the pictures of one run as files of their own."""
    checked(root, "report", "model=1b", "run=brief", also=("svg:pictures/",))
    return sorted((root / "pictures").glob("*.svg"))


PAGES: dict[str, Callable[[Path], Path]] = {"single": single, "sweep": sweep, "fit": fit, "isoflop": isoflop, "ledger": ledger}


@lru_cache
def report(root: Path) -> Report:
    """Return the report of the sweep of 24 jobs, as its file tells it."""
    return read_report(sweep(root).with_suffix(".json"))


def written(path: Path, found: Report) -> Path:
    """Write the page of a report."""
    from scalecheck import page

    path.write_bytes(page.html_of_report(found).encode("utf-8", "backslashreplace"))
    return path


def filled(job: Job, text: str) -> Job:
    """Return a job with a text wherever a config's, a policy's or a file's own text can stand; what it counts stays."""
    origin = Origin(key=text, file=text, line=3, override=text, chain=(text, text), because=text)
    remedies = (Remedy(overrides=(text, text), effect=text), Remedy(effect=text))
    findings = (
        Finding(rule="undertrained", severity="error", message=text, remedies=remedies, origin=origin, subject=text),
        Finding(rule="assumed_values", severity="note", message=text, origin=Origin(override=text)),
        Finding(rule="repeated_data", severity="warning", message=text, origin=origin, waived=text),
    )
    reading = job.run.reading
    origins = dict.fromkeys((*reading.origins, text), origin)
    plan = replace(reading.plan, intent_reason=text)
    changed: dict[str, Any] = {"origins": origins, "plan": plan, "unused_keys": (text,), "model_dialect": text, "schedule_dialect": text}
    return replace(
        job,
        name=text,
        overrides=(text, f"a={text}"),
        config=text,
        findings=findings,
        run=replace(job.run, name=text, reading=replace(reading, **changed)),
    )


def copies(found: Report, number: int) -> Report:
    """Return a sweep of so many jobs: those of a report again and again, each under its own seed."""
    jobs = []
    for index in range(number):
        job = found.jobs[index % len(found.jobs)]
        jobs.append(replace(job, name=str(index), overrides=(*job.overrides, f"seed={index}")))
    return replace(found, jobs=tuple(jobs))

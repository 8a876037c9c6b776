"""A multirun directory -> rows: N and D from the report that a checked launch leaves, the loss from a metrics file beside it.

Every job directory that holds ``scalecheck.json`` is a run. D is what the config trains on, so a run is left out, by name,
where the report does not know D or where its metrics say that it ended early: a loss of half the tokens would bend the fit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scalecheck.errors import ScalecheckError
from scalecheck.runs_rows import Row, column, column_names, labels, read_rows
from scalecheck.text import clean
from scalecheck.values import dataclass

REPORT_NAME = "scalecheck.json"
METRICS_NAMES = ("metrics.json", "metrics.jsonl", "metrics.csv")
PARAMS_KEYS = {"total": "total_params", "non_embedding": "non_embedding_params", "active": "active_params"}
"""What of a report is N, by convention. Other conventions are of single papers, and no report has their count."""

_STEP_NAMES = ("step", "globalstep", "trainerglobalstep", "iter", "iteration")
_MIN_FINISHED = 0.95
"""A run whose last logged step is below this share of its steps has ended early; loggers write every so many steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The runs of a directory, with columns ``params``, ``tokens`` and ``loss``, and what a reader must know about them."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def read_directory(path: Path, loss: str | None, params_convention: str) -> Directory:
    """Return the runs below a directory: the loss is the last one of each metrics file, in the column ``loss`` if one is given.

    Raises:
        ScalecheckError: no reports in it, a convention that no report counts, several columns that may be the loss, or a metrics
            file that cannot be read.
    """
    if params_convention not in PARAMS_KEYS:
        message = f"{path}: a report counts the parameters {', '.join(PARAMS_KEYS)}, not {params_convention}; give a table of runs."
        raise ScalecheckError(message)
    reports = sorted(path.rglob(REPORT_NAME))
    if not reports:
        message = (
            f"{path}: no {REPORT_NAME} is in it or below; a launch that scalecheck checks writes one into each job's directory. "
            "Give a multirun directory of such jobs, or a table of runs."
        )
        raise ScalecheckError(message)
    rows: list[Row] = []
    left_out: dict[str, list[str]] = {}
    for report in reports:
        label = str(report.parent.relative_to(path)) if report.parent != path else path.name
        found = _run(report, loss, PARAMS_KEYS[params_convention])
        if isinstance(found, str):
            left_out.setdefault(found, []).append(label)
        else:
            rows.append(Row(label=label, values=found))
    notes = [f"Left out, because {reason}: {labels(names)}." for reason, names in left_out.items()]
    return Directory(rows=tuple(rows), notes=("The loss of a run is the last one in its metrics file.", *notes))


def _run(report: Path, loss: str | None, params_key: str) -> dict[str, Any] | str:
    """Return N, D and loss of a job, or why it is left out."""
    job = _job(report)
    if job is None:
        return f"{REPORT_NAME} cannot be read or is not of one job"
    status = job.get("status") if isinstance(job.get("status"), dict) else {}
    params, tokens = job.get(params_key), job.get("training_tokens")
    if not _is_count(params):
        return f"the report knows no {params_key}"
    if not _is_count(tokens):
        return "the report knows no training_tokens"
    if (status or {}).get("tokens") == "upper_bound":
        return "training_tokens is only an upper bound"
    metrics = _metrics(report.parent)
    if isinstance(metrics, str):
        return metrics
    rows = read_rows(metrics)
    name = column("loss", loss, column_names(rows), str(metrics))
    last = _last(rows, name) if name is not None else None
    if last is None:
        return f"the metrics file has no {clean(loss) if loss else 'loss'}"
    if _ended_early(rows, job.get("num_steps")):
        return "the metrics end before the last step"
    return {"params": params, "tokens": tokens, "loss": last}


def _job(report: Path) -> dict[str, Any] | None:
    try:
        loaded = json.loads(report.read_text(encoding="utf-8"))
        jobs = loaded["jobs"]
        return jobs[0] if len(jobs) == 1 and isinstance(jobs[0], dict) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _metrics(job: Path) -> Path | str:
    """Return the job's metrics file: the one in its directory, else the one below, where loggers put theirs."""
    for found in ([job / name for name in METRICS_NAMES if (job / name).is_file()], *[sorted(_below(job))]):
        if len(found) == 1:
            return found[0]
        if found:
            return f"it has several metrics files ({', '.join(str(path.relative_to(job)) for path in found[:3])})"
    return f"it has no {', '.join(METRICS_NAMES[:-1])} or {METRICS_NAMES[-1]}"


def _below(job: Path) -> list[Path]:
    return [path for name in METRICS_NAMES for path in job.rglob(name) if path.is_file()]


def _last(rows: Sequence[Row], name: str) -> Any:
    """Return the last value of a column; loggers leave cells empty on the rows of another metric."""
    values = [row.values.get(name) for row in rows]
    told = [value for value in values if value is not None and str(value).strip()]
    return told[-1] if told else None


def _ended_early(rows: Sequence[Row], num_steps: Any) -> bool:
    name = column("loss", None, column_names(rows), "", _STEP_NAMES) if _is_count(num_steps) else None
    try:
        return name is not None and float(_last(rows, name)) + 1 < _MIN_FINISHED * num_steps
    except (TypeError, ValueError):
        return False

"""A multirun directory as a table: N and D of the reports, the last loss of the metrics, and which runs are left out and why."""

from __future__ import annotations

import json

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.runs_directory import read_directory
from scalecheck.runs_table import Columns, read_runs


@pytest.fixture
def job(tmp_path):
    """``job(name, metrics, file=, **report)`` is a job's directory with a report and a metrics file."""

    def make(name, metrics, *, file="metrics.json", **report):
        (tmp_path / name).mkdir(parents=True)
        told = {"total_params": 10**8, "training_tokens": 2 * 10**9, "num_steps": 1000, "status": {"tokens": "exact"}} | report
        (tmp_path / name / "scalecheck.json").write_text(json.dumps({"schema_version": 1, "jobs": [told]}))
        if metrics is not None:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(metrics if isinstance(metrics, str) else json.dumps(metrics))
        return tmp_path

    return make


def rows_of(path, loss=None, convention="total"):
    return [
        (row.label, row.values["params"], row.values["tokens"], float(row.values["loss"]))
        for row in read_directory(path, loss, convention).rows
    ]


@pytest.mark.parametrize(
    ("file", "metrics"),
    [
        ("metrics.json", {"loss": 3.25, "step": 1000}),
        ("metrics.json", [{"loss": 5.0, "step": 1}, {"loss": 3.25, "step": 1000}]),
        ("metrics.jsonl", '{"loss": 5, "step": 1}\n{"loss": 3.25, "step": 999}\n{"lr": 0, "step": 1000}\n'),
        ("metrics.csv", "step,val_loss,lr\n1,5,\n999,3.25,\n1000,,0\n"),
        ("csv_logs/version_0/metrics.csv", "step,loss\n1,5\n999,3.25\n"),
    ],
)
def test_last_loss_of_the_metrics_file(job, file, metrics):
    assert rows_of(job("0", metrics, file=file)) == [("0", 10**8, 2 * 10**9, 3.25)]


def test_every_job_below_the_directory_by_name(job):
    job("b/1", {"loss": 2.5}, total_params=7)
    path = job("a/0", {"loss": 3.5}, training_tokens=9)
    assert rows_of(path) == [("a/0", 10**8, 9, 3.5), ("b/1", 7, 2 * 10**9, 2.5)]


def test_named_loss_and_convention(job):
    path = job("0", {"train/loss": 3.5, "val/loss": 3.75}, non_embedding_params=77, active_params=55)
    assert rows_of(path, "val/loss", "non_embedding") == [("0", 77, 2 * 10**9, 3.75)]
    assert rows_of(path, "train/loss", "active") == [("0", 55, 2 * 10**9, 3.5)]
    with pytest.raises(ScalecheckError, match=r"metrics\.json: 'train/loss' and 'val/loss' may each be the final loss"):
        read_directory(path, None, "total")
    with pytest.raises(ScalecheckError, match="not with_head"):
        read_directory(path, None, "with_head")


@pytest.mark.parametrize(
    ("metrics", "report", "reason"),
    [
        ({"loss": 3.0}, {"total_params": None}, "the report knows no total_params"),
        ({"loss": 3.0}, {"training_tokens": None}, "the report knows no training_tokens"),
        ({"loss": 3.0}, {"status": {"tokens": "upper_bound"}}, "training_tokens is only an upper bound"),
        ({"lr": 3.0}, {}, "the metrics file has no loss"),
        (None, {}, "it has no metrics.json, metrics.jsonl or metrics.csv"),
        ({"loss": 3.0, "step": 500}, {}, "the metrics end before the last step"),
    ],
)
def test_run_that_would_bend_the_fit_is_left_out_by_name(job, metrics, report, reason):
    job("good", {"loss": 3.0})
    found = read_directory(job("bad", metrics, **report), None, "total")
    assert [row.label for row in found.rows] == ["good"]
    assert found.notes[1:] == (f"Left out, because {reason}: bad.",)


def test_two_metrics_files_and_a_broken_report(job, tmp_path):
    job("two", {"loss": 3.0})
    (tmp_path / "two" / "metrics.csv").write_text("loss\n4\n")
    job("broken", {"loss": 3.0})
    (tmp_path / "broken" / "scalecheck.json").write_text("{")
    found = read_directory(tmp_path, None, "total")
    assert found.rows == ()
    assert "scalecheck.json cannot be read or is not of one job: broken." in found.notes[1]
    assert "several metrics files (metrics.json, metrics.csv): two." in found.notes[2]


def test_directory_without_reports(tmp_path):
    with pytest.raises(ScalecheckError, match=r"no scalecheck\.json is in it or below"):
        read_directory(tmp_path, None, "total")


def test_table_of_a_directory(job, tmp_path):
    for number in range(9):
        size, ratio = 10 ** (7 + number // 3), (5, 20, 80)[number % 3]
        job(str(number), {"loss": 4 - number / 5}, total_params=size, training_tokens=size * ratio)
    job("failed", {"loss": float("nan")})
    with pytest.raises(ScalecheckError, match="'loss' is no number above 0 in failed"):
        read_runs(tmp_path, Columns(), {})
    (tmp_path / "failed" / "metrics.json").unlink()
    table = read_runs(tmp_path, Columns(), {})
    assert (table.num_rows, table.notes[0]) == (9, "The loss of a run is the last one in its metrics file.")
    assert list(table.observations.loss) == [4 - number / 5 for number in range(9)]


def test_table_of_a_directory_of_which_no_run_can_be_used(job):
    with pytest.raises(ScalecheckError, match="no run in it can be used. Left out, because it has no metrics.json"):
        read_runs(job("0", None), Columns(), {})


def test_counts_of_reports_are_believed_however_small(job, tmp_path):
    for number in range(9):
        size, ratio = 10 ** (2 + number // 3), (5, 20, 80)[number % 3]
        job(str(number), {"loss": 4 - number / 5}, total_params=size, training_tokens=size * ratio)
    assert read_runs(tmp_path, Columns(), {}).observations.tokens[0] == 500

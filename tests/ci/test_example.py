"""examples/pretrain has a CI set-up: its table checks every experiment and every size, and compares two commits of a clone."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.extended


def test_every_experiment_and_size_is_checked_and_what_is_meant_is_waived(repo):
    done = repo.scalecheck("check", "--output", "json:report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((repo.root / "report.json").read_text())
    overrides = [" ".join(job["overrides"]) for job in report["jobs"]]
    experiments = {path.stem for path in (repo.root / "conf" / "experiment").iterdir()}
    sizes = {path.stem for path in (repo.root / "conf" / "model").iterdir()}
    for name in experiments:
        assert any(f"experiment={name}" in told for told in overrides), name
    for name in sizes:
        assert any(f"model={name}" in told for told in overrides), name
    assert len(report["jobs"]) == len(experiments) + len(sizes)
    assert report["totals"]["waived"] == 1
    (waived,) = [finding for job in report["jobs"] for finding in job["findings"] if finding["waived"]]
    assert waived["rule"] == "undertrained"
    assert "examples" in waived["waived"]


def test_without_the_waiver_it_fails(repo):
    assert repo.scalecheck("check", "--policy", "strict").returncode == 1


def test_two_commits_of_a_clone_are_compared(repo, tmp_path):
    assert repo.run("git", "clone", "--quiet", repo.root, tmp_path / "clone").returncode == 0
    repo.root = tmp_path / "clone"
    same = repo.scalecheck("diff", "--base", "HEAD")
    assert same.returncode == 0, same.stdout + same.stderr
    repo.edit("conf/experiment/balanced.yaml", "max_steps: 430", "max_steps: 860")
    repo.commit()
    done = repo.scalecheck("diff", "--base", "HEAD~1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "experiment=balanced" in done.stdout
    assert "experiment=undertrained" not in done.stdout
    assert repo.run("git", "status", "--porcelain").stdout == ""
    assert repo.run("git", "worktree", "list").stdout.count("\n") == 1


def test_the_policy_of_ci_is_one_of_a_launch_too(repo):
    done = repo.scalecheck("plan", "train.py", "experiment=undertrained", "scalecheck=ci")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it shows what a launch that is stopped looks like" in done.stdout

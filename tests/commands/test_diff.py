"""``scalecheck diff``: real repositories with two commits of examples/pretrain, and two reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "pretrain"
GLOB = ("--config-dir", "conf", "--config-name", "train", "experiment=glob(*)")
WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main")
LONGER = {"conf/experiment/balanced.yaml": ("max_steps: 430", "max_steps: 1290")}


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *WHO, *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(root: Path, message: str = "c") -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


def edit(root: Path, changes: dict[str, tuple[str, str]]) -> None:
    for name, (old, new) in changes.items():
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    shutil.copytree(EXAMPLE / "conf", root / "conf", ignore=shutil.ignore_patterns("scalecheck"))
    git(root, "init", "--quiet")
    commit(root, "base")
    git(root, "tag", "start")
    return root


def diff(root: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scalecheck.cli", "diff", *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", **(env or {})}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=180)


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


@pytest.mark.extended
def test_nothing_changed_is_silent_and_the_checkout_is_untouched(repo):
    (repo / "notes.md").write_text("not a config\n")
    status = git(repo, "status", "--porcelain")
    before = snapshot(repo)
    done = diff(repo, "--base", "start", *GLOB)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert snapshot(repo) == before
    assert git(repo, "status", "--porcelain") == status
    assert diff(repo, "--base", "start", *GLOB, "--verbose").stdout.startswith("no change start (")


def test_change_a_new_experiment_and_a_removed_one(repo):
    edit(repo, LONGER)
    (repo / "conf/experiment/undertrained.yaml").rename(repo / "conf/experiment/hasty.yaml")
    done = diff(repo, "--base", "start", *GLOB, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {job["overrides"][0]: job["status"] for job in found["jobs"]} == {
        "experiment=balanced": "changed",
        "experiment=hasty": "new",
        "experiment=undertrained": "removed",
    }
    balanced = found["jobs"][0]["figures"]
    assert balanced["training_flops"]["ratio"] == balanced["training_tokens"]["ratio"] == 3
    assert balanced["training_flops"]["base"] == 68985815040
    assert [(one["rule"], one["job"]) for one in found["new_findings"] if one["severity"] == "warning"] == [
        ("undertrained", "experiment=hasty")
    ]
    assert any("not committed" in remark for remark in found["remarks"])


def test_limit_that_is_passed_exits_1_and_several_outputs_are_written(repo):
    edit(repo, LONGER)
    commit(repo, "three times as long")
    outputs = ("--output", "terminal", "--output", "markdown:out.md", "--output", "json:out.json")
    done = diff(repo, "--base", "start", *GLOB, "--fail-on-increase", "training_flops=1.5x", *outputs)
    assert done.returncode == 1, done.stderr
    assert "error: experiment=balanced: training FLOPs 6.90e10 -> 2.07e11 (x3.0), and the limit is 1.5x [fail_on_increase]" in done.stdout
    assert "not committed" not in done.stdout
    assert (repo / "out.md").read_text().startswith("**scalecheck: start (")
    assert json.loads((repo / "out.json").read_text())["increases"][0]["ratio"] == 3


def test_new_finding_at_the_fail_level_exits_1(repo):
    edit(repo, {"conf/experiment/balanced.yaml": ("max_steps: 430", "max_steps: 20")})
    assert diff(repo, "--base", "start", *GLOB).returncode == 0
    done = diff(repo, "--base", "start", *GLOB, "--policy", "strict")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "new error: experiment=balanced: conf/experiment/balanced.yaml:7: " in done.stdout
    assert "undertrained:" not in done.stdout, "what was found before is not new"


@pytest.mark.extended
def test_table_of_each_tree_and_its_limits(repo):
    table = (
        'config_name = "train"\nfail_on_increase = {training_flops = "1.5x"}\n[[check]]\nname = "all"\noverrides = ["experiment=glob(*)"]\n'
    )
    (repo / "scalecheck.toml").write_text(table)
    new = diff(repo, "--base", "start", "--verbose")
    assert new.returncode == 0, new.stderr
    assert "has no [tool.scalecheck] table, so all jobs are new" in new.stdout
    commit(repo, "table")
    edit(repo, LONGER)
    done = diff(repo, "--base", "HEAD")
    assert done.returncode == 1, done.stderr
    assert "the limit is 1.5x" in done.stdout
    (repo / "scalecheck.toml").write_text('threshold = "300%"\n' + table.replace("1.5x", "4x"))
    done = diff(repo, "--base", "HEAD")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.extended
def test_merge_base_is_what_counts_unless_it_is_to_be_exact(repo):
    git(repo, "checkout", "--quiet", "-b", "side")
    git(repo, "checkout", "--quiet", "-")
    edit(repo, LONGER)
    commit(repo, "the base moves on")
    git(repo, "branch", "base")
    git(repo, "checkout", "--quiet", "side")
    assert diff(repo, "--base", "base", *GLOB).stdout == ""
    assert "(x0.33)" in diff(repo, "--base", "base", "--exact", *GLOB).stdout
    assert "(x3.0)" in diff(repo, "--base", "side", "--head", "base", *GLOB).stdout


@pytest.mark.extended
@pytest.mark.extended
def test_from_a_directory_in_the_repo_with_an_absolute_config_dir(repo):
    edit(repo, LONGER)
    (repo / "sub").mkdir()
    (repo / "sub" / "kept").touch()
    commit(repo)
    done = diff(repo / "sub", "--base", "HEAD~1", "--config-dir", str(repo / "conf"), *GLOB[2:])
    assert "has no such directory, so all jobs are new" in done.stdout, done.stderr
    done = diff(repo, "--base", "HEAD~1", "--config-dir", str(repo / "conf"), *GLOB[2:])
    assert "(x3.0)" in done.stdout, done.stderr


@pytest.mark.extended
def test_config_that_did_not_exist_makes_all_jobs_new(repo):
    shutil.copytree(repo / "conf", repo / "settings")
    commit(repo)
    done = diff(repo, "--base", "start", "--config-dir", "settings", *GLOB[2:])
    assert done.returncode == 0, done.stderr
    assert "has no config settings/train, so all jobs are new" in done.stdout
    assert "0 of 0 jobs changed, 2 new; training FLOPs in all 0 -> 7.91e10" in done.stdout


@pytest.mark.extended
def test_modules_of_a_tree_are_not_imported_for_it(repo):
    for name in ("scalecheck", "hydra", "yaml", "joblib", "sitecustomize"):
        (repo / f"{name}.py").write_text(f"open({str(repo.parent / 'ran')!r}, 'w')\n")
    commit(repo)
    edit(repo, LONGER)
    source = Path(sys.modules["scalecheck"].__file__ or "").parents[1]
    start = f"import sys; sys.path[:] = [{str(source)!r}, *filter(None, sys.path)]; from scalecheck.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "diff", "--base", "HEAD", *GLOB, "--untrusted"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=180)
    assert "(x3.0)" in done.stdout, done.stderr
    assert not (repo.parent / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "origin/main", *GLOB), "there is no revision 'origin/main'"),
        (("--base", "start", "--head", "nowhere", *GLOB), "there is no revision 'nowhere'"),
        (("--base", "start", "--config-dir", "nowhere"), "the working tree: --config-dir nowhere: there is no such directory"),
        (("--base", "start", *GLOB, "--treshold", "1%"), "--treshold"),
        (("--base", "start", *GLOB, "--fail-on-increase", "training_flop=2x"), "Did you mean 'training_flops'?"),
        (("--base", "start", *GLOB, "--fail-on-increase", "training_flops"), "write 1.5x or 50%"),
        (("--base", "start", *GLOB, "--threshold", "much"), "--threshold: 'much'"),
        (("--base", "start", *GLOB, "--output", "sarif:x"), "a comparison has no such format"),
        (("--head", "start", *GLOB), "nothing to compare with"),
        ((), "nothing to compare with"),
    ],
)
def test_work_that_cannot_be_done_exits_2_with_one_sentence(repo, arguments, said):
    done = diff(repo, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert done.stderr.startswith("scalecheck: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.extended
def test_base_that_cannot_be_composed_is_named(repo):
    (repo / "conf/experiment/balanced.yaml").write_text("a: [unclosed\n")
    commit(repo, "broken")
    edit(repo, {"conf/experiment/balanced.yaml": ("a: [unclosed", "# @package _global_\nseed: 2")})
    done = diff(repo, "--base", "HEAD", *GLOB)
    assert done.returncode == 2
    assert done.stderr.startswith("scalecheck: error: HEAD (")
    assert "balanced" in done.stderr


def test_shallow_clone(repo, tmp_path):
    edit(repo, LONGER)
    commit(repo)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo}", "shallow")
    done = diff(tmp_path / "shallow", "--base", "HEAD~1", *GLOB)
    assert done.returncode == 2
    assert "git fetch --unshallow" in done.stderr


def test_no_git_repository(tmp_path):
    done = diff(tmp_path, "--base", "main")
    assert done.returncode == 2
    assert "no git checkout" in done.stderr


def report(flops: int, version: str = "0.1.0") -> dict[str, Any]:
    job = {"name": "train", "overrides": ["a=1"], "verdict": "pass", "findings": [], "training_flops": flops}
    return {"schema_version": 1, "scalecheck_version": version, "verdict": "pass", "jobs": [job], "sweep_findings": []}


@pytest.fixture
def reports(tmp_path):
    for name, flops in (("base", 10), ("head", 30)):
        (tmp_path / f"{name}.json").write_text(json.dumps(report(flops)))
    return tmp_path


def test_two_reports(reports):
    done = diff(reports, "base.json", "head.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scalecheck: base.json -> head.json: 1 of 1 job changed")
    assert diff(reports, "base.json", "head.json", "--fail-on-increase", "training_flops=100%").returncode == 1
    assert diff(reports, "base.json", "base.json").stdout == ""


def test_reports_of_two_versions_say_so(reports):
    (reports / "head.json").write_text(json.dumps(report(30, "0.2.0")))
    assert "two versions of scalecheck, 0.1.0 and 0.2.0" in diff(reports, "base.json", "head.json").stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(report(1) | {"schema_version": 2}), "schema_version 2"),
        ("{", "not JSON"),
        ("[]", "not a report"),
        ('{"schema_version": 1, "jobs": [{"overrides": [1]}]}', "not a report"),
        (None, "cannot be read"),
    ],
)
def test_file_that_is_no_report(reports, text, said):
    (reports / "head.json").unlink()
    if text is not None:
        (reports / "head.json").write_text(text)
    done = diff(reports, "base.json", "head.json")
    assert done.returncode == 2
    assert said in done.stderr
    assert "head.json" in done.stderr


def test_summary_of_a_job_is_added_to_and_stays_as_it_is_where_nothing_changes(reports):
    summary = reports / "summary.md"
    summary.write_text("before\n")
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    diff(reports, "base.json", "base.json", "--output", "markdown:github-summary", env=env)
    assert summary.read_text() == "before\n"
    diff(reports, "base.json", "head.json", "--output", "markdown:$GITHUB_STEP_SUMMARY", env=env)
    assert summary.read_text().startswith("before\n**scalecheck: base.json -> head.json")


def test_file_that_cannot_be_written(reports):
    done = diff(reports, "base.json", "head.json", "--output", "markdown:missing/out.md")
    assert done.returncode == 2
    assert "missing/out.md: it cannot be written: No such file" in done.stderr

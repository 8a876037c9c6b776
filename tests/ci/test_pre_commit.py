""".pre-commit-hooks.yaml: the hook's entry is run as it is written, and its pattern names what a change of configs touches."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
LOCAL = {
    "repos": [
        {
            "repo": "local",
            "hooks": [{name: HOOK[name] for name in ("id", "name", "entry", "pass_filenames", "files")} | {"language": "system"}],
        }
    ]
}


def test_hook_is_a_static_check_in_an_environment_of_its_own():
    assert (HOOK["id"], HOOK["language"], HOOK["pass_filenames"]) == ("scalecheck", "python", False)
    command, *options = shlex.split(HOOK["entry"])
    assert f'{command} = "scalecheck.cli:main"' in (ROOT / "pyproject.toml").read_text()
    assert options == ["check", "--untrusted"]


@pytest.mark.parametrize("path", ["conf/train.yaml", "conf/model/large.yaml", "config/a.yaml", "configs/experiment/x.yaml"])
def test_hook_runs_for_a_change_of_a_config(path):
    assert re.search(HOOK["files"], path)


@pytest.mark.parametrize("path", ["README.md", "src/conf/a.yaml", "conf/a.py", "conf/a.yaml.j2", "mkdocs.yaml"])
def test_hook_is_left_out_for_other_changes(path):
    assert not re.search(HOOK["files"], path)


def test_entry_passes_and_fails_as_it_is_written(repo):
    done = repo.run(*shlex.split(HOOK["entry"]))
    assert done.returncode == 0, done.stdout + done.stderr
    repo.edit("conf/experiment/balanced.yaml", "max_steps: 430", "max_steps: 4")
    done = repo.run(*shlex.split(HOOK["entry"]))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "[undertrained]" in done.stdout


def test_arguments_of_a_hook_name_the_config_where_there_is_no_table(repo):
    (repo.root / "scalecheck.toml").unlink()
    assert repo.run(*shlex.split(HOOK["entry"])).returncode == 2
    done = repo.run(*shlex.split(HOOK["entry"]), "--config-dir", "conf", "--config-name", "train")
    assert done.returncode == 0, done.stdout + done.stderr


def test_entry_runs_no_resolver_of_the_repo(repo):
    repo.edit("conf/train.yaml", "seed: 1", "seed: ${oc.env:HOME}")
    done = repo.run(*shlex.split(HOOK["entry"]))
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(repo.home) not in done.stdout


@pytest.mark.skipif(not shutil.which("pre-commit"), reason="pre-commit is not installed")
def test_pre_commit_stops_the_commit(repo):
    repo.write(".pre-commit-config.yaml", yaml.safe_dump(LOCAL))
    assert repo.run("pre-commit", "install").returncode == 0
    repo.edit("conf/experiment/balanced.yaml", "max_steps: 430", "max_steps: 4")
    repo.run("git", "add", "--all")
    done = repo.run("git", "commit", "--message", "short")
    assert done.returncode == 1
    assert "[undertrained]" in done.stdout + done.stderr

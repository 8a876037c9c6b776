"""templates/gitlab-ci.yml: its scripts are run as they are written, on a copy of the example, with pip replaced by what prints its arguments."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

TEMPLATE = yaml.safe_load((Path(__file__).parents[2] / "templates" / "gitlab-ci.yml").read_text())
PIP = """#!/bin/sh
if [ "$2" = pip ]; then shift 2; printf '<%s>' "$@"; echo; exit 0; fi
exec "{python}" "$@"
"""
HOSTILE = ("$(touch pwned)", "`touch pwned`", "; touch pwned;", '"; touch pwned; "', "'; touch pwned; '", "|| touch pwned")


def job(name: str) -> dict:
    """A job with what it extends, as GitLab merges them: mappings key by key, anything else whole."""
    own = TEMPLATE[name]
    base = job(own["extends"]) if "extends" in own else {}
    return base | own | {"variables": base.get("variables", {}) | own.get("variables", {})}


@pytest.fixture
def run(repo, tmp_path):
    """``run(".scalecheck", NAME="value")`` runs a job's script in one shell, as a runner does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").write_text(PIP.format(python=sys.executable))
    (folder / "python").chmod(0o755)

    def run_job(name: str, **given: str):
        told = job(name)
        script = "\n".join([f'PATH="{folder}:$PATH"', *told["before_script"], *told["script"]])
        variables = told["variables"] | {"CI_PROJECT_DIR": str(repo.root), "SCALECHECK_INSTALL": "scalecheck-wheel"} | given
        return repo.run("bash", "-eo", "pipefail", "-c", script, **variables)

    return run_job


def test_jobs_are_templates_with_the_reports_that_gitlab_reads():
    assert all(name.startswith(".") for name in TEMPLATE), "a job without a dot would run wherever the file is included"
    told = job(".scalecheck")["artifacts"]
    assert told["when"] == "always", "the reports are wanted above all when the job fails"
    assert told["reports"] == {"codequality": "gl-code-quality-report.json", "junit": "scalecheck-junit.xml"}
    assert "reports" not in job(".scalecheck-diff")["artifacts"]
    assert job(".scalecheck-diff")["variables"]["GIT_DEPTH"] == "0"


def test_example_passes_and_both_reports_are_written(run, repo):
    done = run(".scalecheck")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<install><--quiet><--disable-pip-version-check><--><scalecheck-wheel>" in done.stdout
    assert isinstance(json.loads((repo.root / "gl-code-quality-report.json").read_text()), list)
    assert ET.parse(repo.root / "scalecheck-junit.xml").getroot().tag in ("testsuites", "testsuite")


def test_error_fails_the_job_and_is_in_both_reports(run, repo):
    done = run(".scalecheck", SCALECHECK_ARGUMENTS="--policy strict")
    assert done.returncode == 1, done.stdout + done.stderr
    issues = json.loads((repo.root / "gl-code-quality-report.json").read_text())
    (found,) = [issue for issue in issues if issue["check_name"] == "undertrained"]
    assert found["location"]["path"] == "conf/experiment/undertrained.yaml"
    assert {"description", "fingerprint", "severity"} <= found.keys()
    failures = ET.parse(repo.root / "scalecheck-junit.xml").getroot().iter("failure")
    assert [failure.get("type") for failure in failures] == ["undertrained"]


def test_globs_in_arguments_are_for_hydra(run, repo):
    repo.write("experiment=glob(x)", "")
    done = run(".scalecheck", SCALECHECK_ARGUMENTS="--config-name train --policy strict -m experiment=glob(b*)")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_what_to_install_it_says_so(run):
    done = run(".scalecheck", SCALECHECK_INSTALL="")
    assert done.returncode == 2
    assert done.stderr == "scalecheck: error: SCALECHECK_INSTALL is not set; it is a path or a requirement for pip.\n"


def test_comparison_with_the_merge_request_base(run, repo):
    base = repo.run("git", "rev-parse", "HEAD").stdout.strip()
    repo.edit("conf/experiment/balanced.yaml", "max_steps: 430", "max_steps: 860")
    repo.commit()
    done = run(".scalecheck-diff", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "|" in (repo.root / "scalecheck-diff.md").read_text()


@pytest.mark.extended
@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["SCALECHECK_INSTALL", "SCALECHECK_EXTRAS", "SCALECHECK_DIRECTORY", "SCALECHECK_ARGUMENTS"])
def test_hostile_variables_run_nothing(run, tmp_path, name, text):
    done = run(".scalecheck", **{name: text})
    assert [path for path in tmp_path.rglob("*") if path.name.startswith("pwned")] == []
    if name in ("SCALECHECK_DIRECTORY", "SCALECHECK_ARGUMENTS"):
        assert done.returncode != 0


def test_only_lists_of_words_are_unquoted():
    script = "\n".join([*job(".scalecheck")["before_script"], *job(".scalecheck")["script"], *job(".scalecheck-diff")["script"]])
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", script)
    assert set(re.findall(r"\$\w+", bare)) == {"$SCALECHECK_EXTRAS", "$SCALECHECK_ARGUMENTS"}

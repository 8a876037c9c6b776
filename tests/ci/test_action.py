"""action.yml: its steps are run as they are written, on a copy of the example; no input and no config text is taken for shell or a command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}
HOSTILE = (
    "$(touch pwned)", "`touch pwned`", "; touch pwned;", '"; touch pwned; "', "'; touch pwned; '", "x\ntouch pwned\n", "|| touch pwned",
    "-x & touch pwned", "${PATH:+$(touch pwned)}", "a[$(touch pwned)]",
)  # fmt: skip
needs_safe_path = pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH came with Python 3.11")


def touched(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.name.startswith("pwned")]


def test_no_input_is_interpolated_into_a_script():
    assert STEPS.keys() == {"install", "check", "diff"}
    for step in STEPS.values():
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert step["env"]["PYTHONSAFEPATH"] == "1"


def test_every_input_is_described_and_reaches_a_step():
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION["runs"])))
    assert used == set(ACTION["inputs"])
    assert all(entry["description"] and isinstance(entry["default"], str) for entry in ACTION["inputs"].values())
    assert all(entry["description"] and entry["value"].startswith("${{ steps.") for entry in ACTION["outputs"].values())


def test_no_package_host_is_named():
    for name in ("action.yml", "templates/gitlab-ci.yml", ".pre-commit-hooks.yaml", "docs/how-to/ci.md"):
        assert not re.search(r"://|pypi|index-url", (ROOT / name).read_text()), name


def test_every_variable_of_a_script_is_quoted():
    for step in STEPS.values():
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "", step["run"])
        assert re.findall(r"\$\{?[A-Za-z_]\w*", bare) == [], step["id"]


def test_example_passes_and_its_findings_are_in_sarif_and_summary(act, repo):
    done = act()
    assert done.codes == {"install": 0, "check": 0}, done.printed
    assert done.outputs["exit-code"] == "0"
    assert json.loads(Path(done.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert "|" in done.summary
    assert repo.run("git", "status", "--porcelain").stdout == "", "the checkout stays as it is"


def test_error_is_an_annotation_and_fails_the_job(act):
    done = act(policy="strict")
    assert done.codes == {"install": 0, "check": 1}, done.printed
    assert done.outputs["exit-code"] == "1"
    errors = [command for command in done.commands if command.startswith("::error ")]
    assert len(errors) == 1
    assert "file=conf/experiment/undertrained.yaml,line=7" in errors[0]
    results = json.loads(Path(done.outputs["sarif"]).read_text())["runs"][0]["results"]
    assert "undertrained" in {result["ruleId"] for result in results}


def test_arguments_are_divided_as_a_shell_would_but_globs_are_not_expanded(act, repo):
    repo.write("experiment=glob(nothing)", "")
    done = act(arguments="--config-name train -m 'experiment=glob(*)' \"seed=1\"\n--exit-zero", policy="strict")
    assert done.codes["check"] == 0, done.printed
    assert "experiment=balanced" in done.printed
    assert "experiment=undertrained" in done.printed


@pytest.mark.extended
def test_fail_level_and_working_directory(act, repo):
    (repo.root / "deep").mkdir()
    repo.run("git", "mv", "conf", "scalecheck.toml", "deep/")
    done = act(working_directory="deep", fail_level="note")
    assert done.codes["check"] == 1, done.printed


def test_what_cannot_be_checked_is_2_and_leaves_no_sarif(act):
    done = act(policy="no-such-policy")
    assert done.codes == {"install": 0, "check": 2}
    assert (done.outputs["exit-code"], done.outputs["sarif"]) == ("2", "")
    assert "no-such-policy" in done.printed


def test_a_quote_without_an_end_is_one_sentence(act):
    done = act(arguments="model='small")
    assert done.codes["check"] == 2
    assert "has a quote that does not end" in done.printed
    assert "Traceback" not in done.printed


@pytest.mark.extended
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_inputs_of_the_check_run_nothing(act, tmp_path, text):
    done = act(arguments=text, policy=text, fail_level=text, untrusted=text)
    assert done.codes == {"install": 0, "check": 2}, done.printed
    assert touched(tmp_path) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_inputs_of_the_installation_run_nothing(runner, tmp_path, text):
    """pip is replaced by what prints its arguments: they come to it as they are, behind the end of its options."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nif [ "$2" = pip ]; then shift 2; printf "<%s>" "$@"; exit 9; fi\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = runner.run({"python": str(python), "install": text, "extras": "--pre '. [x]' " + text.replace("'", "").replace('"', "")})
    assert done.codes == {"install": 9}
    assert f"<--><{text}><--pre><. [x]>" in done.printed
    assert touched(tmp_path) == []
    done = runner.run({"python": text})
    assert done.failed
    assert touched(tmp_path) == []


@pytest.mark.extended
@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 17])
def test_hostile_base_runs_nothing(act, tmp_path, text):
    done = act(diff_base=text)
    assert done.codes["diff"] == 2, done.printed
    assert touched(tmp_path) == []


def test_text_of_a_config_is_never_a_command(act, repo):
    words = "x\\n::error::pwned\\n::add-mask::a\\n::set-output name=a::b\\r::warning::pwned"
    repo.write("conf/experiment/evil.yaml", f'# @package _global_\ntrainer: {{max_steps: "{words}"}}\ndata: {{text: "{words}"}}\n')
    repo.write("conf/experiment/::error::pwned.yaml", "# @package _global_\ntrainer: {max_steps: 3}\n")
    done = act(fail_level="note")
    assert done.codes["check"] == 1, done.printed
    assert done.commands
    for command in done.commands:
        assert re.match(r"::(error|warning|notice) [^\r\n]*::[^\r\n]*$", command), command
        assert not command.startswith("::error::pwned")


@pytest.mark.extended
@needs_safe_path
def test_untrusted_runs_no_code_of_the_repository(act, repo, tmp_path, monkeypatch):
    for name in ("json", "yaml", "numpy", "scalecheck", "hydra", "random", "shlex", "pip", "secrets"):
        repo.write(f"{name}.py", f"open({str(tmp_path / 'pwned')!r}, 'a').write({name!r})\n")
    repo.edit("conf/train.yaml", "seed: 1", "seed: ${oc.env:HOME}")
    repo.commit()
    done = act(untrusted="true", diff_base="HEAD")
    assert touched(tmp_path) == [], [path.read_text() for path in touched(tmp_path)]
    assert done.codes == {"install": 0, "check": 0, "diff": 0}, done.printed
    assert str(repo.home) not in done.printed.replace(str(tmp_path / "runner"), "")


@pytest.mark.extended
def test_comparison_fails_where_the_table_says_so_and_is_in_the_summary(act, repo):
    repo.edit("conf/experiment/balanced.yaml", "max_steps: 430", "max_steps: 860")
    repo.commit()
    done = act(diff_base="HEAD~1")
    assert done.codes == {"install": 0, "check": 0, "diff": 1}, done.printed
    assert done.outputs["diff-exit-code"] == "1"
    assert "training FLOPs" in done.summary or "training_flops" in done.summary
    assert act(diff_base="HEAD").codes["diff"] == 0


@pytest.mark.extended
def test_comparison_is_made_after_findings_and_not_after_nothing_was_checked(act):
    assert act(policy="strict", diff_base="HEAD").codes == {"install": 0, "check": 1, "diff": 0}
    assert act(policy="no-such-policy", diff_base="HEAD").codes == {"install": 0, "check": 2}


@pytest.mark.extended
@pytest.mark.packaging
def test_the_action_installs_itself_into_a_clean_environment(runner, repo, tmp_path):
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "tests", "outputs")
    checkout = shutil.copytree(ROOT, tmp_path / "scalecheck", ignore=ignored)
    runner.env["GITHUB_ACTION_PATH"] = str(checkout)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    done = runner.run({"python": str(tmp_path / "env" / "bin" / "python")})
    assert done.codes == {"install": 0, "check": 0}, done.printed
    found = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "-c", "import scalecheck; print(scalecheck.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert str(tmp_path / "env") in found.stdout, found.stderr

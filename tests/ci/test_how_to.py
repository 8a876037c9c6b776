"""docs/how-to/ci.md is followed word for word: its files are written, and its commands are typed, in a copy of the example without a CI set-up."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "ci.md").read_text()
BLOCKS = re.findall(r"([^\n]*)\n\n```(\w+)\n(.*?)```", TEXT, re.DOTALL)
"""The line above a block, what it is written in, and the block."""
FILES = {re.findall(r"`([^`]+)`", above)[0]: text for above, form, text in BLOCKS if form in ("toml", "yaml")}
END = "the-command-has-ended"


@pytest.fixture
def bare(repo):
    """The example without its own CI set-up, as a repo that has none."""
    repo.run("git", "rm", "--quiet", "scalecheck.toml", "conf/scalecheck/ci.yaml")
    repo.commit()
    return repo


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Each command of a console block, and the lines that are shown under it."""
    return [(first, rest) for first, *rest in (part.splitlines() for part in block.split("$ ")[1:])]


def test_every_block_is_of_a_kind_that_is_followed():
    assert {form for _, form, _ in BLOCKS} == {"toml", "yaml", "console", "python"}
    assert len(BLOCKS) == TEXT.count("\n```") // 2


def test_page_is_followed_word_for_word(bare):
    followed, written = 0, set()
    for above, form, text in BLOCKS:
        if form in ("toml", "yaml"):
            name = re.findall(r"`([^`]+)`", above)[0]
            bare.write(name, text)
            written.add(name)
        elif form == "console":
            typed = commands(text)
            script = "\n".join(f"{command}\nprintf '%s %s\\n' '{END}' \"$?\"" for command, _ in typed if command != "echo $?")
            done = bare.run("bash", "-c", script)
            *printed, rest = re.split(rf"{END} (\d+)\n", done.stdout)
            assert rest == ""
            _compare(typed, printed, done.stderr)
            followed += len(typed)
    assert followed >= 12
    assert {"pyproject.toml", "conf/scalecheck/ci.yaml", ".gitlab-ci.yml", ".pre-commit-config.yaml"} <= written
    assert all((bare.root / name).exists() for name in ("report.json", "scalecheck.sarif", "junit.xml", "summary.md", "policy.schema.json"))


def _compare(typed: list[tuple[str, list[str]]], printed: list[str], stderr: str) -> None:
    """Compare what is shown under each command with what it printed, and its exit code where that is asked for."""
    codes = [int(code) for code in printed[1::2]]
    outputs = iter(zip(printed[::2], codes, strict=True))
    code = 0
    for command, shown in typed:
        if command == "echo $?":
            assert shown == [str(code)], f"it is {code}\n{printed}\n{stderr}"
            continue
        output, code = next(outputs)
        asked = ("echo $?", [str(code)]) in typed
        assert code == 0 or asked, f"{command}: exit code {code}\n{output}\n{stderr}"
        lines = output.splitlines()
        assert all(line == "..." or line in lines for line in shown), f"{command}\n{output}"


def test_github_workflow_runs_with_the_inputs_that_it_gives(bare, runner):
    workflow = yaml.safe_load(FILES[".github/workflows/scalecheck.yml"])
    (job,) = workflow["jobs"].values()
    checkout, _, ours = job["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert workflow["permissions"] == {"contents": "read"}
    bare.write("pyproject.toml", FILES["pyproject.toml"])
    bare.commit()
    bare.run("git", "update-ref", "refs/remotes/origin/main", "HEAD")
    given = {name: value.replace("${{ github.base_ref }}", "main") for name, value in ours["with"].items()}
    done = runner.run(given | {"install": "none"})
    assert done.codes == {"install": 0, "check": 1, "diff": 0}, done.printed


def test_gitlab_jobs_extend_what_the_template_has():
    told = yaml.safe_load(FILES[".gitlab-ci.yml"])
    template = yaml.safe_load((ROOT / "templates" / "gitlab-ci.yml").read_text())
    assert told["include"][0]["file"] == "templates/gitlab-ci.yml"
    assert {told[name]["extends"] for name in ("scalecheck", "scalecheck-diff")} <= template.keys()
    assert told["variables"].keys() <= template[".scalecheck-installed"]["variables"].keys()


def test_local_hook_runs_as_it_is_written(bare):
    bare.write("pyproject.toml", FILES["pyproject.toml"])
    bare.write("conf/scalecheck/ci.yaml", FILES["conf/scalecheck/ci.yaml"])
    (hook,) = yaml.safe_load(FILES[".pre-commit-config.yaml"])["repos"][0]["hooks"]
    assert re.search(hook["files"], "conf/experiment/balanced.yaml")
    assert hook["pass_filenames"] is False
    assert bare.run(*shlex.split(hook["entry"])).returncode == 1
    assert bare.run(*shlex.split(hook["entry"]), "--policy", "conf/scalecheck/ci.yaml").returncode == 0


def test_hook_of_the_repository_has_the_id_that_is_named():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert f"hooks: [{{id: {hook['id']}}}]" in TEXT


def test_keys_of_the_table_are_all_there():
    from scalecheck import project_table

    rows = TEXT.split("| key | says |")[1].split("\n\n")[0].splitlines()[2:]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert told == set(project_table._TABLE_KEYS)


def test_python_is_python():
    (program,) = [text for _, form, text in BLOCKS if form == "python"]
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)}
    assert "scalecheck.last_report" in calls


def test_inputs_that_are_named_are_those_of_the_action():
    named = TEXT.split("Inputs, none of them needed: ")[1].split("(")[0]
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert set(re.findall(r"`([\w-]+)`", named)) == set(action["inputs"])


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) >= 3
    assert [link for link in links if not (ROOT / "docs" / "how-to" / link).exists()] == []

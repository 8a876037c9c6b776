"""A repo as CI has it: a copy of examples/pretrain under git, and steps of an action run as GitHub's runner does, on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "pretrain"
BIN = Path(sys.executable).parent
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""What a step finds of this process's environment: no RANK, no setting of Python's."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a CI job, with this environment's python and scalecheck first, and an author for git."""
    who = {f"GIT_{role}_{what}": "ci@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | who | alone | {"HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"} | more


@dataclass
class Repo:
    """A git checkout with one commit."""

    root: Path
    home: Path

    def run(self, *command: object, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        words = [str(word) for word in command]
        return subprocess.run(
            words, cwd=self.root, env=environment(self.home, **env), capture_output=True, text=True, timeout=120, check=False
        )

    def scalecheck(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run ``scalecheck …`` in it."""
        return self.run(sys.executable, "-m", "scalecheck.cli", *arguments)

    def write(self, name: str, text: str) -> None:
        """Write a file of it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self) -> None:
        """Commit everything."""
        for command in (("add", "--all"), ("commit", "--quiet", "--allow-empty", "--message", "a change")):
            done = self.run("git", *command)
            assert done.returncode == 0, done.stderr

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in one of its files."""
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))


@pytest.fixture
def repo(tmp_path) -> Repo:
    ignored = shutil.ignore_patterns("outputs", "multirun", "__pycache__")
    made = Repo(Path(shutil.copytree(EXAMPLE, tmp_path / "pretrain", ignore=ignored)), tmp_path / "home")
    made.home.mkdir()
    assert made.run("git", "init", "--quiet", "--initial-branch", "main").returncode == 0
    made.commit()
    return made


@dataclass
class Outcome:
    """What an action left: the exit code of each step that ran, what it printed, its outputs and the job's summary."""

    codes: dict[str, int] = field(default_factory=dict)
    printed: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether any step failed."""
        return any(self.codes.values())

    @property
    def commands(self) -> list[str]:
        """The workflow commands that a runner takes from what was printed: none between ``::stop-commands::TOKEN`` and ``::TOKEN::``."""
        found, token = [], None
        for line in self.printed.splitlines():
            if token is not None:
                token = None if line.strip() == f"::{token}::" else token
            elif line.startswith("::stop-commands::"):
                token = line.removeprefix("::stop-commands::")
            elif line.lstrip().startswith("::") or "##[" in line:
                found.append(line)
        assert token is None, "commands stay stopped"
        return found


class Runner:
    """Runs a composite action's steps: what GitHub's runner does of it, as its documentation says."""

    def __init__(self, action: Path, workspace: Path, temporary: Path, env: Mapping[str, str]) -> None:
        self.action: dict[str, Any] = yaml.safe_load(action.read_text())
        self.workspace, self.temporary = workspace, temporary
        self.env = dict(env) | {"GITHUB_WORKSPACE": str(workspace), "GITHUB_ACTION_PATH": str(action.parent), "RUNNER_TEMP": str(temporary)}
        self.step_outputs: dict[str, dict[str, str]] = {}

    def run(self, given: Mapping[str, str]) -> Outcome:
        """Run the steps with the inputs of a workflow's ``with:``."""
        unknown = set(given) - set(self.action["inputs"])
        assert not unknown, f"the action has no input {unknown}"
        inputs = {name: str(entry.get("default", "")) for name, entry in self.action["inputs"].items()} | dict(given)
        outcome = Outcome()
        for step in self.action["runs"]["steps"]:
            if self._is_due(step, inputs, outcome):
                self._step(step, inputs, outcome)
        outcome.outputs = {name: self._filled(entry["value"], inputs) for name, entry in self.action["outputs"].items()}
        return outcome

    def _is_due(self, step: dict[str, Any], inputs: Mapping[str, str], outcome: Outcome) -> bool:
        condition = step.get("if", "${{ success() }}").removeprefix("${{").removesuffix("}}")
        assert "success()" in condition, "without a status function GitHub adds success()"
        words = condition.replace("&&", " and ").replace("||", " or ").replace("success()", str(not outcome.failed))
        return bool(eval(re.sub(r"(?:inputs|steps)\.[\w.-]+", lambda match: repr(self._value(match.group(), inputs)), words).strip()))

    def _value(self, expression: str, inputs: Mapping[str, str]) -> str:
        if expression.startswith("inputs."):
            return inputs[expression.removeprefix("inputs.")]
        _, step, _, name = expression.split(".")
        return self.step_outputs.get(step, {}).get(name, "")

    def _filled(self, text: str, inputs: Mapping[str, str]) -> str:
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: self._value(match.group(1), inputs), text)

    def _step(self, step: dict[str, Any], inputs: Mapping[str, str], outcome: Outcome) -> None:
        assert step["shell"] == "bash"
        script, told, summary = (self.temporary / f"{step['id']}.{name}" for name in ("sh", "output", "summary"))
        script.write_text(self._filled(step["run"], inputs))
        told.touch()
        summary.touch()
        own = {name: self._filled(value, inputs) for name, value in step.get("env", {}).items()}
        env = self.env | own | {"GITHUB_OUTPUT": str(told), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / self._filled(step.get("working-directory", "."), inputs),
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        outcome.codes[step["id"]] = done.returncode
        outcome.printed += done.stdout
        outcome.summary += summary.read_text()
        lines = [line for line in told.read_text().splitlines() if line]
        assert all("=" in line for line in lines), lines
        self.step_outputs[step["id"]] = dict(line.split("=", 1) for line in lines)


@pytest.fixture
def runner(repo, tmp_path) -> Runner:
    temporary = tmp_path / "runner"
    temporary.mkdir()
    return Runner(ROOT / "action.yml", repo.root, temporary, environment(repo.home))


@pytest.fixture
def act(runner):
    """``act(policy="strict")`` runs the action with this environment's scalecheck; ``_`` in a name stands for ``-``."""

    def run(**given: str) -> Outcome:
        mine = {"python": sys.executable, "install": "none"}
        return runner.run(mine | {name.replace("_", "-"): value for name, value in given.items()})

    return run

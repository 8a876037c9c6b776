"""A page's own copy of the directory that it is about, and how each kind of block is run in it."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from scalecheck import compose as ours
from scalecheck.cli import main
from scalecheck.law_file import read_law
from scalecheck.policy import OF_HYDRA, Policy, load_policy
from scalecheck.project_table import find_table
from scalecheck.report_file import read_report

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
_SHELL = set("|<>&;$`")
_PLAN = "hydra.callbacks.scalecheck.mode=plan"


def environment(home: Path) -> dict[str, str]:
    """Return an environment without ranks and colours, with this environment's python and scalecheck first, and an author for git."""
    who = {f"GIT_{role}_{what}": "docs@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    alone = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "NO_COLOR": "1",
        "PYTHONWARNINGS": "ignore",
        "COLUMNS": "140",
    }
    alone["GITHUB_STEP_SUMMARY"] = str(home / "summary.md")  # a step of GitHub Actions has one, which pages take for granted
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | who | alone | {"HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


class Workspace:
    """A copy of a directory; commands of scalecheck run in this process, others in one of their own."""

    def __init__(self, source: Path, root: Path) -> None:
        ignored = shutil.ignore_patterns("outputs", "multirun", "__pycache__")
        self.root = Path(shutil.copytree(source, root / source.name, ignore=ignored))
        self.environment = environment(root)
        self.names: dict[str, Any] = {"__name__": "page"}
        self.printed = ""

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Be in the copy, with its environment, without warnings, and leave nothing of Hydra's behind."""
        before, environ, path = Path.cwd(), dict(os.environ), list(sys.path)
        os.chdir(self.root)
        os.environ.clear()
        os.environ.update(self.environment)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            GlobalHydra.instance().clear()
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environ)
            sys.path[:] = path

    def git(self) -> None:
        """Make a git checkout of it, with one commit that is origin's too."""
        steps = ("git init --quiet --initial-branch main", "git add --all", "git commit --quiet --message first")
        for step in (*steps, "git update-ref refs/remotes/origin/main HEAD"):
            code, printed = self.run(step)
            assert code == 0, printed

    def run(self, command: str, *, is_plan: bool = False) -> tuple[int, str]:
        """Run a command; returns its exit code and what it printed. A launch that is planned is checked and starts no training."""
        words = shlex.split(command, comments=True)
        if words[0] == "scalecheck" and words[1:2] != ["plan"] and not (_SHELL & set(command.split(" #", maxsplit=1)[0])):
            return self._in_process(words[1:])
        if is_plan and words[:2] == ["python", "train.py"]:
            return self._process([str(BIN / "python"), *words[1:], _PLAN])
        return self._process(["bash", "-c", command])

    def _in_process(self, arguments: list[str]) -> tuple[int, str]:
        told = io.StringIO()
        with self.inside(), contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = main(arguments)
        return code, told.getvalue()

    def _process(self, words: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            words,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        return done.returncode, done.stdout

    def write(self, name: str, text: str) -> Path:
        """Write a file of it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def execute(self, program: str, place: str) -> None:
        """Run a Python block in the page's namespace."""
        told = io.StringIO()
        with self.inside(), contextlib.redirect_stdout(told):
            exec(compile(program, place, "exec"), self.names)
        self.printed = told.getvalue()

    def accept_yaml(self, text: str, name: str | None) -> str:
        """Take YAML for what it is, and return the word for that: a law, a policy's file, a policy's part, a primary config, a config."""
        if name is not None:
            path = self.write(name, text)
            if "scalecheck/law/" in name:
                read_law(path)
                return "law"
            if "/scalecheck/" in name:
                with self.inside():
                    load_policy(ours.read_policy(str(path)))
                return "policy file"
        read = yaml.safe_load(text)
        assert isinstance(read, dict), "it is no mapping"
        node = (read.get("hydra") or {}).get("callbacks", {}).get("scalecheck")
        if node is not None or read.keys() <= {*Policy.__dataclass_fields__, *OF_HYDRA}:
            with self.inside():
                load_policy(node or read)
            return "policy"
        if "defaults" in read and "scalecheck" in text:
            self._compose(text)
            return "primary config"
        assert name is not None, "it is no policy, and the page names no file that it is"
        return "config"

    def _compose(self, text: str) -> None:
        """A primary config that switches the guard on does."""
        path = self.write("conf/of_the_page.yaml", text)
        with self.inside(), initialize_config_dir(str(path.parent), version_base="1.3"):
            config = compose(path.stem, return_hydra_config=True)
        path.unlink()
        assert config.hydra.callbacks.scalecheck._target_.endswith("ScaleCheckCallback")

    def accept_toml(self, text: str, name: str | None) -> None:
        """Take a table of the project for one; the nearest one counts, so no other may stand above it."""
        path = self.write(name or "scalecheck.toml", text)
        with self.inside():
            table = find_table(self.root)
        assert table is not None
        assert table.file == path, f"{table.file} comes before it"

    def accept_json(self, text: str) -> None:
        """Take a whole report for one."""
        assert {"schema_version", "jobs"} <= json.loads(text).keys(), "it is no report"
        read_report(self.write("report_of_the_page.json", text))


def imported(text: str) -> list[str]:
    """Return the names that a block of autodoc directives documents; each can be imported."""
    names = re.findall(r"^\.\. auto\w+:: (\S+)", text, flags=re.MULTILINE)
    for name in names:
        _get(name)
    return names


def _get(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(_get(parent), last)

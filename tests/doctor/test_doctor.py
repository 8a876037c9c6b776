"""`scalecheck doctor` on small broken repos: what it names is real, and the change that it tells closes it.

Each folder here is a repo whose one run is under-trained. ``launch`` is the start that gets past the guard (or, where a Hydra fails
closed, what happens instead); ``change`` is what the doctor tells, done by hand; after it the same start is stopped with exit code 3.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import hydra
import pytest

HERE = Path(__file__).parent
IS_1_4 = not hydra.__version__.startswith("1.3")
PASSES, STOPPED, DIES = (0, True), (3, False), (1, False)
"""Exit code, and whether the task function ran."""


@dataclass
class Case:
    """``change`` is file -> (what stands there, what stands there after); an empty text deletes the file."""

    named: str
    where: str
    change: dict[str, tuple[str, str]] = field(default_factory=dict)
    launch: tuple[str, ...] = ()
    before: tuple[int, bool] = PASSES
    after: tuple[int, bool] = STOPPED
    kind: str = "way out"
    active: tuple[str, str] = ("yes", "yes")


LINE = ("defaults:\n  - _self_\n", "defaults:\n  - _self_\n  - scalecheck: strict\n")
SHADOW_WITH_THE_GUARD = """defaults:
  - /hydra/callbacks@hydra.callbacks.scalecheck: scalecheck
  - _self_
hydra:
  callbacks:
    scalecheck: {mode: stop, rules: {undertrained: {severity: error}}}
"""
CHOSEN = "only when experiment=long or experiment=short is chosen"
CASES = {
    "no_line": Case(
        "no_line", "conf/train.yaml", {"conf/train.yaml": ("model:", "defaults: [_self_, scalecheck: strict]\nmodel:")}, active=("no", "no")
    ),
    "node_without_target": Case("no_target", "conf/experiment/tuned.yaml:5", {"conf/train.yaml": LINE}, active=("no", "no")),
    "enabled_in_a_swept_group": Case(
        "only_in_option",
        "conf/experiment/long.yaml:3",
        {"conf/train.yaml": LINE}
        | {f"conf/experiment/{name}.yaml": ("defaults:\n  - /scalecheck: strict\n", "") for name in ("long", "short")},
        launch=("-m", "experiment=short,long"),
        active=(CHOSEN, f"{CHOSEN} and not swept"),
    ),
    "option_of_ours_shadowed": Case(
        "shadowed",
        "conf/scalecheck/strict.yaml:1",
        {
            "conf/scalecheck/strict.yaml": (
                "hydra:\n",
                SHADOW_WITH_THE_GUARD,
            )
        },
        active=("no", "no"),
    ),
    "mode_off_in_an_experiment": Case(
        "mode_off",
        "conf/experiment/wide.yaml:5",
        {"conf/experiment/wide.yaml": ('"off"', "stop")},
        launch=("experiment=wide",),
    ),
    "comment_above_the_package": Case(
        "header_ignored",
        "conf/scalecheck/ours.yaml:2",
        {"conf/scalecheck/ours.yaml": ("# what we agreed on\n# @package _global_\n", "# @package _global_\n# what we agreed on\n")},
    ),
    "callbacks_replaced_by_an_experiment": Case(
        "replaced",
        "conf/experiment/tracked.yaml:3",
        {"conf/train.yaml": ("  - _self_\n", "  - _self_\n  - scalecheck: strict\n")},
        launch=("experiment=tracked",),
    ),
    "callbacks_overridden_twice": Case(
        "two_overrides" if IS_1_4 else "replaced",
        "conf/train.yaml:4" if IS_1_4 else "conf/train.yaml:3",
        {"conf/train.yaml": ("  - override hydra/callbacks: scalecheck\n", "")} | {"conf/train.yaml": LINE},
        kind="note" if IS_1_4 else "way out",
        active=("yes", "yes") if IS_1_4 else ("no", "no"),
    ),
    "optional_line_misspelt": Case(
        "optional_line",
        "conf/train.yaml:3",
        {"conf/train.yaml": ("optional scalecheck: strickt", "scalecheck: strict")},
        active=("no", "no"),
    ),
    "plugins_hidden_by_an_init_file": Case(
        "plugins_hidden",
        "hydra_plugins/__init__.py",
        {"hydra_plugins/__init__.py": ("", "")},
        before=STOPPED if IS_1_4 else PASSES,
        kind="note" if IS_1_4 else "way out",
        active=("yes", "yes") if IS_1_4 else ("no", "no"),
    ),
    "config_passed_to_main": Case("config_passed", "train.py:11", {"train.py": ('main(OmegaConf.load("conf/train.yaml"))', "main()")}),
    "group_option_without_the_guard": Case(
        "shadowed",
        "conf/scalecheck/team.yaml:1",
        {"conf/scalecheck/team.yaml": ("hydra:\n", "defaults:\n  - strict\n  - _self_\nhydra:\n")},
        launch=("scalecheck=team",),
    ),
    "launcher_in_a_swept_experiment": Case(
        "launcher_in_option", "conf/experiment/long.yaml:3", launch=("-m", "experiment=short,long"), before=STOPPED, kind="note"
    ),
    "broken_policy": Case(
        "broken_policy", "conf/train.yaml:12", {"conf/train.yaml": ("undertraind", "undertrained")}, before=STOPPED, kind="fault"
    ),
    "whitelist_without_us": Case(
        "whitelist", "train.py:4", {"train.py": ("app.*", "hydra_plugins.hydra_scalecheck.*")}, before=DIES, kind="fault"
    ),
    "version_base_that_1_4_refuses": Case("old_version_base", "train.py:4", {"train.py": ('"1.2"', '"1.3"')}, before=DIES, kind="fault"),
    "runs_pickled_for_a_rerun": Case("rerun", "conf/hydra/callbacks/pickled.yaml:2", before=STOPPED, kind="note"),
}
ONLY_1_4 = ("whitelist_without_us", "version_base_that_1_4_refuses")
ONLY_1_3 = ("runs_pickled_for_a_rerun",)


@pytest.fixture
def repo(tmp_path, request):
    """A copy of a case's folder."""
    name = request.param
    if (name in ONLY_1_4 and not IS_1_4) or (name in ONLY_1_3 and IS_1_4):
        pytest.skip(f"hydra-core {hydra.__version__} has no such way")
    root = tmp_path / name
    shutil.copytree(HERE / name, root)
    return root


def start(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run([sys.executable, *command], cwd=root, env=env, capture_output=True, text=True, timeout=120, check=False)


def launched(root: Path, launch: tuple[str, ...]) -> tuple[int, bool]:
    done = start(root, "train.py", *launch)
    return done.returncode, "TRAINED" in done.stdout


def examined(root: Path, *arguments: str) -> tuple[int, dict]:
    done = start(root, "-m", "scalecheck.cli", "doctor", "train.py", *arguments, "--format", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


FIRST = ("no_line", "whitelist_without_us")


@pytest.mark.parametrize(
    "repo", [name if name in FIRST else pytest.param(name, marks=pytest.mark.extended) for name in CASES], indirect=True
)
def test_broken_repo_is_named_with_its_line_and_is_closed_by_the_change(repo):
    case = CASES[repo.name]
    code, told = examined(repo)
    found = [item for item in told["found"] if item["name"] == case.named]
    assert found, told
    assert (found[0]["kind"], found[0]["where"].startswith(case.where)) == (case.kind, True), found[0]
    assert code == (0 if case.kind == "note" else 1)
    assert (told["active"]["run"], told["active"]["multirun"]) == case.active
    if repo.name == "callbacks_overridden_twice" and IS_1_4:
        return  # there the last override, ours, counts
    assert launched(repo, case.launch) == case.before
    for name, (old, new) in case.change.items():
        text = (repo / name).read_text()
        assert old in text
        (repo / name).write_text(text.replace(old, new)) if old else (repo / name).unlink()
    if case.change:
        assert launched(repo, case.launch) == case.after
        assert examined(repo)[0] == 0


@pytest.mark.parametrize("repo", ["healthy"], indirect=True)
def test_healthy_repo_is_active_for_both_and_is_stopped(repo):
    code, told = examined(repo)
    assert (code, told["active"], told["sound"]) == (0, {"run": "yes", "multirun": "yes"}, True)
    assert all(item["kind"] == "note" for item in told["found"])
    assert launched(repo, ()) == STOPPED


def test_every_folder_is_a_case():
    assert {path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"} == {*CASES, "healthy"}


@pytest.mark.parametrize("repo", ["runs_pickled_for_a_rerun"], indirect=True)
def test_rerun_of_a_pickled_run_is_checked_by_nobody_on_1_3(repo):
    start(repo, "train.py", "hydra.callbacks.scalecheck.mode=warn", "hydra.run.dir=out")
    rerun = start(repo, "train.py", "--experimental-rerun", "out/.hydra/config.pickle")
    assert "TRAINED" in rerun.stdout
    assert "scalecheck" not in rerun.stderr
    code, told = examined(repo, "--experimental-rerun", "out/.hydra/config.pickle")
    assert code == 1
    assert [item["name"] for item in told["found"] if item["kind"] == "way out"] == ["rerun"]

"""``scalecheck doctor``: how a repo is named, what is said of the interpreter and of what is typed, and bad input.

The broken repos are under tests/doctor/.
"""

from __future__ import annotations

import importlib.util
import json
import stat
import sys
from pathlib import Path

import hydra
import pytest

pytestmark = pytest.mark.extended

IS_1_4 = not hydra.__version__.startswith("1.3")
NAMED = ("doctor", "--config-dir", "conf", "--config-name", "train")


def names(done) -> list[str]:
    return [item["name"] for item in json.loads(done.stdout)["found"] if item["kind"] != "note"]


def test_repo_with_the_line_is_sound(app):
    done = app.cli(*NAMED)
    assert done.returncode == 0, done.stderr
    first, said = done.stdout.splitlines()
    assert first == f"active for run: yes, active for multirun: yes (hydra-core {hydra.__version__})"
    assert said == "no way past the guard was found."


def test_nothing_is_written_and_the_script_is_not_run(app):
    app.write({"train.py": app.root.joinpath("train.py").read_text() + "\nopen('imported', 'w')\n"})
    before = sorted(app.root.rglob("*"))
    assert app.cli("doctor", "train.py").returncode == 0
    assert sorted(app.root.rglob("*")) == before


def test_missing_line_is_shown_with_its_place_and_the_line_to_add(app):
    app.write(
        {"conf/train.yaml": "# ours\ndefaults: [{model: small}, {trainer: default}, _self_]\ndata: {batch_size: 32, seq_len: 1024}\n"}
    )
    done = app.cli("doctor", "train.py")
    assert done.returncode == 1
    assert "active for run: no, active for multirun: no" in done.stdout
    assert "at:     conf/train.yaml:2" in done.stdout
    assert "    - scalecheck: default" in done.stdout


@pytest.mark.parametrize("typed", ["~scalecheck", "~hydra.callbacks.scalecheck", "hydra.callbacks.scalecheck.mode=off"])
def test_override_that_switches_the_guard_off_is_named(app, typed):
    done = app.cli("doctor", "train.py", "trainer.max_steps=9", typed, "--format", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["found"]
    assert [(item["name"], item["where"]) for item in found if item["kind"] != "note"] == [("typed", f"the override {typed}")] * 1


def test_job_of_a_sweep_that_switches_the_guard_off_is_named(app):
    off = '# @package _global_\nhydra:\n  callbacks:\n    scalecheck: {mode: "off"}\n'
    app.write({"conf/variant/a.yaml": off, "conf/variant/b.yaml": "# @package _global_\nseed: 2\n"})
    text = (app.root / "conf/train.yaml").read_text().replace("  - scalecheck: default\n", "  - scalecheck: default\n  - variant: b\n")
    app.write({"conf/train.yaml": text})
    done = app.cli("doctor", "train.py", "-m", "variant=a,b", "--format", "json")
    assert done.returncode == 1
    assert [item["what"][:25] for item in json.loads(done.stdout)["found"] if item["name"] == "job"] == ["the job variant=a of this"]


def test_sweep_that_is_typed_is_composed_as_one(app):
    assert app.cli("doctor", "train.py", "-m", "model=small,large", "seed=1,2").returncode == 0


def test_config_that_makes_every_start_a_sweep_is_a_note(app):
    app.write({"conf/train.yaml": (app.root / "conf/train.yaml").read_text() + "hydra: {mode: MULTIRUN}\n"})
    done = app.cli("doctor", "train.py")
    assert done.returncode == 0, done.stdout
    assert "[mode]" in done.stdout


@pytest.fixture
def python_without_us(tmp_path):
    """An interpreter that has hydra-core and what it needs, and nothing else."""
    site = tmp_path / "site"
    site.mkdir()
    for name in ("hydra", "omegaconf", "antlr4", "yaml", "_yaml", "packaging"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            (site / name).symlink_to(next(iter(spec.submodule_search_locations)))
    (site / "hydra_plugins").mkdir()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{site}" exec "{sys.executable}" -S "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return python


def test_interpreter_without_the_plugin_is_named_and_really_runs_an_optional_line_unchecked(app, python_without_us):
    text = (app.root / "conf/train.yaml").read_text().replace("- scalecheck: default", "- optional scalecheck: strict")
    app.write({"conf/train.yaml": text})
    done = app.cli("doctor", "train.py", "--python", str(python_without_us), "--format", "json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["active"] == {"run": "no", "multirun": "no"}
    assert [(item["name"], item["where"]) for item in told["found"] if item["kind"] != "note"] == [
        ("plugin_missing", str(python_without_us))
    ]
    assert "pip install scalecheck" in told["found"][0]["change"]
    assert "TRAINED" in app.spawn(str(python_without_us), "train.py", "trainer.max_steps=5").stdout
    assert app.run("trainer.max_steps=5").returncode == 3


def test_installed_plugin_that_hydra_does_not_discover_is_the_editable_trap(app, python_without_us):
    """The package's metadata is there, its hydra_plugins is not, as after a flat editable install by setuptools."""
    info = python_without_us.parent / "site" / "scalecheck-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scalecheck\nVersion: 9\n")
    done = app.cli("doctor", "train.py", "--python", str(python_without_us))
    assert done.returncode == 1
    assert "is installed in" in done.stdout
    assert "editable_mode=compat" in done.stdout


def fake_python(tmp_path: Path, answer: str) -> str:
    python = tmp_path / "fake_python"
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return str(python)


def test_hydra_older_than_1_3_2_is_a_way_out(app, tmp_path):
    told = {"hydra": "1.2.0", "found": True, "init": None, "installed": True, "failure": None}
    done = app.cli("doctor", "train.py", "--python", fake_python(tmp_path, "\n@" + json.dumps(told)), "--format", "json")
    assert done.returncode == 1, done.stderr
    assert names(done) == ["hydra_too_old"]


def test_version_base_of_the_script_is_composed_with(app):
    script = (app.root / "train.py").read_text()
    app.write({"train.py": script.replace('version_base="1.3"', "version_base=None")})
    assert app.cli("doctor", "train.py").returncode == 0
    app.write({"train.py": script.replace('version_base="1.3", ', "")})
    assert app.cli("doctor", "train.py").returncode == 0
    app.write({"train.py": script.replace('version_base="1.3"', "version_base=__import__('os').name")})
    assert "[unknown_version_base]" in app.cli("doctor", "train.py").stdout


def test_old_version_bases_are_guarded_where_hydra_takes_them(app):
    """1.1 and 1.2 are no way out on hydra-core 1.3: the guard stops there too. 1.4 refuses them, which the doctor says."""
    for base in ("1.1", "1.2"):
        app.write({"train.py": (app.root / "train.py").read_text().replace('"1.3"', f'"{base}"').replace('"1.1"', f'"{base}"')})
        assert app.run("scalecheck=strict", "trainer.max_steps=5").returncode == (1 if IS_1_4 else 3)
        assert app.cli("doctor", "train.py").returncode == (1 if IS_1_4 else 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("doctor", "none.py"), "none.py cannot be read"),
        (("doctor", "helpers.py"), "no entry into Hydra is seen in helpers.py"),
        (("doctor", "dynamic.py"), "config_path=str(ROOT / 'conf')"),
        (("doctor", "train.py", "eval.py"), "one script at a time"),
        (("doctor", "--config-dir", "nowhere"), "nowhere: there is no such directory"),
        (("doctor", "--config-dir", "conf", "--config-name", "trian"), "does not compose"),
        (("doctor", "train.py", "model=huge"), "model/huge"),
        (("doctor", "train.py", "--python", "/nowhere/python"), "cannot be started"),
        (("doctor", "train.py", "--python", "true"), "is no Python"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(app, arguments, said):
    app.write(
        {
            "helpers.py": "import hydra\n",
            "dynamic.py": "import hydra\nfrom paths import ROOT\n@hydra.main(config_path=str(ROOT / 'conf'), config_name='train')\ndef main(c): ...\n",
        }
    )
    done = app.cli(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("scalecheck: error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_script_whose_directory_is_dynamic_is_examined_with_the_option(app):
    app.write({"dynamic.py": "import hydra\nfrom paths import ROOT\n@hydra.main('1' + ROOT, config_name='train')\ndef main(c): ...\n"})
    assert app.cli("doctor", "dynamic.py", "--config-dir", "conf").returncode == 0


def test_option_that_does_not_compose_alone_is_a_note(app):
    app.write({"conf/experiment/deep.yaml": "# scalecheck\ndefaults: [{/nothing: here}]\n"})
    done = app.cli("doctor", "train.py", "--format", "json")
    assert done.returncode == 0
    assert "not_judged" in [item["name"] for item in json.loads(done.stdout)["found"]]


def test_plugins_are_looked_for_from_the_directory_of_the_script(app):
    """The probe looks for plugins as ``python train.py`` would: the script's directory comes first, not the caller's."""
    app.write({"sub/train.py": (app.root / "train.py").read_text(), "sub/conf/train.yaml": "defaults: [{scalecheck: default}]\n"})
    app.write({"hydra_plugins/__init__.py": ""})
    done = app.spawn(sys.executable, "-P" if sys.version_info >= (3, 11) else "-I", "-m", "scalecheck.cli", "doctor", "sub/train.py")
    assert done.returncode == 0, done.stdout + done.stderr

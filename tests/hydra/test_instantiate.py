"""``count: instantiate`` in real apps, in an environment without torch: it says so, and only a launch may run the user's code."""

from __future__ import annotations

import json

import pytest

ASKED = "hydra.callbacks.scalecheck.count=instantiate"


@pytest.fixture
def bare(app):
    """Return the repo with a model that the config builds, in an environment where torch cannot be imported."""
    app.write({
        "sitecustomize.py": "import sys\nsys.modules['torch'] = None\n",
        "conf/model/built.yaml": "{_target_: net.Net, dim: 8}",
        "net.py": "open('imported.txt', 'w').close()\n",
    })  # fmt: skip
    return app


def run(app, *arguments):
    return app.run(*arguments, env={"PYTHONPATH": str(app.root)})


def test_missing_torch_is_told_and_the_launch_goes_on(bare):
    done = run(bare, ASKED, "model=built")
    assert done.returncode == 0, done.stderr
    assert "torch is not installed here, and count: instantiate needs it" in done.stderr
    assert "Traceback" not in done.stderr
    assert bare.trained == 1
    assert not (bare.root / "imported.txt").exists()


def test_formula_is_used_where_there_is_one_and_the_verdict_stands(bare):
    done = run(bare, ASKED, "scalecheck=strict", "trainer.max_steps=5")
    assert done.returncode == 3, done.stderr
    assert "[undertrained]" in done.stderr
    assert "torch is not installed" in done.stderr


@pytest.mark.parametrize("arguments", [(), pytest.param(("-m", "seed=1,2"), marks=pytest.mark.extended)], ids=["run", "sweep"])
def test_report_of_a_job_says_what_was_not_counted(bare, arguments):
    done = run(bare, *arguments, ASKED)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(path.read_text()) for path in bare.root.rglob("scalecheck.json")]
    assert len(reports) == max(1, len(arguments))
    for report in reports:
        (job,) = report["jobs"]
        assert [unknown["reason"] for unknown in job["unknowns"] if unknown["field"] == "module"] == [
            "model was not built: torch is not installed here, and count: instantiate needs it"
        ]


def test_command_line_runs_no_code_because_a_policy_says_so(bare):
    done = bare.cli("check", "--config-name", "train", "--format", "json", ASKED, "model=built")
    assert done.returncode == 0, done.stderr
    (job,) = json.loads(done.stdout)["jobs"]
    (unknown,) = [unknown for unknown in job["unknowns"] if unknown["field"] == "module"]
    assert "only at a launch or where --instantiate is typed" in unknown["reason"]
    assert not (bare.root / "imported.txt").exists()


def test_broken_option_stops_with_one_sentence(bare):
    done = run(bare, "hydra.callbacks.scalecheck.count=instantiat")
    assert done.returncode == 3
    assert "Did you mean 'instantiate'?" in done.stderr
    assert bare.trained == 0


@pytest.mark.extended
def test_attention_of_the_policy_is_the_reports(app):
    flops = {}
    for attention in ("full", "causal"):
        done = app.cli("check", "--config-name", "train", "--format", "json", f"hydra.callbacks.scalecheck.attention={attention}")
        (job,) = json.loads(done.stdout)["jobs"]
        assert job["attention"] == attention
        flops[attention] = job["training_flops"]
    assert flops["causal"] < flops["full"]

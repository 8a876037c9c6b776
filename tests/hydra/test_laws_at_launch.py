"""An own law, the hardware and the options of the repo, in real apps."""

from __future__ import annotations

import json

import pytest

MINE = """
name: mine
form: loss_surface
params_convention: total
data: our runs
fitted_range: {params: [1e4, 1e9], flops: [1e10, 1e20], tokens_per_parameter: [0.1, 1000]}
E: 1.7
A: 400.0
B: 1800000.0
alpha: 0.35
beta: 0.50
"""
LAW = "hydra.callbacks.scalecheck.law"


def report_of(app):
    (path,) = app.root.glob("outputs/*/*/scalecheck.json")
    return json.loads(path.read_text())["jobs"][0]


def test_own_law_judges_a_launch(app):
    app.write({"conf/scalecheck/law/mine.yaml": MINE})
    process = app.run("scalecheck=strict", f"{LAW}=conf/scalecheck/law/mine.yaml", "trainer.max_steps=2")
    assert process.returncode == 3, process.stderr
    assert " of mine)" in process.stderr.splitlines()[0]
    assert "7 published laws and mine" in process.stderr
    assert app.left_on_disk == set()


@pytest.mark.extended
def test_own_law_is_found_again_after_the_job_has_changed_directory(app):
    app.write({"conf/scalecheck/law/mine.yaml": MINE})
    process = app.run(f"{LAW}=conf/scalecheck/law/mine.yaml", "hydra.job.chdir=true")
    assert process.returncode == 0, process.stderr
    assert app.trained == 1
    assert report_of(app)["judge"] == "mine"
    assert "mine" in report_of(app)["outlooks"]


@pytest.mark.extended
def test_missing_own_law_stops_the_launch(app):
    process = app.run(f"{LAW}=conf/nowhere.yaml")
    assert process.returncode == 3
    assert f"{LAW}: there is no file conf/nowhere.yaml (looked in {app.root})" in process.stderr
    assert app.trained == 0


def test_hardware_tells_hours_and_they_are_in_the_report(app):
    process = app.run("hydra.callbacks.scalecheck.hardware.accelerator=a100-sxm", "hydra.callbacks.scalecheck.hardware.mfu=0.35")
    assert process.returncode == 0, process.stderr
    assert "GPU-hours (a100-sxm, 312 dense bf16 TFLOP/s a device, MFU 0.35)" in process.stderr
    expense = report_of(app)["expense"]
    assert expense["gpu_hours"] == report_of(app)["training_flops"] / (312e12 * 0.35 * 3600)


def test_budget_of_hours_stops_a_launch(app):
    process = app.run(
        "scalecheck=strict",
        "hydra.callbacks.scalecheck.hardware.accelerator=a100-sxm",
        "hydra.callbacks.scalecheck.hardware.mfu=0.35",
        "hydra.callbacks.scalecheck.rules.over_budget.max_gpu_hours=1e-6",
    )
    assert process.returncode == 3
    assert "[over_budget]" in process.stderr


def test_launchers_limit_of_time_is_compared_with_the_estimate(app):
    process = app.run(
        "+trainer.max_time='00:00:00:01'",
        "hydra.callbacks.scalecheck.hardware.accelerator=t4",
        "hydra.callbacks.scalecheck.hardware.mfu=0.0001",
    )
    assert process.returncode == 0, process.stderr
    assert "[time_limit]" in process.stderr


def test_repeated_data_is_said_with_its_effective_share(app):
    process = app.run("+hydra.callbacks.scalecheck.read.unique_tokens=300000")
    assert process.returncode == 0, process.stderr
    assert "[repeated_data]" in process.stderr
    assert "under muennighoff2023" in process.stderr
    outlook = report_of(app)["outlooks"]["muennighoff2023"]
    assert 300_000 < outlook["effective_tokens"] < 84 * 32 * 1024
    assert outlook["effective_loss"] > outlook["predicted_loss"]


@pytest.mark.extended
def test_option_that_is_far_from_the_optimum_is_not_offered(app):
    """At large's C the small model would be over-trained by more than a factor of three."""
    process = app.run("model=large", "scalecheck=strict")
    assert process.returncode == 3
    assert "model=small" not in process.stderr
    assert "[undertrained]" in process.stderr


def test_option_offered_is_compute_optimal_when_typed(app):
    app.write({"conf/model/medium.yaml": "{n_layer: 4, n_embd: 192, n_head: 4, block_size: 1024, vocab_size: 4096, bias: true}"})
    process = app.run("model=large", "scalecheck=strict")
    assert process.returncode == 3
    (offered,) = [line for line in process.stderr.splitlines() if "model=medium" in line]
    typed = [word for word in offered.split() if "=" in word]
    assert {word.partition("=")[0] for word in typed} == {"model", "trainer.max_steps"}
    assert "same compute" in offered
    assert app.run(*typed, "scalecheck=strict").returncode == 0
    checked = app.cli("check", "--config-dir", "conf", "--config-name", "train", "model=large")
    assert checked.stdout.count("model=medium") == 1


def test_sweep_composes_no_options_beside_its_jobs(app):
    process = app.run("-m", "model=large,small", "scalecheck=strict")
    assert process.returncode == 3
    assert "same compute, x" not in process.stderr

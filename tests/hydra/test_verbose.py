"""``verbose: true`` prints the arithmetic at launch, in real apps."""

from __future__ import annotations

VERBOSE = "hydra.callbacks.scalecheck.verbose=true"


def test_launch_prints_the_arithmetic_with_its_places(app):
    process = app.run(VERBOSE, "trainer.max_steps=42")
    assert process.returncode == 0, process.stderr
    assert app.trained == 1
    lines = process.stderr.splitlines()
    (line,) = [line for line in lines if line.startswith("D = ")]
    assert "42 steps (trainer.max_steps" in line
    assert "override trainer.max_steps=42" in line
    assert "32 sequences a device and pass (data.batch_size, conf/train.yaml:6" in line
    assert line.endswith("= 1,376,256 tokens")
    assert any(line.startswith("N = ") for line in lines)


def test_launch_without_it_prints_one_line(app):
    assert len(app.run().stderr.splitlines()) == 1


def test_sweep_prints_each_jobs(app):
    process = app.run("-m", VERBOSE, "trainer.max_steps=42,84")
    assert process.returncode == 0, process.stderr
    assert [line for line in process.stderr.splitlines() if line.startswith("job ") and line.endswith(":")] == ["job 0:", "job 1:"]
    assert len([line for line in process.stderr.splitlines() if line.startswith("D = ")]) == 2


def test_no_word_for_verbose_stops_the_launch(app):
    process = app.run("hydra.callbacks.scalecheck.verbose=maybe")
    assert process.returncode == 3
    assert "verbose is 'maybe'; it must be true or false" in process.stderr

"""A job of submitit with several tasks: each runs the task function; the job's report is written by one."""

from __future__ import annotations

import pytest

pytest.importorskip("hydra_plugins.hydra_submitit_launcher")


def test_every_task_runs_and_the_verdict_is_said_once(app):
    done = app.run("-m", "seed=1", "hydra/launcher=submitit_local", "hydra.launcher.tasks_per_node=2")
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    assert done.stderr.count("scalecheck: pass") == 1, done.stderr
    logs = [path.read_text() for path in app.root.glob("multirun/*/*/.submitit/*/*_log.err")]
    assert logs
    assert not any("scalecheck" in text for text in logs), logs
    assert len(list(app.root.rglob("scalecheck.json"))) == 1

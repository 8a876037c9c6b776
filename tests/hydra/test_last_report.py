"""``scalecheck.last_report()`` in the task function of a real launch, as a tracker is given it."""

from __future__ import annotations

import json

import pytest

TRAIN = """
import json, os
from pathlib import Path

import hydra
import scalecheck
from hydra.core.hydra_config import HydraConfig

class Config(dict):
    update = dict.update

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    config = Config()
    config.update(scalecheck.last_report().as_dict())
    out = Path(HydraConfig.get().runtime.output_dir)
    (out / f"tracked{os.environ.get('RANK', '')}.json").write_text(json.dumps(config))

if __name__ == "__main__":
    main()
"""


def tracked(app, pattern: str = "tracked*.json") -> list[dict]:
    """What each job told its tracker, in the order of the jobs."""
    found = [json.loads(path.read_text()) for path in sorted(app.root.rglob(pattern))]
    return [{name.removeprefix("scalecheck/"): value for name, value in told.items()} for told in found]


def test_run_tells_its_figures(app):
    app.write({"train.py": TRAIN})
    done = app.run()
    assert done.returncode == 0, done.stderr
    (told,) = tracked(app)
    (report,) = app.root.rglob("scalecheck.json")
    written = json.loads(report.read_text())["jobs"][0]
    assert told["total_params"] == written["total_params"] > 0
    assert told["training_tokens"] == 84 * 32 * 1024
    assert told["training_flops"] == written["training_flops"]
    assert told["multiple"] == written["outlooks"][written["judge"]]["multiple"]
    assert (told["verdict"], told["jobs"], told["findings_warning"]) == ("pass", 1, 0)


def test_warned_run_tells_what_was_found(app):
    app.write({"train.py": TRAIN})
    app.run("trainer.max_steps=5")
    (told,) = tracked(app)
    assert (told["verdict"], told["findings_warning"]) == ("warn", 1)
    assert "undertrained" in told["rules"].split(",")


def test_every_job_of_a_sweep_tells_its_own(app):
    app.write({"train.py": TRAIN})
    done = app.run("-m", "trainer.max_steps=84,90,100")
    assert done.returncode == 0, done.stderr
    assert [told["num_steps"] for told in tracked(app)] == [84, 90, 100]
    assert [told["jobs"] for told in tracked(app)] == [1, 1, 1]


@pytest.mark.extended
def test_jobs_in_worker_processes_tell_their_own(app):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    app.write({"train.py": TRAIN})
    done = app.run("-m", "trainer.max_steps=84,90", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert done.returncode == 0, done.stderr
    assert [told["num_steps"] for told in tracked(app)] == [84, 90]


def test_job_that_is_not_checked_tells_nothing_of_the_one_before(app):
    quiet = "# @package _global_\nhydra: {callbacks: {scalecheck: {mode: 'off'}}}\n"
    app.write({"train.py": TRAIN, "conf/experiment/loud.yaml": "{}", "conf/experiment/quiet.yaml": quiet})
    done = app.run("-m", "+experiment=loud,quiet")
    assert done.returncode == 0, done.stderr
    first, second = tracked(app)
    assert (first["jobs"], second["jobs"]) == (1, 0)
    assert second["verdict"] is None
    assert "total_params" not in second


def test_other_ranks_that_say_and_write_nothing_tell_the_same(app):
    app.write({"train.py": TRAIN})
    shared = {"WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    directory = f"hydra.run.dir={app.root}/out"
    assert app.run(directory, env=shared | {"RANK": "0"}).returncode == 0
    done = app.run(directory, env=shared | {"RANK": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, second = tracked(app)
    assert first == second
    assert first["total_params"] > 0


def test_app_without_our_line_goes_on(app):
    app.write({"train.py": TRAIN})
    done = app.run("~scalecheck")
    assert done.returncode == 0, done.stderr
    (told,) = tracked(app)
    assert (told["jobs"], told["verdict"]) == (0, None)

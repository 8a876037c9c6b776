"""``scalecheck.testing.assert_within_policy``: what fails, with which text, and what must not pass silently."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from scalecheck.errors import PolicyError
from scalecheck.testing import assert_within_policy

pytestmark = pytest.mark.filterwarnings("ignore:The version_base parameter is deprecated")  # from hydra-core 1.4 on
PLAIN = {
    "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 1024, "vocab_size": 512, "bias": True},
    "trainer": {"max_steps": 84, "devices": 1},
    "data": {"batch_size": 32, "seq_len": 1024},
}
SHORT = PLAIN | {"trainer": {"max_steps": 5, "devices": 1}}
NO_BATCH = {"model": PLAIN["model"], "trainer": PLAIN["trainer"]}
NO_MODEL = {"trainer": PLAIN["trainer"], "data": PLAIN["data"]}


@contextmanager
def hydra_at(app):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(app.root / "conf"), version_base="1.3"):
        yield


def test_config_within_its_policy_passes_and_the_report_comes_back():
    assert assert_within_policy(PLAIN, "strict").verdict == "pass"


def test_failure_says_what_against_what_where_and_what_to_type(app, monkeypatch):
    monkeypatch.chdir(app.root)
    with hydra_at(app), pytest.raises(AssertionError) as failure:
        assert_within_policy(compose("train", ["scalecheck=strict", "+experiment=short"], return_hydra_config=True))
    text = str(failure.value)
    assert text.startswith("scalecheck: stop: N 198.4K")
    assert "conf/experiment/short.yaml:2: error: " in text
    assert "hoffmann2022_a1" in text
    assert "[undertrained]" in text
    assert "try: trainer.max_steps=" in text
    assert "not judged" not in text


@pytest.mark.parametrize("mode", ["off", "warn", "stop", "plan"])
def test_severity_decides_and_the_mode_does_not(mode):
    rules = {"undertrained": {"severity": "error"}}
    with pytest.raises(AssertionError, match="undertrained"):
        assert_within_policy(SHORT, {"mode": mode, "rules": rules})


def test_fail_level_is_the_lowest_severity_that_fails():
    assert_within_policy(SHORT, "default")
    with pytest.raises(AssertionError, match="undertrained"):
        assert_within_policy(SHORT, "default", fail_level="warning")
    with pytest.raises(AssertionError, match="assumed"):
        assert_within_policy(PLAIN, "default", fail_level="note")
    with pytest.raises(ValueError, match="fail_level is 'eror'; it must be one of note, warning, error"):
        assert_within_policy(PLAIN, "default", fail_level="eror")


@pytest.mark.parametrize(("config", "name"), [(NO_BATCH, "D"), (NO_MODEL, "N")])
@pytest.mark.parametrize("severity", ["note", "off"])
def test_pretraining_that_was_not_judged_fails_and_says_why(config, name, severity):
    policy = {"rules": {"unknown_scale": {"severity": severity}}}
    with pytest.raises(AssertionError) as failure:
        assert_within_policy(config, policy)
    last = str(failure.value).splitlines()[-1]
    assert last.startswith(f"not judged: {name} unknown (")
    assert "allow_unknown=True" in last
    assert assert_within_policy(config, policy, allow_unknown=True).verdict == "silent"


def test_run_that_no_law_is_about_passes_within_its_budgets():
    assert_within_policy(NO_BATCH, {"intent": "finetune"})
    with pytest.raises(AssertionError, match="over_budget"):
        assert_within_policy(PLAIN, {"intent": "finetune", "rules": {"over_budget": {"max_training_flops": 1}}})


def test_config_without_a_policy_is_held_to_none(app):
    with hydra_at(app):
        config = compose("train", ["scalecheck=strict", "trainer.max_steps=5"])
    with pytest.raises(PolicyError, match="return_hydra_config=True"):
        assert_within_policy(config)
    with pytest.raises(PolicyError, match=r'policy="strict"'):
        assert_within_policy(SHORT)


def test_what_cannot_be_checked_raises():
    with pytest.raises(TypeError):
        assert_within_policy(None)
    with pytest.raises(PolicyError):
        assert_within_policy(PLAIN, "strct")


USERS_TEST = '''
"""What a repo writes: every experiment that it has, held to its own policy."""

from pathlib import Path

import pytest
from hydra import compose, initialize

from scalecheck.testing import assert_within_policy

EXPERIMENTS = sorted(path.stem for path in (Path(__file__).parent / "conf" / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment_is_within_policy(experiment):
    with initialize(version_base="1.3", config_path="conf"):
        config = compose("train", [f"+experiment={experiment}"], return_hydra_config=True)
        assert_within_policy(config, fail_level="warning")
'''


def test_users_hold_all_their_experiments_to_their_policy(app):
    app.write({"test_configs.py": USERS_TEST, "conf/experiment/long.yaml": "# @package _global_\ntrainer: {max_steps: 90}\n"})
    done = app.spawn(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_configs.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "conf/experiment/short.yaml:2: warning" in done.stdout
    assert "test_experiment_is_within_policy[short]" in done.stdout
    assert "def _fails" not in done.stdout
    assert "def assert_within_policy" not in done.stdout, "the helper's own lines are no help to a reader"

"""``scalecheck check``: the same verdict without running anything; and what every command does with bad input."""

from __future__ import annotations

import json
import sys

import hydra
import pytest

HERE = ("check", "--config-dir", "conf", "--config-name", "train")


def test_clean_config_exits_0_and_writes_nothing(app):
    before = sorted(app.root.rglob("*"))
    done = app.cli(*HERE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scalecheck: pass")
    assert sorted(app.root.rglob("*")) == before


def test_finding_at_the_fail_level_exits_1(app):
    assert app.cli(*HERE, "scalecheck=strict", "trainer.max_steps=5").returncode == 1


def test_warning_exits_0_unless_the_fail_level_is_lowered(app):
    assert app.cli(*HERE, "trainer.max_steps=5").returncode == 0
    assert app.cli(*HERE, "trainer.max_steps=5", "--fail-level", "warning").returncode == 1


def test_options_and_overrides_in_any_order(app):
    done = app.cli("check", "trainer.max_steps=5", "--config-name", "train", "scalecheck=strict", "--config-dir", "conf", "+x=1")
    assert done.returncode == 1, done.stderr


def test_policy_option_judges_a_repo_without_the_line(app):
    app.write({"conf/train.yaml": "defaults: [{model: large}, {trainer: default}, _self_]\ndata: {batch_size: 32, seq_len: 1024}\n"})
    assert app.cli(*HERE).returncode == 0
    assert app.cli(*HERE, "--policy", "strict").returncode == 1


def test_json_has_the_origin_of_every_value(app):
    job = json.loads(app.cli(*HERE, "--format", "json", "trainer.max_steps=90").stdout)["jobs"][0]
    assert job["origins"]["num_steps"]["override"] == "trainer.max_steps=90"
    assert job["origins"]["vocab_size"]["file"] == "conf/model/small.yaml"


def test_sweep_is_checked_job_by_job(app):
    done = app.cli(*HERE, "-m", "model=small,large", "seed=1,2", "--format", "json", "scalecheck=strict")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert [job["verdict"] for job in report["jobs"]] == ["pass", "pass", "stop", "stop"]
    assert report["totals"]["jobs"] == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "--config-dir", "nowhere"), "nowhere"),
        (("check", "--config-dir", "conf", "--config-name", "trian"), "trian"),
        ((*HERE, "model=lrge"), "lrge"),
        pytest.param((*HERE, "nothing.at.all=1"), "nothing", marks=pytest.mark.extended),
        pytest.param((*HERE, "a=b=[c"), "", marks=pytest.mark.extended),
        ((*HERE, "--format", "trminal"), "terminal"),
        ((*HERE, "--policy", "strikt"), "strict"),
        pytest.param((*HERE, "--policy", "missing.yaml"), "missing.yaml", marks=pytest.mark.extended),
        (("chekc",), "check"),
        ((*HERE, "--no-such-option"), "--no-such-option"),
        ((*HERE, "--untrusted", "--instantiate"), "leave one of them out"),
    ],
)
def test_work_that_cannot_be_done_exits_2_with_one_sentence(app, arguments, said):
    done = app.cli(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["model: [unclosed", "\t- : :", "- a\n- b\n", "a: &x *x"])
def test_config_that_does_not_parse_exits_2(app, text):
    app.write({"conf/broken.yaml": text})
    done = app.cli("check", "--config-name", "broken")
    assert done.returncode == 2, done.stdout
    assert "broken" in done.stderr
    assert "Traceback" not in done.stderr


def test_empty_config_has_no_verdict_and_does_not_crash(app):
    app.write({"conf/empty.yaml": ""})
    done = app.cli("check", "--config-name", "empty")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scalecheck: no verdict: N unknown")


def test_policy_typo_exits_2(app):
    done = app.cli(*HERE, "+hydra.callbacks.scalecheck.modus=stop")
    assert done.returncode == 2
    assert "mode" in done.stderr


@pytest.mark.parametrize(
    "policy", [(), *(pytest.param(("--policy", name), marks=pytest.mark.extended) for name in ("strict", "default"))], ids=" ".join
)
def test_lines_of_a_repo_without_the_line_can_be_typed(app, policy):
    app.write(
        {
            "conf/train.yaml": "defaults: [{model: small}, _self_]\nhow_long: 84\ndata: {batch_size: 32, seq_len: 1024}\ntrainer: {devices: 1}\n"
        }
    )
    line = "+hydra.callbacks.scalecheck.read.num_steps=how_long"
    done = app.cli(*HERE, line, *policy, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"][0]["num_steps"] == 84


FINETUNED = ("--policy", "strict", "hydra.callbacks.scalecheck.intent=finetune")


@pytest.mark.extended
def test_typed_lines_count_beside_a_named_policy(app):
    assert app.cli(*HERE, "trainer.max_steps=5", "--policy", "strict").returncode == 1
    assert app.cli(*HERE, "trainer.max_steps=5", *FINETUNED).returncode == 0


@pytest.mark.extended
def test_typed_lines_count_for_every_job_of_a_sweep(app):
    swept = app.cli(*HERE, "-m", "trainer.max_steps=5,6", *FINETUNED)
    assert swept.returncode == 0, swept.stderr


@pytest.mark.parametrize("more", [(), pytest.param(("+hydra.callbacks.scalecheck.law=besiroglu2024",), marks=pytest.mark.extended)])
def test_policy_in_a_file_without_our_target_is_still_refused(app, more):
    """At a launch Hydra would build nothing of it, so nothing would be checked."""
    app.write({"conf/train.yaml": "defaults: [{model: small}, _self_]\nhydra: {callbacks: {scalecheck: {mode: stop}}}\n"})
    done = app.cli(*HERE, *more)
    assert done.returncode == 2, done.stdout
    assert "not a policy with a _target_" in done.stderr


def test_other_callback_that_does_not_resolve_is_no_matter(app):
    app.write(
        {
            "conf/train.yaml": "defaults: [{model: small}, _self_, {scalecheck: default}]\nhydra: {callbacks: {a: '${load:x}', b: '???', c: 3}}\n"
        }
    )
    done = app.cli(*HERE)
    assert done.returncode == 0, done.stderr


def test_policy_that_is_a_list_exits_2(app):
    done = app.cli(*HERE, "hydra.callbacks.scalecheck=[1,2]")
    assert done.returncode == 2, done.stdout
    assert "hydra.callbacks.scalecheck" in done.stderr


@pytest.mark.skipif(not hydra.__version__.startswith("1.3"), reason="hydra-core 1.4 refuses version_base below 1.3")
def test_version_base_changes_how_an_old_repo_composes(app):
    app.write({
        "conf/old.yaml": "defaults: [{model: old}]\ndata: {batch_size: 32, seq_len: 1024}\ntrainer: {max_steps: 84, devices: 1}\n",
        "conf/model/old.yaml": "# @package _group_\nn_layer: 2\nn_embd: 64\nn_head: 2\nblock_size: 1024\nvocab_size: 512\n",
    })  # fmt: skip
    old = json.loads(app.cli("check", "--config-name", "old", "--version-base", "1.1", "--format", "json").stdout)
    assert old["jobs"][0]["origins"]["vocab_size"]["key"] == "model.vocab_size"


def test_version_and_help(app):
    assert app.cli("--version").stdout.startswith("scalecheck 0.")
    assert "scalecheck: default" in app.cli("--help").stdout
    assert app.cli("check", "--help").returncode == 0
    assert app.cli().returncode == 2


def test_text_that_the_terminal_cannot_show_is_escaped(app):
    environ = {"PYTHONIOENCODING": "ascii"}
    done = app.spawn(sys.executable, "-m", "scalecheck.cli", *HERE, "-m", "+note='\u65e5\u672c',x", env=environ)
    assert done.returncode == 0, done.stderr
    assert "\\u65e5" in done.stdout


def test_policy_file_stands_on_the_policies_that_its_defaults_list_names(app):
    app.write({"ours.yaml": "# @package _global_\ndefaults: [strict, _self_]\nhydra: {callbacks: {scalecheck: {verbose: false}}}\n"})
    assert app.cli(*HERE, "trainer.max_steps=5", "--policy", "ours.yaml").returncode == 1, "an error under strict, a warning by default"


def test_policy_file_that_stands_on_itself_is_refused(app):
    app.write({"ours.yaml": "defaults: [theirs]\n", "theirs.yaml": "defaults: [ours]\n"})
    done = app.cli(*HERE, "--policy", "ours.yaml")
    assert done.returncode == 2
    assert "leads back to itself" in done.stderr

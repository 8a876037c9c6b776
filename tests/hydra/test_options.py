"""The option files at a launch: found by Hydra, small, and any key of the policy can be overridden on them without a ``+``."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError
from omegaconf import OmegaConf

from hydra_plugins.hydra_scalecheck.search_path import OPTIONS, ScaleCheckOptions

CONF = Path(__file__).parents[2] / "conf"
KEY = "hydra.callbacks.scalecheck"
LINES = ("{scalecheck: default}", "{scalecheck: strict}", "{override hydra/callbacks: scalecheck}")


def source() -> ScaleCheckOptions:
    return ScaleCheckOptions(provider="scalecheck", path="scalecheck://scalecheck.conf")


def test_options_that_are_known_by_heart_are_the_files():
    files = {path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.glob("*/**/*.yaml")}
    assert {f"{group}/{name}" for group, names in OPTIONS.items() for name in names} == files


def test_source_tells_what_it_has():
    options = source()
    assert options.list("", None) == ["hydra", "scalecheck"]
    assert options.list("scalecheck", ObjectType.CONFIG) == ["default", "plan", "strict"]
    assert options.list("hydra", ObjectType.GROUP) == ["callbacks"]
    assert options.list("hydra", ObjectType.CONFIG) == options.list("scalecheck", ObjectType.GROUP) == options.list("model", None) == []
    assert [options.is_group(path) for path in ("", "hydra", "hydra/callbacks", "/scalecheck/", "model")] == [True, True, True, True, False]
    asked = ("scalecheck/strict", "scalecheck/strict.yaml", "scalecheck", "default")
    assert [options.is_config(path) for path in asked] == [True, True, False, False]
    with pytest.raises(ConfigLoadError, match="scalecheck/ours"):
        options.load_config("scalecheck/ours")


def test_checkout_that_is_not_installed_is_one_sentence():
    with pytest.raises(
        ConfigLoadError, match=r"^No module named 'scalecheck\.nothing', so there is no scalecheck/plan: .* pip install it\.$"
    ):
        ScaleCheckOptions(provider="scalecheck", path="scalecheck://scalecheck.nothing").load_config("scalecheck/plan")


def test_loaded_option_is_the_callers_own():
    first = source().load_config("scalecheck/default")
    first.config.hydra.callbacks.scalecheck.mode = "stop"
    assert source().load_config("scalecheck/default").config.hydra.callbacks.scalecheck.mode == "warn"


@pytest.mark.parametrize("line", LINES)
def test_any_key_is_overridden_without_a_plus(app, line):
    defaults = f"defaults: [{{model: small}}, {{trainer: default}}, _self_, {line}]\n"
    app.write({"conf/train.yaml": f"{defaults}data: {{batch_size: 32, seq_len: 1024}}\n"})
    typed = (f"{KEY}.rules.over_budget.sweep.max_gpu_hours=2", f"{KEY}.rules.over_budget.max_training_tokens=1000", f"{KEY}.mode=stop")
    done = app.run(*typed)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "[over_budget]" in done.stderr


@pytest.mark.parametrize("line", LINES)
def test_key_that_is_none_is_refused_by_name(app, line):
    app.write({"conf/train.yaml": f"defaults: [{{model: small}}, {{trainer: default}}, _self_, {line}]\n"})
    done = app.run(f"{KEY}.rules.undertraned.severity=off")
    assert done.returncode == 3
    assert "no 'undertraned'" in done.stderr
    assert "Did you mean 'undertrained'?" in done.stderr


def test_what_is_typed_reaches_every_job_of_a_sweep(app):
    done = app.run("-m", "trainer.max_steps=1,2", f"{KEY}.rules.over_budget.max_training_tokens=1000", f"{KEY}.mode=stop")
    assert done.returncode == 3
    assert done.stderr.count("[over_budget]") >= 2


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_policy_of_the_primary_config_is_merged_on_either_side_of_the_line(app, before):
    order = ["_self_", "{scalecheck: default}"] if before else ["{scalecheck: default}", "_self_"]
    app.write({"conf/train.yaml": f"defaults: [{', '.join(order)}]\nhydra: {{callbacks: {{scalecheck: {{law: kaplan2020}}}}}}\n"})
    with initialize_config_dir(str(app.root / "conf"), version_base="1.3"):
        config = compose("train", overrides=[f"{KEY}.verbose=true"], return_hydra_config=True)
    node = OmegaConf.to_container(config.hydra.callbacks.scalecheck)
    assert (node["law"], node["verbose"], node["mode"]) == ("kaplan2020", True, "warn")


def test_both_ways_to_switch_it_on_set_the_same():
    line, override = (source().load_config(name).config for name in ("scalecheck/default", "hydra/callbacks/scalecheck"))
    assert line == {"hydra": {"callbacks": {"scalecheck": override}}}


def test_other_keys_of_hydra_stay_a_struct(app):
    done = app.run("hydra.callbacks.scalechek.mode=stop")
    assert done.returncode == 1
    assert "scalechek" in done.stderr


def test_own_file_of_the_same_name_comes_first(app):
    node = "{mode: 'off', _target_: hydra_plugins.hydra_scalecheck.callback.ScaleCheckCallback, _recursive_: false}"
    app.write({"conf/scalecheck/default.yaml": f"# @package _global_\nhydra: {{callbacks: {{scalecheck: {node}}}}}\n"})
    done = app.run()
    assert done.returncode == 0
    assert "scalecheck" not in done.stderr


def test_an_app_without_the_line_imports_nothing_of_scalecheck(app):
    app.write({
        "conf/train.yaml": "seed: 1\n",
        "train.py": "import sys\nimport hydra\n\n\n@hydra.main(version_base='1.3', config_path='conf', config_name='train')\n"
        "def main(cfg):\n    print([name for name in sys.modules if name.split('.')[0] == 'scalecheck'])\n\n\nmain()\n",
    })  # fmt: skip
    done = app.run()
    assert done.stdout.strip() == "[]", done.stderr


def test_hydras_own_list_shows_them(app):
    shown = app.run("--info", "searchpath")
    assert "scalecheck://scalecheck.conf" in shown.stdout, shown.stderr

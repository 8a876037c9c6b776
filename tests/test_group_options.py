"""Options of a config group: each is composed and counted, none is dropped, and the nearest to the optimum keeps the run's C."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from scalecheck import optimal_text
from scalecheck.commands import optimal
from scalecheck.errors import ScalecheckError
from scalecheck.group_options import of_group

EXAMPLE = Path(__file__).parents[1] / "examples" / "pretrain" / "conf"


@pytest.fixture
def compare(app, monkeypatch):
    """``compare(group, *overrides)`` is the comparison in the temporary repo."""
    monkeypatch.chdir(app.root)

    def run(group, *overrides, arguments=()):
        options = optimal.parser().parse_args(["--config-dir", "conf", "--config-name", "train", "--group", group, *arguments])
        return of_group(options, group, overrides)

    return run


def by_name(found):
    return {option.name: option for option in found.options}


def test_options_are_compared_at_the_compute_of_the_config_as_it_stands(compare):
    found = compare("model")
    assert found.chosen == "small"
    for option in found.options:
        assert 6 * option.params * option.tokens == pytest.approx(found.law_flops)
        assert option.tokens_per_parameter == pytest.approx(option.tokens / option.params)
        assert option.multiple == pytest.approx(option.tokens_per_parameter / found.optimal_ratio)
    assert found.waste_law == "besiroglu2024"


def test_nearest_is_by_the_logarithm_of_params(compare):
    found = compare("model", "model=large", "trainer.max_steps=200")
    near = min(found.options, key=lambda option: abs(math.log(option.params / found.optimal_params)))
    assert found.best is near


def test_typed_overrides_reach_the_same_compute_by_whole_steps(compare):
    found = compare("model", "model=large", "trainer.max_steps=40")
    assert found.best.name == "small"
    choice, steps = found.overrides
    assert choice == "model=small"
    tokens = int(steps.removeprefix("trainer.max_steps=")) * 32 * 1024
    assert tokens <= found.best.tokens < tokens + 32 * 1024
    again = compare("model", choice, steps)
    assert again.law_flops == pytest.approx(found.law_flops, rel=0.01)
    assert again.overrides == ()


def test_option_that_does_not_compose_is_shown_with_the_reason(compare, app):
    app.write({"conf/model/broken.yaml": "defaults: [nowhere]\n"})
    found = by_name(compare("model"))
    assert found["broken"].reason.startswith("does not compose: ")
    assert found["broken"].params is None
    assert found["small"].params


def test_option_whose_params_are_unknown_is_shown_with_the_reason(compare, app):
    app.write({"conf/model/nothing.yaml": "{colour: blue}\n"})
    found = compare("model")
    assert by_name(found)["nothing"].reason.startswith("N unknown: ")
    assert any(line.startswith("nothing") and "N unknown" in line for line in optimal_text.group_lines(found))


def test_group_of_equal_sizes_decides_nothing(compare, app):
    app.write({"conf/trainer/ample.yaml": "{max_steps: 8400, devices: 1}"})
    found = compare("trainer")
    assert found.is_indifferent
    assert found.best.name == "default"
    assert any("the group does not decide" in line for line in optimal_text.group_lines(found))


def test_group_outside_of_the_defaults_list_is_added(compare, app):
    app.write({"conf/size/big.yaml": "# @package model\nn_layer: 24\n"})
    found = compare("size")
    assert found.chosen is None
    assert by_name(found)["big"].params > 1e5
    assert found.overrides[0] == "+size=big"


def test_group_that_was_added_on_the_line_is_added_for_each_option(compare):
    found = compare("experiment", "+experiment=short")
    assert [option.reason for option in found.options] == [""]
    assert found.chosen == "short"


def test_run_that_no_law_is_about_says_so(compare):
    with pytest.raises(ScalecheckError, match="no law applies to this run: .*intent=finetune"):
        compare("model", "hydra.callbacks.scalecheck.intent=finetune")


def test_run_of_unknown_length_says_so(compare):
    with pytest.raises(ScalecheckError, match="this run's C is unknown: "):
        compare("model", "~trainer.max_steps")


def test_files_without_hydra_have_no_groups(compare):
    with pytest.raises(ScalecheckError, match="--config"):
        compare("model", arguments=("--config", "conf/train.yaml"))


def test_nothing_of_others_configs_runs_with_untrusted(compare):
    assert compare("model", arguments=("--untrusted",)).best.name == "small"


def test_tokens_that_no_key_of_the_config_sets_are_said_in_words(compare):
    found = compare("model", "model=large", "+hydra.callbacks.scalecheck.read.training_tokens=2000000")
    assert found.overrides == ("model=small",)
    assert found.steps_note.endswith("tokens; no one key of the config sets that")


def test_example_repo_is_balanced_as_it_stands(monkeypatch):
    monkeypatch.chdir(EXAMPLE.parent)
    options = optimal.parser().parse_args(["--config-dir", "conf", "--config-name", "train", "--group", "model"])
    found = of_group(options, "model", [])
    assert [option.name for option in found.options] == ["large", "small", "tiny"]
    assert found.best.name == "small"
    assert found.overrides == ()

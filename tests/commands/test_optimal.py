"""``scalecheck optimal``: what the laws say to a budget, a size, data, a loss or GPU-hours, and to a config group's options."""

from __future__ import annotations

import json

import pytest

from scalecheck.cli import main
from scalecheck.planning import shipped_laws


@pytest.fixture
def told(capsys):
    """``told(*arguments)`` is what the command prints."""

    def run(*arguments):
        assert main(["optimal", *arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def refused(capsys):
    """``refused(*arguments)`` is the one sentence for which the command leaves with 2."""

    def run(*arguments):
        assert main(["optimal", *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("scalecheck: error: ")
        assert err.count("\n") == 1
        return err

    return run


def row(out, law):
    return next(line for line in out.splitlines() if line.startswith(law))


def test_gophers_budget_under_the_laws_of_chinchilla(told):
    out = told("--flops", "5.76e23")
    assert row(out, "hoffmann2022_a1").split()[1] == "67.8B"
    assert row(out, "hoffmann2022_a3").split()[1] == "40.4B"


def test_more_compute_is_told_by_the_law_that_was_asked(told):
    assert "what more compute buys under muennighoff2023" in told("--flops", "1e21", "--law", "muennighoff2023")
    assert "what more compute buys under besiroglu2024" in told("--flops", "1e21", "--law", "hoffmann2022_a1")


def test_every_shipped_law_has_a_row_and_history_is_marked(told):
    out = told("--flops", "1e21")
    for name in shipped_laws():
        assert row(out, name)
    assert "kaplan2020 (history)" in out


def test_range_is_said_in_words_that_stay_true(told):
    out = told("--flops", "1e21")
    assert "Seven published laws for single-epoch, from-scratch text pre-training put the compute-optimal tokens per parameter" in out
    assert "those of different laws are not comparable" in out
    assert "must" not in out
    assert "wrong" not in out


def test_json_has_the_range_each_law_and_more_compute(told):
    made = json.loads(told("--flops", "1e21", "--inference-tokens", "1T", "--format", "json"))
    assert made["training_flops"] == 1e21
    assert set(made["laws"]) == set(shipped_laws())
    first = made["laws"]["besiroglu2024"]
    assert first["optimal_params"] * first["optimal_tokens"] * 6 == pytest.approx(1e21)
    assert first["interval"][0] < first["tokens_per_parameter"] < first["interval"][1]
    assert first["extrapolated"] == 1.0
    assert first["params_convention"] == "total"
    low, high = made["consensus"]["tokens_per_parameter"]
    assert low == min(made["laws"][name]["tokens_per_parameter"] for name in made["consensus"]["laws"])
    assert low < high
    assert [item["multiple"] for item in made["more_compute"]] == [1, 2, 10, 100]
    assert made["inference"]["laws"]["besiroglu2024"]["share_saved"] > 0
    assert made["inference"]["laws"]["hoffmann2022_a1"]["reason"]


@pytest.mark.parametrize(("option", "value"), [("--params", "7e9"), ("--tokens", "2T"), ("--loss", "2.2")])
def test_budget_is_each_laws_own_where_another_quantity_is_given(told, option, value):
    made = json.loads(told(option, value, "--format", "json"))
    assert made["training_flops"] is None
    assert made["laws"]["besiroglu2024"]["training_flops"] > 1e20
    assert made["inference"] is None


def test_law_without_a_loss_says_so_for_a_loss_to_reach(told):
    out = told("--loss", "2.2")
    assert "no answer from hoffmann2022_a1, " in out
    assert json.loads(told("--loss", "2.2", "--format", "json"))["laws"]["hoffmann2022_a1"]["reason"] == "no loss"


def test_gpu_hours_are_hours_times_peak_times_mfu(told):
    out = told("--gpu-hours", "5000", "--accelerator", "h100-sxm", "--mfu", "0.4")
    assert "5,000 h100-sxm hours x 989.4 dense bf16 TFLOP/s x MFU 0.4" in out
    assert "assumed" not in out
    made = json.loads(told("--gpu-hours", "5000", "--accelerator", "h100-sxm", "--mfu", "0.4", "--format", "json"))
    assert made["training_flops"] == pytest.approx(5000 * 3600 * 989.4e12 * 0.4)


def test_mfu_that_is_not_given_is_marked_assumed(told):
    assert "(assumed, published runs " in told("--gpu-hours", "5000", "--accelerator", "h100-sxm")


def test_serving_is_compared_with_the_training_only_optimum(told):
    out = told("--flops", "1e22", "--inference-tokens", "1e12")
    assert "with 1.00T tokens served over its life" in out
    assert "no answer from hoffmann2022_a1, deepseek2024" in out


def test_laws_that_are_named_are_the_only_ones(told):
    made = json.loads(told("--flops", "1e21", "--law", "besiroglu2024", "--law", "hoffmann2022_a2", "--format", "json"))
    assert list(made["laws"]) == ["besiroglu2024", "hoffmann2022_a2"]
    assert made["consensus"]["tokens_per_parameter"] is None


@pytest.mark.parametrize("value", ["0", "-1", "-1e21", "nan", "inf", "-inf", "1e400", "1e101", "many", "", "1e-400"])
@pytest.mark.parametrize("option", ["--flops", "--params", "--tokens", "--loss"])
def test_number_that_is_none_above_zero_is_one_sentence(refused, option, value):
    assert f"{option} " in refused(option, value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "none is given"),
        (("--flops", "1e21", "--loss", "2"), "--flops and --loss are given"),
        (("--flops", "1e21", "--format", "xml"), "--format xml"),
        (("--flops", "1e21", "--law", "besiroglu"), "Did you mean 'besiroglu2024'?"),
        (("--flops", "1e21", "--mfu", "0.4"), "--mfu tells what a GPU-hour is"),
        (("--flops", "1e21", "model=large"), "model=large is about a repo's config"),
        (("--flops", "1e21", "--config-name", "train"), "--config-name is about a repo's config"),
        (("--flops", "1e21", "--inference-tokens", "0"), "--inference-tokens 0"),
        (("--flops", "3"), "less than one parameter or one token"),
        (("--loss", "1.2"), "below the irreducible loss E of besiroglu2024"),
        (("--gpu-hours", "5000"), "--gpu-hours needs --accelerator"),
        (("--gpu-hours", "5000", "--accelerator", "h100-smx"), "Did you mean 'h100-sxm'"),
        (("--gpu-hours", "5000", "--accelerator", "h100-sxm", "--mfu", "40"), "--mfu is 40"),
        (("--gpu-hours", "5000", "--accelerator", "h100-sxm", "--dtype", "fp12"), "--dtype"),
        (("--group", "model", "--flops", "1e21"), "--flops stands beside it"),
        (("--group", "model", "--law", "besiroglu2024"), "--law stands beside it"),
    ],
)
def test_contradiction_is_one_sentence(refused, arguments, sentence):
    assert sentence in refused(*arguments)


HERE = ("--config-dir", "conf", "--config-name", "train", "--group", "model")


def test_group_names_the_nearest_option_and_the_overrides_that_keep_the_compute(app):
    done = app.cli("optimal", *HERE, "model=large", "trainer.max_steps=40")
    assert done.returncode == 0, done.stderr
    assert row(done.stdout, "large").endswith("as it stands")
    assert row(done.stdout, "small").endswith("nearest")
    assert "type: model=small trainer.max_steps=" in done.stdout


def test_group_as_json_has_every_option(app):
    done = app.cli("optimal", *HERE, "--format", "json")
    made = json.loads(done.stdout)
    assert [item["name"] for item in made["options"]] == ["large", "small"]
    assert made["best"] == made["chosen"] == "small"
    assert made["overrides"] == []


def test_group_that_is_not_there_is_one_sentence(app):
    done = app.cli("optimal", "--config-dir", "conf", "--config-name", "train", "--group", "modle")
    assert done.returncode == 2
    assert done.stderr == "scalecheck: error: --group modle: no config group of that name has options. Did you mean 'model'?\n"

"""The formula, the module, and the user's own figure: what agrees is silent, what differs is told with both numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Account, ModuleCount, Origin, Reading, Run
from scalecheck.rules.count_mismatch import Rule, fires, silent

RULE = Rule()


def run(*, built=1000, formula=1000, declared=None, counted=None, **account) -> Run:
    module = ModuleCount(target="model", total_params=built, trainable_params=built, sequence_length=64, forward_flops_per_sequence=counted,
                         params_by_module=(("small", 1), ("large", built - 1)))  # fmt: skip
    origins = {"num_layers": Origin(key="model.n_layer"), "total_params": Origin(key="policy.read.total_params")}
    reading = Reading(module=module, declared_params=declared, origins=origins)
    return Run(reading=reading, account=Account(formula_params=formula, sequence_length=64, **account))


def found(run: Run) -> list:
    return list(RULE.check(run))


def test_both_numbers_the_difference_and_what_was_built_are_told():
    (finding,) = found(fires())
    assert "124,439,808" in finding.message
    assert "81,912,576" in finding.message
    assert "42,527,232 fewer (34 %)" in finding.message
    assert "model, as built" in finding.message
    assert "gpt2" in finding.message
    assert finding.origin.key == "model.n_layer"
    assert finding.severity is None


@pytest.mark.parametrize(("built", "said"), [(1001, "1 more (0.1 %)"), (999, "1 fewer (0.1 %)")])
def test_a_difference_of_one_is_a_difference(built, said):
    (finding,) = found(run(built=built))
    assert said in finding.message
    assert finding.message.endswith("the module's is used")


def test_largest_modules_are_named():
    (finding,) = found(run(built=2000))
    assert "large 1,999, small 1" in finding.remedies[0].effect


def test_without_module_or_formula_there_is_nothing_to_compare():
    assert found(replace(run(built=5), reading=Reading())) == []
    assert found(run(built=5, formula=None)) == []


def test_declared_figure_is_compared_and_is_the_one_used():
    (finding,) = found(run(built=1000, formula=1000, declared=900))
    assert finding.message.startswith("read.total_params gives 900 parameters and model, as built, has 1,000: 100 more")
    assert finding.message.endswith("read.total_params is used")
    assert finding.origin.key == "policy.read.total_params"
    assert found(run(declared=1000)) == []
    assert len(found(run(built=1100, declared=900))) == 2


def test_flops_that_differ_are_a_note():
    (finding,) = found(run(counted=10, forward_flops_per_sequence=20))
    assert finding.severity == "note"
    assert "20 FLOPs by the formula and 10 by torch's counter" in finding.message


@pytest.mark.parametrize(
    "account",
    [
        {"forward_flops_per_sequence": 10},
        {"forward_flops_per_sequence": None},
        {"forward_flops_per_sequence": 20, "attention": "causal"},
        {"forward_flops_per_sequence": 20, "flops_note": "implementations differ"},
    ],
)
def test_flops_that_are_equal_or_of_another_convention_are_no_finding(account):
    assert found(run(counted=10, **account)) == []


def test_flops_of_another_length_or_of_another_model_are_not_compared():
    other = run(counted=10, forward_flops_per_sequence=20)
    assert found(replace(other, account=replace(other.account, sequence_length=128))) == []
    (finding,) = found(run(built=2000, counted=10, forward_flops_per_sequence=20))
    assert "FLOPs" not in finding.message


def test_example_that_is_silent_compares_both_figures():
    module = silent().reading.module
    assert module is not None
    assert module.forward_flops_per_sequence == silent().account.forward_flops_per_sequence

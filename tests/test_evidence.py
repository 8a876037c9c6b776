"""The leaves of a config by their names, as the purpose of a run is looked for in them."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from scalecheck.evidence import Evidence, is_off, must_be_given
from scalecheck.survey import survey
from scalecheck.views import ConfigView


def evidence(config):
    return Evidence(survey(ConfigView(OmegaConf.create(config))), None, {})


def test_leaves_that_are_on_come_in_the_order_of_their_names_then_of_the_config():
    found = evidence({"b": {"mode": "ft"}, "a": {"task": "x", "mode": "rl"}, "mode": "off"}).find(("task", "mode"))
    assert [(leaf.key, value) for leaf, value in found] == [("b.mode", "ft"), ("a.mode", "rl"), ("a.task", "x")]


def test_leaf_that_is_not_where_it_tells_something_is_not_read():
    here = evidence({"a": {"mode": "x"}, "b": {"mode": "y"}})
    assert [leaf.key for leaf, _ in here.find(("mode",), lambda leaf: leaf.is_at(("b",)))] == ["b.mode"]
    assert here.survey.view.read_keys == {"b.mode"}


def test_what_is_beside_the_training_is_no_evidence_and_a_checkpoint_is():
    found = evidence({"eval": {"mode": "x"}, "checkpoint": {"mode": "y"}, "sub": {"mode": False}})
    assert [leaf.key for leaf, _ in found.find(frozenset(("mode",)))] == ["checkpoint.mode"]
    assert [leaf.key for leaf in found.find_false(("mode",))] == ["sub.mode"]


def test_configs_of_the_same_keys_share_names_and_no_values():
    one, other = evidence({"a": {"mode": "x"}}), evidence({"a": {"mode": "y"}})
    assert one.leaves is other.leaves
    assert [value for found in (one, other) for _, value in found.find(("mode",))] == ["x", "y"]


def test_step_is_told_in_lower_case_without_empty_ones():
    assert evidence({"Model": {"Sub": {"N": 1}}}).nodes == {"": (), "Model": ("model",), "Model.Sub": ("model", "sub")}


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", " None ", "OFF", [], {}])
def test_value_that_says_no(value):
    assert is_off(value)


@pytest.mark.parametrize("value", [True, 1, "yes", [0], {"a": None}])
def test_value_that_says_something(value):
    assert not is_off(value)


def test_value_that_has_to_be_given():
    config = ConfigView(OmegaConf.create({"a": "???", "b": "${nothing}", "c": 1}))
    assert [must_be_given(config.get(key)) for key in ("a", "b", "c")] == [True, False, False]

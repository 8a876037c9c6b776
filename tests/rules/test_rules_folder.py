"""What holds for every rule: frozen, documented, an example that fires and one that does not."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import get_args

import pytest

from scalecheck import registry
from scalecheck.facts import Severity

SECTIONS = ["What it does", "Why", "Example", "Fix", "Options", "References"]
NAMES = registry.names("rules")


def module(name: str):
    return registry.load("rules", name)


def example_rule(name: str):
    """Return the rule that the examples are made for: the default one, unless nothing fires by default."""
    return getattr(module(name), "EXAMPLE_RULE", None) or module(name).Rule()


@pytest.mark.parametrize("name", NAMES)
def test_firing_example_fires_under_the_name_of_the_file(name):
    found = list(example_rule(name).check(module(name).fires()))
    assert found
    assert {finding.rule for finding in found} == {name}
    assert all(finding.message and "\n" not in finding.message for finding in found)


@pytest.mark.parametrize("name", NAMES)
def test_silent_example_is_silent(name):
    assert list(example_rule(name).check(module(name).silent())) == []


@pytest.mark.parametrize("name", NAMES)
def test_rule_is_a_frozen_dataclass_with_a_severity(name):
    rule = module(name).Rule
    assert is_dataclass(rule)
    assert rule.__dataclass_params__.frozen
    assert rule.DEFAULT_SEVERITY in get_args(Severity)


@pytest.mark.parametrize("name", NAMES)
def test_docstring_is_a_manual_page_that_names_every_option(name):
    rule = module(name).Rule
    assert re.findall(r"^ *## (.*)$", rule.__doc__, flags=re.MULTILINE) == SECTIONS
    options = rule.__doc__.split("## Options")[1].split("## References")[0]
    assert all(f"``{option.name}" in options for option in fields(rule))


@pytest.mark.parametrize("name", NAMES)
def test_finding_never_commands(name):
    """A ratio is reported, not judged: no law says what a run must be."""
    for finding in example_rule(name).check(module(name).fires()):
        assert not re.search(r"\b(wrong|must|should)\b", finding.message)

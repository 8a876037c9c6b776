"""``scalecheck schema`` prints what is committed, and says where its line goes in a policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scalecheck.cli import main

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.mark.parametrize(("arguments", "name"), [([], "policy.schema.json"), (["--file"], "policy-file.schema.json")])
def test_it_prints_the_committed_schema(arguments, name, capsys):
    assert main(["schema", *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.out == (SCHEMAS / name).read_text()
    assert printed.err == ""
    assert json.loads(printed.out)["$schema"].startswith("http://json-schema.org/draft-07/")


def test_help_puts_the_modeline_below_the_package(capsys):
    assert main(["schema", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    package = lines.index("# @package _global_")
    assert lines[package + 1].startswith("# yaml-language-server: $schema=")


def test_policy_as_in_the_help_has_its_effect_and_the_other_way_round_has_none(app, capsys):
    """What the help says of Hydra is so."""
    assert main(["schema", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    first = lines.index("# @package _global_")
    package, modeline, defaults = lines[first : first + 3]
    rest = [defaults, "hydra: {callbacks: {scalecheck: {rules: {over_budget: {max_training_tokens: 1}}}}}"]
    app.write({"conf/scalecheck/ours.yaml": "\n".join([package, modeline, *rest])})
    assert "[over_budget]" in app.run("scalecheck=ours").stderr
    app.write({"conf/scalecheck/ours.yaml": "\n".join([modeline, package, *rest])})
    assert "[over_budget]" not in app.run("scalecheck=ours").stderr


def test_argument_that_it_does_not_take_is_refused(capsys):
    assert main(["schema", "undertrained"]) == 2
    assert "undertrained" in capsys.readouterr().err

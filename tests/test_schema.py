"""The JSON Schema of a policy: fresh, and of one mind with the policy's own door, except that interpolations may stand anywhere."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from omegaconf import OmegaConf

from scalecheck.errors import PolicyError, ScalecheckError
from scalecheck.policy import Policy, load_policy
from scalecheck.rule_settings import COMMON_OPTIONS
from scalecheck.schema import file_schema, policy_schema
from scalecheck.units import parse_count
from scalecheck.waivers import OPTIONS, Waiver

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "conf" / "hydra" / "callbacks" / "scalecheck.yaml"


@cache
def validator() -> Draft7Validator:
    return Draft7Validator(policy_schema())


def accepts(raw: Any) -> bool:
    return validator().is_valid(raw)


def shipped_node() -> dict[str, Any]:
    return OmegaConf.to_container(OmegaConf.load(SHIPPED))


def check_jsonschema(schema: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(ROOT / "docs" / "schema" / schema), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# --- the files


def test_schemas_on_disk_are_fresh():
    spec = importlib.util.spec_from_file_location("generate_schema", ROOT / "docs" / "generate_schema.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for path, text in generator.files().items():
        assert path.read_text(encoding="utf-8") == text, "make docs rewrites it"
    assert {path.name for path in generator.files()} == {path.name for path in (ROOT / "docs" / "schema").iterdir()}


@pytest.mark.parametrize("schema", [policy_schema(), file_schema()], ids=["policy", "file"])
def test_schemas_are_schemas(schema):
    Draft7Validator.check_schema(schema)
    json.dumps(schema, allow_nan=False)


def test_shipped_policies_are_valid():
    done = check_jsonschema("policy-file.schema.json", *sorted((ROOT / "conf" / "scalecheck").glob("*.yaml")))
    assert done.returncode == 0, done.stdout
    done = check_jsonschema("policy.schema.json", SHIPPED)
    assert done.returncode == 0, done.stdout


POLICY = """\
# @package _global_
# yaml-language-server: $schema=policy-file.schema.json
defaults: [strict, _self_]
trainer: {max_steps: 5}
hydra:
  job: {name: x}
  callbacks:
    other: {_target_: a.B}
    scalecheck:
      mode: off
      law: conf/scalecheck/law/mine.yaml
      rules:
        undertrained: {severity: error, error_below_multiple: 0.1, message: Ask Mia}
        over_budget: {max_training_flops: 1e21, max_training_tokens: 300B, max_gpu_hours: "${budget.hours}", sweep: {max_cost_usd: 5_000}}
      hardware: {accelerator: h100-sxm, price_date: 2026-01-31, price_usd_per_gpu_hour: 2}
      read: {tokens_per_step: data.batch_size * data.seq_len, num_steps: '???'}
      waivers:
        - {rule: undertrained, jobs: "experiment=debug*", reason: smoke-scale ablation, until: 2026-12-31, owner: mia}
        - ${waivers.of_mia}
"""
INVALID = {
    "a rule": ("undertrained:", "undertraind:"),
    "an option": ("error_below_multiple", "error_below_multipel"),
    "a key": ("mode: off", "modus: off"),
    "a mode": ("mode: off", "mode: stopp"),
    "a severity": ("severity: error", "severity: eror"),
    "a budget": ("max_training_flops: 1e21", "max_training_flops: lots"),
    "a budget of a sweep": ("max_cost_usd: 5_000", "max_cost: 5_000"),
    "a negative budget": ("max_training_flops: 1e21", "max_training_flops: -1"),
    "a law": ("law: conf/scalecheck/law/mine.yaml", "law: besiroglu2042"),
    "a quantity": ("num_steps", "num_step"),
    "a device": ("accelerator:", "acelerator:"),
    "a waiver's rule": ("rule: undertrained", "rule: undertraind"),
    "a waiver's date": ("until: 2026-12-31", "until: soon"),
    "a waiver's reason": ("reason: smoke-scale ablation, ", ""),
    "a waiver's blank reason": ("reason: smoke-scale ablation", "reason: ' '"),
    "a waiver's key": ("owner: mia", "owned: mia"),
}


def test_valid_policy_file(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(POLICY)
    done = check_jsonschema("policy-file.schema.json", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.extended
def test_every_typo_is_invalid(tmp_path):
    paths = {}
    for name, (right, wrong) in INVALID.items():
        assert POLICY.count(right) == 1, name
        paths[name] = tmp_path / f"{name}.yaml"
        paths[name].write_text(POLICY.replace(right, wrong))
    done = check_jsonschema("policy-file.schema.json", *paths.values())
    assert done.returncode == 1
    assert [name for name, path in paths.items() if str(path) not in done.stdout] == []


def test_config_without_a_policy_is_no_matter_of_ours():
    of_a_file = Draft7Validator(file_schema())
    for config in (None, {}, {"hydra": None}, {"hydra": {"callbacks": {}}}, {"hydra": {"callbacks": {"scalecheck": None}}}, {"model": 3}):
        assert of_a_file.is_valid(config), config
    assert not of_a_file.is_valid({"hydra": {"callbacks": {"scalecheck": "strict"}}})


# --- of one mind with policy.py


def test_schema_knows_every_key_of_the_policy_and_of_a_waiver():
    known = policy_schema()["properties"]
    assert set(known) - {"_target_", "_recursive_", "_convert_"} == {field.name for field in fields(Policy)} - {"own_laws"}
    assert all(part.get("description") for name, part in known.items() if not name.startswith("_"))
    waiver = known["waivers"]["anyOf"][0]["items"]["anyOf"][0]
    assert set(waiver["properties"]) == set(OPTIONS) == {field.name for field in fields(Waiver)}


def test_every_option_of_a_rule_is_described():
    for name, rule in policy_schema()["properties"]["rules"]["anyOf"][0]["properties"].items():
        properties = rule["anyOf"][0]["properties"]
        assert set(COMMON_OPTIONS) <= set(properties)
        for option, told in properties.items():
            group = told["anyOf"][0].get("properties", {})
            assert all(part.get("description") for part in group.values()) if group else told.get("description"), (name, option)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(0.01, 9), st.sampled_from(["300B", "1e21", "off", "warn", "stop", "error", "all",
    "llama", "besiroglu2024", "a.b", "drop", "majority", "", "2026-12-31", "x", "causal", "undertrained"]),
    st.just([]), st.just({}), st.just({"severity": "note"}), st.just({"devices": 8}), st.just(["besiroglu2024"]),
    st.just([{"rule": "undertrained", "reason": "x"}]),
)  # fmt: skip


def places(node: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path] if path else []
    for name, value in node.items() if isinstance(node, dict) else ():
        found += places(value, (*path, name))
    return found


PLACES = places(shipped_node())


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(shipped_node())
    node = raw
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return raw


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(PLACES), ANYTHING)
def test_what_the_policy_accepts_the_schema_accepts(path, value):
    raw = changed(path, value)
    try:
        load_policy(raw)
    except PolicyError:
        return
    assert accepts(raw), (path, value)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([path for path in PLACES if path[0] not in ("_target_", "_recursive_", "hardware")]), ANYTHING)
def test_what_the_schema_accepts_the_policy_accepts(path, value):
    """But for what a schema cannot tell: a hardware whose options need each other, limits in the wrong order, odd names of a node."""
    raw = changed(path, value)
    if not accepts(raw) or path == ("instantiate",):
        return
    try:
        load_policy(raw)
    except PolicyError as refused:
        assert (
            "it must be at" in str(refused)
            or "whole number" in str(refused)
            or "must be above 0" in str(refused)
            or "must be below 1" in str(refused)
        ), (path, value)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([path for path in PLACES if not path[-1].startswith("_")]), st.sampled_from(["${a.b}", "${oc.env:X,1}", "???"]))
def test_interpolation_may_stand_anywhere(path, text):
    assert accepts(changed(path, text)), path


@pytest.mark.extended
@settings(deadline=None, max_examples=60)
@given(st.one_of(st.text(max_size=8), st.from_regex(r"[0-9_.eE+-]{1,6}[KMBTGPEk ]?", fullmatch=True)))
def test_pattern_of_counts_is_that_of_the_reader(text):
    pattern = policy_schema()["definitions"]["count"]["pattern"]
    try:
        parse_count(text)
    except ScalecheckError:
        is_read = False
    else:
        is_read = True
    if re.fullmatch(pattern.removesuffix("$"), text) is None:
        assert not is_read


@pytest.mark.parametrize("text", ["300B", "1e21", "1_000", "1.5T", " 3 "])
def test_counts_of_people_match(text):
    assert accepts({"rules": {"over_budget": {"max_training_tokens": text}}})


@pytest.mark.parametrize("text", ["x${a}", "${a", "????", "$", "lots"])
def test_other_text_is_no_number(text):
    assert not accepts({"rules": {"over_budget": {"max_training_tokens": text}}})

"""The door: every broken policy is one sentence with the dotted key; every good one is frozen values."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from scalecheck import registry, rule_settings
from scalecheck.errors import PolicyError
from scalecheck.policy import KEY, READ_NAMES, Policy, load_policy
from scalecheck.rule_settings import SHIPPED_FINGERPRINTS, fingerprint

CONF = Path(__file__).parents[1] / "conf"


def shipped(name: str) -> dict:
    """Return the policy node that ``scalecheck: NAME`` composes to."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(overrides=[f"+scalecheck={name}"], return_hydra_config=True)
    return OmegaConf.to_container(config.hydra.callbacks.scalecheck)


def every_key() -> dict:
    """Return the policy that lists every key with its default."""
    return OmegaConf.to_container(OmegaConf.load(CONF / "policy.yaml"))


def refusal(raw) -> str:
    with pytest.raises(PolicyError) as refused:
        load_policy(raw)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def undertrained(**options) -> dict:
    return {"rules": {"undertrained": options}}


def over_budget(**options) -> dict:
    return {"rules": {"over_budget": options}}


# --- what is drawn


def test_report_is_html_or_none():
    assert load_policy(None).report is None
    assert load_policy({"report": None}).report is None
    assert load_policy({"report": "html"}).report == "html"


@pytest.mark.parametrize("value", ["pdf", True, False, 3, ["html"], "HTML", ""])
def test_other_reports_are_refused(value):
    assert refusal({"report": value}).startswith(f"{KEY}.report is ")
    assert refusal({"report": value}).endswith("; it must be html or null.")


# --- what we ship


SHIPPED = {file.stem for file in (CONF / "scalecheck").glob("*.yaml")}


def test_fingerprints_are_those_of_what_is_shipped():
    rules = {name: shipped(name).get("rules", {}) for name in SHIPPED} | {"policy": every_key()["rules"]}
    assert {name: fingerprint(found) for name, found in rules.items() if found} == SHIPPED_FINGERPRINTS


@pytest.mark.parametrize("given", [shipped("default"), shipped("strict"), every_key()], ids=["default", "strict", "policy"])
def test_shipped_policy_also_passes_pydantic_with_the_same_result(given, monkeypatch):
    direct = load_policy(given)
    monkeypatch.setattr(rule_settings, "SHIPPED_FINGERPRINTS", {})
    assert load_policy(given) == direct


def test_no_policy_is_the_default_preset():
    assert load_policy(None) == load_policy({}) == load_policy(shipped("default"))


def test_the_list_of_keys_has_the_defaults():
    assert load_policy(every_key()) == load_policy(None)


def test_strict_preset_stops_where_default_warns():
    default, strict = load_policy(shipped("default")), load_policy(shipped("strict"))
    assert (default.mode, strict.mode) == ("warn", "stop")
    assert (default.rules["undertrained"].severity, strict.rules["undertrained"].severity) == ("warning", "error")
    assert strict.rules["over_budget"].rule.when_unknown == "error"


def test_list_of_keys_has_every_key_rule_and_option():
    node = every_key()
    assert set(node) == {option.name for option in fields(Policy)} - {"own_laws"}
    for name in registry.names("rules"):
        options = {option.name for option in fields(registry.load("rules", name).Rule)}
        assert set(node["rules"][name]) == options | {"severity"}


def test_shipped_policy_with_another_mode_and_read_needs_no_pydantic():
    program = (
        "import sys\nfrom scalecheck.policy import load_policy\n"
        f"for raw in ({shipped('default')!r}, {shipped('strict')!r}, {every_key()!r}, None):\n"
        "    load_policy(raw)\n    load_policy({**(raw or {}), 'mode': 'stop', 'read': {'num_steps': 'a.b'}})\n"
        "    load_policy({'rules': {'undertrained': {'severity': 'error'}}})\n"
        "print(sorted({'pydantic', 'hydra', 'omegaconf', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CONF.parent)
    assert done.stdout.strip() == "[]"


# --- what is accepted


def test_hydra_keys_are_ignored():
    assert load_policy({"_target_": "x.Y", "_recursive_": False, "_convert_": "all"}) == load_policy(None)


def test_null_sections_are_empty():
    assert load_policy({"read": None, "assume": None, "rules": None}) == load_policy(None)
    assert load_policy({"rules": {"undertrained": None, "over_budget": {"sweep": None}}}) == load_policy(None)


@pytest.mark.parametrize("text", ["300B", "3e11", 3e11, 300_000_000_000, "300_000_000_000"])
def test_counts_may_be_written_as_people_write_them(text):
    rule = load_policy(over_budget(max_training_tokens=text)).rules["over_budget"].rule
    assert rule.max_training_tokens == 300_000_000_000


def test_sweep_budget_is_nested():
    rule = load_policy(over_budget(sweep={"max_training_flops": "1e21"})).rules["over_budget"].rule
    assert rule.sweep.max_training_flops == 1e21
    assert rule.sweep.max_training_tokens is None


def test_null_switches_a_limit_off():
    assert load_policy(undertrained(min_multiple=None)).rules["undertrained"].rule.min_multiple is None


def test_bare_off_of_yaml_is_off():
    policy = load_policy({"mode": False, "rules": {"undertrained": {"severity": False}}})
    assert policy.mode == "off"
    assert policy.rules["undertrained"].severity == "off"


def test_severity_alone_keeps_the_options():
    setting = load_policy(undertrained(severity="error")).rules["undertrained"]
    assert setting.severity == "error"
    assert setting.rule == registry.load("rules", "undertrained").Rule()


def test_judging_law_is_always_among_the_laws():
    policy = load_policy({"law": "besiroglu2024", "laws": ["hoffmann2022_a1"]})
    assert policy.laws == ("besiroglu2024", "hoffmann2022_a1")
    assert load_policy({"laws": []}).laws == ("hoffmann2022_a1",)


def test_read_takes_keys_expressions_numbers_and_counts():
    read = {"num_steps": "trainer.max_steps", "tokens_per_step": "data.batch_size * data.seq_len", "num_devices": 8,
            "training_tokens": "300B", "family": "llama", "model": "network", "tie_word_embeddings": True, "epochs": None}  # fmt: skip
    assert load_policy({"read": read}).read == {name: value for name, value in read.items() if name != "epochs"} | {
        "training_tokens": 300_000_000_000
    }


@pytest.mark.parametrize("name", READ_NAMES)
def test_every_quantity_may_be_mapped(name):
    entry = "llama" if name == "family" else "some.key"
    assert load_policy({"read": {name: entry}}).read == {name: entry}


def test_family_is_one_that_can_be_counted():
    with pytest.raises(PolicyError, match=r"read.family: no 'lama' in scalecheck/architectures/. Did you mean 'llama'"):
        load_policy({"read": {"family": "lama"}})


@pytest.mark.parametrize("value", ["yes", 1, None, "true"])
def test_verbose_is_true_or_false(value):
    assert load_policy({"verbose": True}).verbose
    with pytest.raises(PolicyError, match="verbose is .* it must be true or false"):
        load_policy({"verbose": value})


def test_assumed_devices_are_a_whole_number():
    assert load_policy({"assume": {"devices": "8"}}).assume == {"devices": 8}
    assert load_policy({"assume": {"devices": None}}).assume == {}


def test_policy_is_frozen():
    with pytest.raises(FrozenInstanceError):
        load_policy(None).mode = "off"


# --- what is refused


@pytest.mark.parametrize("raw", [[1, 2], "strict", 3, True])
def test_policy_that_is_no_mapping_is_refused(raw):
    assert refusal(raw).startswith(f"{KEY} is ")


@pytest.mark.parametrize(
    ("raw", "key", "nearest"),
    [
        ({"modus": "stop"}, "modus", "mode"),
        ({"rules": {"undertraind": {"severity": "error"}}}, "rules.undertraind", "undertrained"),
        (undertrained(min_multipel=0.5), "rules.undertrained.min_multipel", "min_multiple"),
        (undertrained(sevrity="error"), "rules.undertrained.sevrity", "severity"),
        (over_budget(sweep={"max_training_flop": 1}), "rules.over_budget.sweep.max_training_flop", "max_training_flops"),
        ({"read": {"num_step": "a"}}, "read.num_step", "num_steps"),
        ({"assume": {"device": 1}}, "assume.device", "devices"),
        ({"law": "besiroglu2042"}, "law", "besiroglu2024"),
        ({"laws": ["besiroglu2042"]}, "laws[0]", "besiroglu2024"),
        ({"mode": "stopp"}, "mode", "stop"),
        ({"intent": "pretraining"}, "intent", "pretrain"),
        (undertrained(severity="eror"), "rules.undertrained.severity", "error"),
    ],
)
def test_unknown_name_is_refused_with_its_key_and_the_nearest(raw, key, nearest):
    sentence = refusal(raw)
    assert sentence.startswith((f"{KEY}.{key}:", f"{KEY}.{key} is "))
    assert f"Did you mean '{nearest}'?" in sentence


def test_sweep_has_no_severity_of_its_own():
    assert "severity" in refusal(over_budget(sweep={"severity": "error"}))


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -1, 0, True, [1], {"a": 1}, "lots", "", "nan", 10**400, pytest.param(10**5000, id="5000_digits"), "-5"],
)
@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda value: over_budget(max_training_flops=value), "rules.over_budget.max_training_flops"),
        (lambda value: over_budget(sweep={"max_training_tokens": value}), "rules.over_budget.sweep.max_training_tokens"),
        (lambda value: undertrained(min_multiple=value), "rules.undertrained.min_multiple"),
        (lambda value: {"assume": {"devices": value}}, "assume.devices"),
    ],
    ids=["budget", "sweep", "multiple", "devices"],
)
def test_number_that_is_none_is_refused_with_its_key(make, key, value):
    sentence = refusal(make(value))
    assert sentence.startswith(f"{KEY}.{key} is ")
    assert len(sentence) < 250


@pytest.mark.parametrize("value", [True, -1, 0, float("nan"), [1], "", " ", "trainer.max_steps +", "import os"])
def test_mapping_that_is_no_key_is_refused(value):
    assert refusal({"read": {"num_steps": value}}).startswith(f"{KEY}.read.num_steps")


def test_fraction_of_a_device_is_refused():
    assert "whole" in refusal({"assume": {"devices": 1.5}})


@pytest.mark.parametrize("value", ["pass", 3, None, False])
def test_choice_of_an_option_is_checked_without_pydantics_words(value):
    sentence = refusal(over_budget(when_unknown=value))
    assert sentence.startswith(f"{KEY}.rules.over_budget.when_unknown is ")
    assert "'note', 'warning' or 'error'" in sentence
    assert "pydantic" not in sentence


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"mode": True}, "mode"),
        ({"mode": None}, "mode"),
        ({"mode": ["stop"]}, "mode"),
        ({"on_internal_error": False}, "on_internal_error"),
        ({"law": None}, "law"),
        ({"law": ["besiroglu2024"]}, "law"),
        ({"laws": "besiroglu2024"}, "laws"),
        ({"laws": [3]}, "laws[0]"),
        ({"rules": ["undertrained"]}, "rules"),
        ({"rules": {"undertrained": "error"}}, "rules.undertrained"),
        (over_budget(sweep=1e21), "rules.over_budget.sweep"),
        ({"read": "trainer.max_steps"}, "read"),
        ({"assume": 8}, "assume"),
    ],
)
def test_value_of_the_wrong_kind_is_refused_with_its_key(raw, key):
    assert refusal(raw).startswith(f"{KEY}.{key} is ")


def test_keys_that_are_no_strings_are_named():
    assert f"{KEY}.1:" in refusal({1: 2})


def test_policy_that_json_cannot_hold_has_no_fingerprint():
    assert fingerprint({"a": float("nan")}) == fingerprint({"a": object()}) == ""


# --- counting from code


@pytest.mark.parametrize("name", ["model", "task.net", "pkg.module.build"])
def test_what_is_built_is_a_node_or_a_function(name):
    policy = load_policy({"count": "instantiate", "instantiate": name, "attention": "causal"})
    assert (policy.count, policy.instantiate, policy.attention) == ("instantiate", name, "causal")


@pytest.mark.parametrize("name", ["", "a b", "model.", ".model", "os.system('ls')", 3, None, ["model"], "model[0]", "${model}"])
def test_what_is_neither_is_refused(name):
    assert refusal({"instantiate": name}).startswith(f"{KEY}.instantiate is ")


@pytest.mark.parametrize(("option", "value"), [("count", "module"), ("count", True), ("attention", "sliding"), ("attention", None)])
def test_unknown_ways_to_count_are_refused(option, value):
    assert refusal({option: value}).startswith(f"{KEY}.{option} is ")


def test_strict_stops_where_code_and_formula_disagree():
    assert load_policy(shipped("default")).rules["count_mismatch"].severity == "warning"
    assert load_policy(shipped("strict")).rules["count_mismatch"].severity == "error"


# --- second limits, and the team's own text

ORDERED = [
    ("undertrained", {"error_below_multiple": 0.4}, "at most min_multiple, which is 0.333333"),
    ("undertrained", {"min_multiple": 0.1, "error_below_multiple": 0.2}, "at most min_multiple, which is 0.1"),
    ("overtrained", {"error_above_multiple": 2}, "at least max_multiple, which is 3"),
    ("repeated_data", {"error_above_epochs": 3.9}, "at least max_epochs, which is 4"),
    ("data_shortage", {"max_factor": 10, "error_above_factor": 9}, "at least max_factor, which is 10"),
]


@pytest.mark.parametrize(("name", "options", "words"), ORDERED)
def test_limit_of_errors_on_the_wrong_side_of_the_limit_is_refused(name, options, words):
    sentence = refusal({"rules": {name: options}})
    assert sentence.startswith(f"{KEY}.rules.{name}.error_")
    assert words in sentence


def test_limit_of_errors_on_the_right_side_is_accepted():
    policy = load_policy({"rules": {"undertrained": {"error_below_multiple": 0.1}, "repeated_data": {"error_above_epochs": "16"}}})
    assert policy.rules["undertrained"].rule.error_below_multiple == 0.1
    assert policy.rules["repeated_data"].rule.error_above_epochs == 16
    assert load_policy(undertrained(min_multiple=None, error_below_multiple=2)).rules["undertrained"].rule.error_below_multiple == 2
    equal = undertrained(min_multiple=0.2, error_below_multiple=0.2)
    assert load_policy(equal).rules["undertrained"].rule.min_multiple == 0.2


def test_every_rule_with_a_second_limit_has_it_checked():
    names = {
        name for name in registry.names("rules") for option in fields(registry.load("rules", name).Rule) if option.name.startswith("error_")
    }
    assert (
        names
        == {name for name, *_ in ORDERED}
        == {name for name in registry.names("rules") if hasattr(registry.load("rules", name).Rule, "ORDER")}
    )


@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, "80%", True])
def test_fraction_of_a_budget_lies_between_nothing_and_all_of_it(value):
    assert refusal(over_budget(warn_at_fraction=value)).startswith(f"{KEY}.rules.over_budget.warn_at_fraction is ")
    assert load_policy(over_budget(warn_at_fraction=0.8)).rules["over_budget"].rule.warn_at_fraction == 0.8


def test_every_rule_takes_the_teams_own_text():
    for name in registry.names("rules"):
        setting = load_policy({"rules": {name: {"message": " Ask Mia\n first. "}}}).rules[name]
        assert setting.message == "Ask Mia first."
        assert setting.rule == registry.load("rules", name).Rule()
    assert load_policy(undertrained(message=None)) == load_policy(undertrained(message=" ")) == load_policy(None)


@pytest.mark.parametrize("value", [3, True, ["Ask"], {"a": 1}])
def test_own_text_is_a_text(value):
    assert refusal(undertrained(message=value)).startswith(f"{KEY}.rules.undertrained.message is ")


def test_sweep_has_no_text_of_its_own():
    assert "message" in refusal(over_budget(sweep={"message": "Ask"}))


def test_shipped_policy_with_a_text_and_a_waiver_needs_no_pydantic():
    raw = shipped("strict")
    raw["rules"]["undertrained"]["message"] = "Ask Mia"
    raw["waivers"] = [{"rule": "undertrained", "reason": "on purpose"}]
    program = f"import sys\nfrom scalecheck.policy import load_policy\nload_policy({raw!r})\nprint('pydantic' in sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CONF.parent)
    assert done.stdout.strip() == "False"

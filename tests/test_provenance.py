"""Which file and line, or which override, set a key last."""

from __future__ import annotations

import pytest

from scalecheck.facts import Origin
from scalecheck.provenance import Layer, locate, locate_all


def layer(name, text, package=""):
    return Layer(path=f"/repo/{name}", display=name, package=package, text=text)


BASE = layer("conf/train.yaml", "defaults:\n  - model: small\ntrainer:\n  max_steps: 10\n  devices: 1\nname: ${run}\n")
MODEL = layer("conf/model/small.yaml", "# sizes\nn_layer: 2\nnested: {a: 1, list: [4, 5]}\n", "model")
EXPERIMENT = layer("conf/experiment/x.yaml", "# @package _global_\ntrainer:\n  max_steps: 20\n")


@pytest.mark.parametrize(
    ("key", "file", "line"),
    [
        ("trainer.devices", "conf/train.yaml", 5),
        ("trainer.max_steps", "conf/experiment/x.yaml", 3),
        ("model.n_layer", "conf/model/small.yaml", 2),
        ("model.nested.a", "conf/model/small.yaml", 3),
        ("model.nested.list.1", "conf/model/small.yaml", 3),
        ("model.nested.list[1]", "conf/model/small.yaml", 3),
    ],
)
def test_last_owner_wins(key, file, line):
    assert locate(key, [BASE, MODEL, EXPERIMENT], []) == Origin(key=key, file=file, line=line)


def test_order_of_the_layers_decides():
    assert locate("trainer.max_steps", [EXPERIMENT, BASE], []).file == "conf/train.yaml"


@pytest.mark.parametrize("typed", ["trainer.max_steps=5", "++trainer.max_steps=5", "trainer={max_steps: 5}"])
def test_typed_value_wins_over_files(typed):
    key = typed.lstrip("+").split("=")[0]
    assert locate("trainer.max_steps", [BASE], [(typed, key, False)]) == Origin(key="trainer.max_steps", override=typed)


def test_choice_of_a_group_is_no_value():
    assert locate("model.n_layer", [MODEL], [("model=small", "model", True)]).file == "conf/model/small.yaml"


def test_interpolated_parent_is_the_holder():
    parent = layer("a.yaml", "model: ${other}\n")
    assert locate("model.n_layer", [parent], []).line == 1


@pytest.mark.parametrize("key", ["nothing", "trainer.nothing", "defaults", "trainer.max_steps.deeper"])
def test_key_found_nowhere_keeps_its_name(key):
    assert locate(key, [BASE, MODEL], []) == Origin(key=key)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "\t- :",
        "",
        "- a\n- b",
        "a: &x {b: *x}",
        "just text",
        "{" * 3000,
        "[" * 100_000,
        "- " * 100_000,
        "trainer: &x\n  <<: *x\n",
        "\ud800: 1",
        "a: 1\0",
        "a: 1\na: 2",
    ],
)
def test_odd_files_do_no_harm(text):
    assert locate("trainer.devices", [BASE, layer("odd.yaml", text)], []).file == "conf/train.yaml"


def test_merge_keys_are_followed_and_duplicates_take_the_last():
    text = "base: &base\n  steps: 1\ntrainer:\n  <<: *base\n  devices: 1\n  devices: 2\n"
    assert locate("trainer.steps", [layer("m.yaml", text)], []).line == 2
    assert locate("trainer.devices", [layer("m.yaml", text)], []).line == 6


def test_large_file():
    text = "".join(f"key{number}: {number}\n" for number in range(60_000))
    assert locate("key59999", [layer("large.yaml", text)], []).line == 60_000


def test_places_are_filled_in_and_assumptions_kept():
    origins = {"a": Origin(key="trainer.devices", assumed=True, because="x"), "b": Origin(because="y")}
    found = locate_all(origins, lambda key: locate(key, [BASE], []))
    assert (found["a"].line, found["a"].assumed, found["a"].because) == (5, True, "x")
    assert found["b"] == origins["b"]


@pytest.mark.parametrize(
    ("typed", "sets"),
    [("trainer={max_steps: 5}", True), ("trainer={devices: 2}", False), ("trainer={max_steps_x: 2}", False), ("trainer=${x}", True)],
)
def test_typed_mapping_sets_only_what_it_names(typed, sets):
    found = locate("trainer.max_steps", [BASE], [(typed, "trainer", False)])
    assert (found.override, found.line) == ((typed, None) if sets else (None, 4))


def test_last_typed_value_wins():
    typed = [("trainer.max_steps=5", "trainer.max_steps", False), ("trainer.max_steps=6", "trainer.max_steps", False)]
    assert locate("trainer.max_steps", [BASE], typed).override == "trainer.max_steps=6"


def test_key_of_a_similar_name_is_another_key():
    assert locate("trainer.max_steps", [BASE], [("trainer.max=1", "trainer.max", False)]).line == 4


def test_package_itself_is_its_file():
    assert locate("model", [BASE, MODEL], []) == Origin(key="model", file="conf/model/small.yaml", line=2)


def test_layer_without_text_is_passed_over():
    assert locate("trainer.devices", [BASE, layer("structured", "", "trainer")], []).file == "conf/train.yaml"


def test_list_of_merged_mappings_is_followed_in_order():
    text = "b: &b {d: 1}\nc: &c {d: 2}\nt:\n  <<: [*c, *b]\n"
    assert locate("t.d", [layer("m.yaml", text)], []).line == 2


def test_merges_that_multiply_end():
    text = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40))
    assert locate("a39.x", [layer("m.yaml", text)], []).line == 1
    assert locate("a39.y", [layer("m.yaml", text)], []).file is None

"""Which file and line, or which override, set a key last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.facts import Origin
from scalecheck.provenance import MAX_CHAIN, Layer, Typed, locate, locate_all, typed_value


def layer(name, text, package=""):
    return Layer(path=f"/repo/{name}", display=name, package=package, text=text)


def typed(*texts, groups=()):
    """Overrides as a dotlist is read; those of ``groups`` choose an option."""
    made = []
    for text in texts:
        key, _, value = text.lstrip("+~").partition("=")
        made.append(Typed(text=text, key=key, value=typed_value(value), chooses_group=key in groups))
    return made


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


@pytest.mark.parametrize(
    "text", ["trainer.max_steps=5", "++trainer.max_steps=5", "trainer={max_steps: 5}", "~trainer.max_steps", "~trainer"]
)
def test_what_was_typed_wins_over_files(text):
    assert locate("trainer.max_steps", [BASE], typed(text)) == Origin(key="trainer.max_steps", override=text)


def test_choice_of_a_group_is_no_value():
    assert locate("model.n_layer", [MODEL], typed("model=small", groups=("model",))).file == "conf/model/small.yaml"


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
    assert locate("trainer.devices", [layer("odd.yaml", text)], []).file in (None, "odd.yaml")
    assert locate("trainer.devices", [layer("odd.yaml", text), BASE], []).file == "conf/train.yaml"


@pytest.mark.parametrize("text", ["a: [", "{" * 3000])
def test_value_that_a_file_may_have_set_which_cannot_be_read_has_no_place(text):
    assert locate("trainer.devices", [BASE, layer("odd.yaml", text)], []) == Origin(key="trainer.devices")
    assert locate("trainer.devices", [BASE, layer("odd.yaml", text, "model")], []).file == "conf/train.yaml"


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
    ("text", "sets"),
    [
        ("trainer={max_steps: 5}", True),
        ("trainer={devices: 2}", False),
        ("trainer={max_steps_x: 2}", False),
        ("trainer={devices: 2, note: max_steps}", False),
        ("trainer={other: {max_steps: 5}}", False),
        ("trainer={}", False),
        ("trainer=${x}", True),
        ("trainer={max_steps: ${x}}", True),
        ("trainer=5", True),
        ("trainer=[1, 2]", True),
        ("~trainer.devices", False),
        ("trainer.max_steps.deeper=1", False),
    ],
)
def test_typed_mapping_sets_only_what_it_names(text, sets):
    found = locate("trainer.max_steps", [BASE], typed(text))
    assert (found.override, found.line) == ((text, None) if sets else (None, 4))


def test_last_typed_value_wins():
    assert locate("trainer.max_steps", [BASE], typed("trainer.max_steps=5", "trainer.max_steps=6")).override == "trainer.max_steps=6"
    assert locate("trainer.max_steps", [BASE], typed("~trainer", "+trainer.max_steps=6")).override == "+trainer.max_steps=6"


def test_deletion_of_a_node_is_that_of_all_below_it():
    """Hydra's ``~key=value`` deletes where the value is the one that is named."""
    text = "~trainer={max_steps: 10}"
    assert locate("trainer.devices", [BASE], typed(text)).override == text


def test_items_of_a_typed_list():
    for key in ("model.list.1", "model.list[1]"):
        assert locate(key, [MODEL], typed("model.list=[7, 8]")).override == "model.list=[7, 8]"
    assert locate("model.list[0]", [MODEL], typed("model.list.0=9")).override == "model.list.0=9"
    assert locate("model.nested.list[0]", [MODEL], typed("model.nested.list.1=9")).line == 3


def test_value_that_was_replaced_by_another_kind_is_not_blamed_on_the_earlier_file():
    """A null, a number or a list in a later file leaves nothing of the mapping before."""
    for text in ("trainer: null", "trainer:", "trainer: 5", "trainer: [1]"):
        assert locate("trainer.max_steps", [BASE, layer("later.yaml", text)], []) == Origin(key="trainer.max_steps")
    shorter = layer("later.yaml", "nested: {list: [6]}", "model")
    assert locate("model.nested.list[1]", [MODEL, shorter], []).file is None
    assert locate("model.nested.list[0]", [MODEL, shorter], []).file == "later.yaml"


def test_question_marks_leave_an_earlier_value():
    later = layer("later.yaml", "trainer:\n  max_steps: ???\n")
    assert locate("trainer.max_steps", [BASE, later], []).file == "conf/train.yaml"
    assert locate("trainer.max_steps", [later], []).file == "later.yaml"
    assert locate("trainer.max_steps", [BASE, layer("later.yaml", "trainer: ???\n")], []).file == "conf/train.yaml"


def test_layer_of_the_config_store_has_no_lines():
    store = Layer(path="", display="structured://model/gpt", package="model", text="n_layer: 4\n", has_lines=False)
    assert locate("model.n_layer", [MODEL, store], []) == Origin(key="model.n_layer", file="structured://model/gpt")


def test_key_of_a_similar_name_is_another_key():
    assert locate("trainer.max_steps", [BASE], typed("trainer.max=1")).line == 4


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


DATA = layer("conf/datamodule/owt.yaml", "max_length: 1024\nname: owt\nsizes: {owt: 50257, own: '${data.own}'}\n", "datamodule")
POINTING = layer(
    "conf/model/gpt2.yaml",
    """\
hidden_size: 768
n_positions: ${datamodule.max_length}
n_inner: ${multiply:4, ${.hidden_size}}
nested:
  width: ${..hidden_size}
  list: ["${...n_inner}", "${.0}"]
padded: ${div_up:${model.vocab},${model.to}}
vocab: ${datamodule.sizes.${datamodule.name}}
to: 8
""",
    "model",
)
HERE, THERE = "conf/model/gpt2.yaml", "conf/datamodule/owt.yaml"


def chain(key, *more, layers=(DATA, POINTING)):
    return locate(key, list(layers), typed(*more)).chain


def test_interpolation_is_its_own_line_and_goes_on_to_what_it_points_to():
    found = locate("model.n_positions", [DATA, POINTING], [])
    assert found == Origin(key="model.n_positions", file=HERE, line=2, chain=(f"datamodule.max_length {THERE}:1",))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("model.hidden_size", ()),
        ("model.n_inner", (f"model.hidden_size {HERE}:1",)),
        ("model.nested.width", (f"model.hidden_size {HERE}:1",)),
        ("model.nested.list[0]", (f"model.n_inner {HERE}:3", f"model.hidden_size {HERE}:1")),
        ("model.nested.list[1]", (f"model.nested.list.0 {HERE}:6", f"model.n_inner {HERE}:3", f"model.hidden_size {HERE}:1")),
        ("model.vocab", (f"datamodule.name {THERE}:2", f"datamodule.sizes.owt {THERE}:3")),
        ("model.padded", (f"model.vocab {HERE}:8", f"datamodule.name {THERE}:2", f"datamodule.sizes.owt {THERE}:3", f"model.to {HERE}:9")),
    ],
)
def test_relative_nested_and_computed_interpolations_are_followed(key, expected):
    assert chain(key) == expected


def test_chain_leads_to_what_was_typed():
    assert chain("model.n_positions", "datamodule.max_length=2048") == ("datamodule.max_length override datamodule.max_length=2048",)
    assert chain("model.vocab", "datamodule.name=own")[1:] == (f"datamodule.sizes.own {THERE}:3", "data.own")
    found = locate("model.n_positions", [DATA, POINTING], typed("model.n_positions=${model.to}"))
    assert (found.override, found.chain) == ("model.n_positions=${model.to}", (f"model.to {HERE}:9",))


def test_interpolation_inside_of_a_typed_mapping():
    assert chain("model.nested.width", "model={nested: {width: '${.list}'}}") == (f"model.nested.list {HERE}:6",)


def test_child_of_an_interpolated_node_is_the_child_of_what_it_stands_for():
    base = layer("a.yaml", "model: ${models.${size}}\nsize: large\nmodels:\n  large:\n    n_layer: ${deep}\ndeep: 12\n")
    found = locate("model.n_layer", [base], [])
    assert (found.line, found.chain) == (1, ("size a.yaml:2", "models.large.n_layer a.yaml:5", "deep a.yaml:6"))


def test_mapping_merged_over_an_interpolated_node_sets_only_what_it_names():
    base, later = layer("a.yaml", "other: {n_layer: 2, n_head: 4}\nmodel: ${other}\n"), layer("b.yaml", "model: {n_layer: 5}\n")
    assert locate("model.n_layer", [base, later], []) == Origin(key="model.n_layer", file="b.yaml", line=1)
    assert locate("model.n_head", [base, later], []).chain == ("other.n_head a.yaml:1",)


def test_cycles_end_and_long_chains_are_cut():
    assert chain("a", layers=[layer("a.yaml", "a: ${b}\nb: ${c}\nc: ${a}\n")]) == ("b a.yaml:2", "c a.yaml:3")
    assert chain("a", layers=[layer("a.yaml", "a: ${a}\n")]) == ()
    assert chain("a", layers=[layer("a.yaml", "a: ${x.${a}}\n")]) == ()
    long = layer("a.yaml", "".join(f"k{number}: ${{k{number + 1}}}\n" for number in range(100)))
    assert chain("k0", layers=[long]) == tuple(f"k{number} a.yaml:{number + 1}" for number in range(1, MAX_CHAIN + 1))
    many = layer("a.yaml", "a: ${f:" + ",".join(f"${{b{number}}}" for number in range(100)) + "}\n")
    assert len(chain("a", layers=[many])) == MAX_CHAIN


def test_parent_that_a_resolver_makes_points_to_what_the_resolver_is_given():
    base = layer("a.yaml", "model: ${merge:${b},${c}}\nb: {n: 1}\nc: {n: 2}\n")
    assert locate("model.n", [base], []).chain == ("b a.yaml:2", "c a.yaml:3")


def test_composed_text_is_not_parsed_for_a_key_that_it_does_not_hold():
    unread = replace(layer("b.yaml", "never: [parsed"), is_yaml=True)
    assert locate("trainer.devices", [BASE, unread], []).file == "conf/train.yaml"
    assert locate("never.devices", [BASE, unread], []) == Origin(key="never.devices")


@pytest.mark.parametrize("text", ['"train\\x65r": {devices: 2}\n', "? trainer\n: {devices: 2}\n", "'trainer': {devices: 2}\n"])
def test_key_that_is_written_in_another_way_is_found_in_a_composed_text(text):
    assert locate("trainer.devices", [BASE, replace(layer("b.yaml", text), is_yaml=True)], []).file == "b.yaml"

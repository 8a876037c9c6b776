"""What holds for every family: the reader, the ledger and the documentation can rely on it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest

from scalecheck import registry
from scalecheck.account import ledger, totals
from scalecheck.config_file import MappingView, read_config
from scalecheck.extract import extract
from scalecheck.facts import ModelShape, Part, Workload

FAMILIES = {name: registry.load("architectures", name) for name in registry.names("architectures")}
NATIVE = [name for name, module in FAMILIES.items() if not module.MODEL_TYPES]  # built by a training code of their own
OF_TRANSFORMERS = [name for name in FAMILIES if name not in NATIVE]
ENTRIES = json.loads((Path(__file__).parents[1] / "oracle" / "params.json").read_text())["entries"]
CONFIGS = {entry["hf"]["model_type"]: entry["hf"]["config"] | {"model_type": entry["hf"]["model_type"]} for entry in ENTRIES}
HEADS = ("causal_lm", "masked_lm", "diffusion_lm", "seq2seq_lm", "speech_seq2seq", "image_classification")


def config_of(name):
    """A real model's config: the last of the family that was measured, or the example in a native family's file."""
    return FAMILIES[name].EXAMPLE if name in NATIVE else CONFIGS[FAMILIES[name].MODEL_TYPES[0]]


def read_as(name, config):
    """Read a config.json as it is, and the config of a training code by the dialect that recognises it."""
    return extract(MappingView(config), {}, {}, {}, "p") if name in NATIVE else read_config(config)


def shape_of(name):
    reading = read_as(name, config_of(name))
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return reading.shape


def _with(config, names, value):
    """A config with these keys changed, wherever they stand."""
    last = {name.rpartition(".")[2] for name in names}
    return {key: value if key in last else _with(item, names, value) if isinstance(item, dict) else item for key, item in config.items()}


def test_no_model_type_belongs_to_two_families():
    owners = Counter(model_type for module in FAMILIES.values() for model_type in module.MODEL_TYPES)
    assert [model_type for model_type, count in owners.items() if count > 1] == []


@pytest.mark.parametrize("name", OF_TRANSFORMERS)
def test_file_is_named_after_its_model_type(name):
    """A type is looked up by its file, so that a launch with another one imports no family."""
    assert {model_type.replace("-", "_") for model_type in FAMILIES[name].MODEL_TYPES} == {name}


@pytest.mark.parametrize("name", FAMILIES)
def test_heads_are_known_ones(name):
    assert FAMILIES[name].HEADS
    assert set(FAMILIES[name].HEADS) <= set(HEADS)


def test_native_families_bring_an_example_and_the_others_do_not():
    assert len(NATIVE) >= 9
    assert all(hasattr(module, "EXAMPLE") == (name in NATIVE) for name, module in FAMILIES.items())


@pytest.mark.parametrize("name", FAMILIES)
def test_shape_knows_its_family_and_every_default_has_a_key(name):
    module = FAMILIES[name]
    by_name = {item.name: item for item in fields(module.Shape)}
    assert issubclass(module.Shape, ModelShape)
    assert shape_of(name).family == name
    assert by_name["family"].default == name
    assert by_name["head"].default == module.HEADS[0]
    assert set(module.CLASS_DEFAULTS) <= set(module.KEYS)
    assert None not in module.CLASS_DEFAULTS.values()


@pytest.mark.parametrize("name", FAMILIES)
def test_ledger_has_unique_names_and_whole_positive_counts(name):
    parts = ledger(shape_of(name), Workload(sequence_length=64))
    assert all(isinstance(part, Part) for part in parts)
    assert [
        part.name
        for part, count in zip(parts, [sum(other.name == part.name for other in parts) for part in parts], strict=True)
        if count > 1
    ] == []
    for part in parts:
        assert type(part.params) is int
        assert type(part.forward_flops) is int
        assert part.params >= 0
        assert part.forward_flops >= 0
        assert part.copies >= 1


@pytest.mark.parametrize("name", FAMILIES)
def test_longer_sequences_cost_more_and_conventions_only_save(name):
    shape = shape_of(name)
    flops = [totals(ledger(shape, Workload(sequence_length=tokens))).training_flops_per_sequence for tokens in (64, 128)]
    assert flops[0] <= flops[1]
    assert (flops[0] == flops[1]) == (shape.head == "image_classification")
    by_convention = [
        totals(ledger(shape, Workload(sequence_length=9000, attention=attention))).training_flops_per_sequence
        for attention in ("full", "causal", "windowed")
    ]
    assert by_convention == sorted(by_convention, reverse=True)


@pytest.mark.parametrize("name", FAMILIES)
def test_params_do_not_depend_on_the_sequence(name):
    shape = shape_of(name)
    assert len({totals(ledger(shape, Workload(sequence_length=tokens))).total_params for tokens in (1, 7, 512)}) == 1


@pytest.mark.parametrize("name", [name for name in FAMILIES if "vocab_size" in FAMILIES[name].KEYS])
def test_unknown_vocabulary_leaves_the_rest_known(name):
    shape = replace(shape_of(name), vocab_size=None)
    account = totals(ledger(shape, Workload(sequence_length=64)))
    assert account.total_params is None
    assert account.training_flops_per_sequence is None
    known = totals(ledger(shape_of(name), Workload(sequence_length=64))).non_embedding_params
    assert account.non_embedding_params in (None, known)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("value", [0, -3, "many", 1.5, True, [1], float("nan")], ids=str)
def test_impossible_sizes_are_one_sentence_each(name, value):
    names = FAMILIES[name].KEYS["hidden_size"].names
    changed = _with(config_of(name), names, value) if name in NATIVE else config_of(name) | {names[0]: value}
    reading = read_as(name, changed)
    assert reading.shape is None
    # An encoder-decoder may name the width of either half by the same word.
    assert {wrong.field.removeprefix("decoder_") for wrong in reading.impossible} == {"hidden_size"}
    assert len(reading.impossible[0].reason) < 200


@pytest.mark.parametrize("name", FAMILIES)
def test_docstring_names_its_source(name):
    text = FAMILIES[name].__doc__ or ""
    assert ("transformers'" in text) or name in NATIVE
    assert any(char.isdigit() for char in text.split("\n")[0]) or ("/" in text and name in NATIVE), "paper and year, or the repository"

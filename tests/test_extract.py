"""Stage 1 as a whole: the mapping wins, leaves are read one by one, nothing is guessed silently."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.account import count

CONFIG = {
    "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 128, "vocab_size": 500},
    "trainer": {"max_steps": 100, "devices": 2, "accumulate_grad_batches": 1},
    "data": {"batch_size": 8, "seq_len": 128, "docs": 5},
}


def test_mapping_wins_over_every_dialect(read):
    reading = read(CONFIG, num_steps="trainer.max_steps * 2", sequence_length=64, total_params=1000)
    assert reading.plan.num_steps == 200
    assert reading.plan.sequence_length == 64
    assert count(reading).total_params == 1000


def test_mapped_expression_tells_its_arithmetic_and_a_bare_key_its_place(read):
    reading = read(CONFIG, tokens_per_step="data.batch_size * data.seq_len * trainer.devices", num_steps="trainer.max_steps")
    assert reading.plan.tokens_per_step == 8 * 128 * 2
    assert "= 2048" in reading.origins["tokens_per_step"].because
    assert (reading.origins["num_steps"].key, reading.origins["num_steps"].because) == ("trainer.max_steps", "")


def test_mapping_to_a_missing_key_is_unknown_and_names_the_line(read):
    reading = read(CONFIG, num_steps="trainer.steps")
    assert (reading.plan.num_steps, reading.plan.training_tokens, reading.plan.tokens_status) == (None, None, "unknown")
    assert any("read.num_steps=trainer.steps" in unknown.reason for unknown in reading.unknowns)


def test_mapping_to_no_number_is_impossible(read):
    reading = read({**CONFIG, "words": "many"}, num_steps="words * 2")
    assert "words" in reading.impossible[0].reason


def test_mapped_tokens_need_no_schedule(read):
    plan = read({"model": CONFIG["model"]}, training_tokens=300_000_000_000).plan
    assert (plan.training_tokens, plan.tokens_status) == (300_000_000_000, "exact")


def test_unreadable_leaf_makes_only_its_own_field_unknown(read):
    reading = read({**CONFIG, "data": {"batch_size": 8, "seq_len": "???"}})
    assert reading.shape is not None
    assert reading.plan.num_steps == 100
    assert [unknown.field for unknown in reading.unknowns] == ["sequence_length"]
    assert "data.seq_len cannot be read (it is ???)" in reading.unknowns[0].reason


def test_unrelated_keys_are_never_read(view_of):
    from scalecheck.extract import extract

    view = view_of({**CONFIG, "paths": {"secret": "${oc.env:TOKEN}"}, "wandb": {"name": "x"}})
    extract(view, {}, {}, {}, "p")
    assert not {key for key in view.read_keys if key.startswith(("paths", "wandb"))}


def test_large_tree_is_walked(read):
    noise = {f"group{number}": {f"key{inner}": inner for inner in range(50)} for number in range(100)}
    assert read({**noise, **CONFIG}).plan.training_tokens == 100 * 2 * 8 * 128


def test_every_assumption_has_a_reason(read):
    reading = read({"model": {**CONFIG["model"]}, "max_steps": 10, "batch_size": 8}, assume={"devices": 2})
    assumed = [origin for origin in reading.origins.values() if origin.assumed]
    assert assumed
    assert all(origin.because for origin in assumed)
    assert replace(reading) == reading


def test_empty_config_is_unknown(read):
    reading = read({})
    assert reading.shape is None
    assert reading.plan.training_tokens is None


@pytest.mark.parametrize(
    "entry", ["nokey", "1 / 0", "words", 10**5000, True, [1]], ids=["missing", "zero", "text", "huge", "switch", "list"]
)
def test_broken_mapping_is_not_replaced_by_what_a_dialect_finds(read, entry):
    config = {**CONFIG, "words": "many"}
    assert read(config).plan.training_tokens == 100 * 2 * 8 * 128
    reading = read(config, num_steps=entry)
    assert (reading.plan.num_steps, reading.plan.training_tokens) == (None, None)
    assert any("read.num_steps" in item.reason for item in (*reading.unknowns, *reading.impossible))


def test_broken_mapping_of_a_size_leaves_the_model_unknown(read):
    assert read(CONFIG, hidden_size="nokey").shape is None
    assert read(CONFIG, total_params="nokey").shape is None
    assert read(CONFIG, num_steps="nokey").shape is not None


def test_broken_mapping_of_a_factor_does_not_touch_mapped_tokens(read):
    plan = read(CONFIG, num_devices="nokey", training_tokens=10**9).plan
    assert (plan.training_tokens, plan.tokens_status) == (10**9, "exact")


def test_table_of_thousands_of_keys_does_not_hide_the_model(read):
    reading = read({"labels": {f"token{number}": number for number in range(30_000)}, "inner": CONFIG})
    assert reading.shape is not None
    assert reading.plan.training_tokens == 100 * 2 * 8 * 128


def test_tree_that_is_too_large_to_search_is_said_to_be(read):
    noise = {f"group{number}": {f"key{inner}": inner for inner in range(900)} for number in range(30)}
    reading = read({"noise": noise, "deep": {"deeper": {"deepest": {"inner": CONFIG}}}})
    assert reading.shape is None
    assert any("20,000 keys" in unknown.reason for unknown in reading.unknowns)


def test_bottomless_tree_ends(read):
    bottomless: dict[str, object] = {}
    for _ in range(500):
        bottomless = {"down": bottomless}
    assert read({**CONFIG, "bottomless": bottomless}).plan.training_tokens == 100 * 2 * 8 * 128


@pytest.mark.parametrize(("largest", "field"), [(10**15, "n_embd"), (10**18, "max_steps")])
def test_sizes_and_counts_have_their_own_bounds(read, largest, field):
    def config(value):
        tree = {name: dict(node) for name, node in CONFIG.items()}
        tree["model" if field == "n_embd" else "trainer"][field] = value
        return tree

    assert not read(config(largest)).impossible
    assert "larger than any run" in read(config(largest * 10)).impossible[0].reason


TWO_RUNS = {"student": CONFIG, "teacher": {**CONFIG, "model": {**CONFIG["model"], "n_layer": 24}}}


def test_several_models_are_not_chosen_from_until_the_root_is_told(read):
    reading = read(TWO_RUNS)
    assert reading.shape is None
    (unknown,) = [unknown for unknown in reading.unknowns if unknown.field == "model"]
    assert "there are 2 models in the config: student.model, teacher.model" in unknown.reason
    told = read(TWO_RUNS, root="student")
    assert told.shape.num_layers == 2
    assert told.plan.training_tokens == 100 * 2 * 8 * 128
    assert not told.unknowns


def test_root_that_is_not_there_finds_nothing_and_says_so(read):
    reading = read(TWO_RUNS, root="pupil")
    assert (reading.shape, reading.plan.training_tokens) == (None, None)
    assert any(unknown.field == "total_params" for unknown in reading.unknowns)


LAUNCHER = {"stages": ["training"], "training_config": "gpt3/5b", "training": CONFIG, "rlhf": {"model": {**CONFIG["model"], "n_layer": 24}}}


def test_nemos_launcher_runs_the_stages_that_it_lists(read):
    assert read(LAUNCHER).shape.num_layers == 2
    idle = read({**LAUNCHER, "stages": ["conversion"]})
    assert idle.plan.intent == "evaluate"
    assert "stages is [conversion]" in idle.plan.intent_reason


def test_what_is_mapped_says_that_there_is_a_model_to_compare(read):
    """Without a word about language a config is of something else; whoever maps N or D knows better."""
    config = {"net": {"sizes": [1, 2]}, "opt": {"lr": 1}}
    assert read(config).plan.intent == "other"
    assert read(config, total_params=1000, training_tokens=20_000).plan.intent == "pretrain"


def test_named_family_fills_in_its_defaults_marked_assumed(read):
    reading = read({"net": {"width": 1}}, family="gpt2", num_layers=2, hidden_size=64, num_attention_heads=2)
    assert (reading.shape.family, reading.shape.num_layers, reading.shape.vocab_size) == ("gpt2", 2, 50257)
    assert reading.origins["vocab_size"].assumed
    assert not reading.origins["family"].assumed


def test_epochs_told_beside_steps_are_kept(read):
    config = {
        "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 64, "vocab_size": 512},
        "trainer": {"max_steps": 10, "devices": 1},
    }
    assert read(config | {"data": {"batch_size": 4, "seq_len": 64}}, epochs=7).plan.epochs == 7


def test_limit_of_time_is_read_with_its_key(read):
    found = read({"trainer": {"max_steps": 10, "max_time": "00:12:00:00"}})
    assert found.plan.time_limit_hours == 12
    assert found.origins["time_limit_hours"].key == "trainer.max_time"


def test_limit_of_time_without_a_unit_is_unknown(read):
    found = read({"trainer": {"max_steps": 10, "max_time": 43200}})
    assert found.plan.time_limit_hours is None
    assert [item.field for item in found.unknowns].count("time_limit_hours") == 1

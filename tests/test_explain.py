"""What a name stands for in a job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scalecheck.explain import QUANTITIES, canonical, explain, fields_of, is_known
from scalecheck.facts import Origin
from scalecheck.pipeline import JobInput, check_job, locate_job
from scalecheck.policy import load_policy

MODEL = {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 1024, "vocab_size": 512}
CONFIG = {
    "model": MODEL,
    "trainer": {"max_steps": 84, "devices": 2, "num_nodes": 4, "max_time": "00:01:00:00"},
    "data": {"batch_size": 32, "seq_len": 1024},
}


@pytest.fixture
def job(view_of):
    def place(key):
        chain = ("data.seq_len conf/x.yaml:9",) if key == "model.n_positions" else ()
        return Origin(key=key, file="conf/x.yaml", line=7, chain=chain)

    return locate_job(check_job(JobInput(view=view_of(CONFIG), environ={}), load_policy({})), place, origins=True)


def test_all_is_every_quantity_in_order(job):
    lines = explain(job, "all")
    starts = ("N = ", "D = ", "C = ", "D/N = ", "hoffmann2022_a1", "intent = ")
    places = [next(number for number, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert places == sorted(places)
    assert lines == tuple(line for name in QUANTITIES for line in explain(job, name))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("n", "N"), ("D", "D"), ("tokens", "D"), ("Training_Tokens", "D"), ("flops", "C"), ("d/n", "tokens_per_parameter"), ("ALL", "all"),
        ("steps", "num_steps"), ("hidden_size", "hidden_size"), ("stages[0].steps", "stages.0.steps"), (" N ", "N"),
    ],
)  # fmt: skip
def test_names_that_mean_the_same(typed, name):
    assert canonical(typed) == name


def test_field_is_one_line_with_its_place_and_its_chain(job):
    assert explain(job, "num_layers") == ("num_layers = 2 (model.n_layer, conf/x.yaml:7)",)
    assert explain(job, "max_positions") == (
        "max_positions = 1024 (model.n_positions, conf/x.yaml:7)",
        "  model.n_positions <- data.seq_len conf/x.yaml:9",
    )


def test_field_that_follows_from_others_is_their_product(job):
    (line,) = explain(job, "tokens_per_step")
    assert line.startswith("tokens_per_step = 262144 (32 sequences a device and pass (")
    assert " x 1024 tokens (data.seq_len, conf/x.yaml:7)" in line
    (line,) = explain(job, "sequences_per_step")
    assert line.startswith("sequences_per_step = 256 (32 sequences a device and pass (")
    assert " tokens " not in line


def test_config_key_tells_what_is_read_from_it(job):
    assert explain(job, "trainer.max_steps") == ("from trainer.max_steps:", "  num_steps = 84 (trainer.max_steps, conf/x.yaml:7)")


def test_config_key_that_enters_by_arithmetic_a_chain_or_a_bound_is_found(job):
    assert "num_devices" in fields_of(job, "trainer.num_nodes")
    assert set(fields_of(job, "data.seq_len")) == {"sequence_length", "max_positions"}
    assert set(fields_of(job, "trainer.max_time")) == {"upper_bound", "time_limit_hours"}
    (_, line, *_) = explain(job, "trainer.max_time")
    assert line.startswith("  D is at most what the product gives (trainer.max_time=")


def test_node_tells_all_that_is_read_below_it(job):
    text = "\n".join(explain(job, "model"))
    assert "num_layers = 2" in text
    assert "vocab_size = 512" in text
    assert "num_steps" not in text


@pytest.mark.parametrize(
    ("typed", "near"),
    [("trainer.max_step", "trainer.max_steps"), ("hiden_size", "hidden_size"), ("num_step", "num_steps"), ("data.seqlen", "data.seq_len")],
)
def test_name_that_nothing_uses_gets_the_nearest_one(job, typed, near):
    (line,) = explain(job, typed)
    assert line == f"{typed}: nothing that is counted here is called so or comes from such a key. The nearest name that is: {near}."
    assert not is_known(job, typed)


@pytest.mark.parametrize("typed", ["", "   ", "zzzz", "a\nb", "(", "model.", ".", "trainer.max", "max_steps"])
def test_odd_names_get_a_sentence(job, typed):
    lines = explain(job, typed)
    assert lines
    assert not any("\n" in line for line in lines)


def test_part_of_a_key_is_another_key(job):
    assert fields_of(job, "trainer.max") == ()
    assert fields_of(job, "iner.max_steps") == ()
    assert fields_of(job, "model.n_layers") == ()


def test_unknown_field_has_its_reason_and_the_line_to_type(view_of):
    job = check_job(JobInput(view=view_of({"model": MODEL, "data": CONFIG["data"]}), environ={}), load_policy({}))
    first, second = explain(job, "num_steps")
    assert first.startswith("  unknown: num_steps: ")
    assert second == "    type: +hydra.callbacks.scalecheck.read.num_steps=trainer.max_steps"
    assert is_known(job, "num_steps")


def test_key_of_something_unknown_is_known(view_of):
    config = {"model": {**MODEL, "vocab_size": "???"}, **{name: CONFIG[name] for name in ("trainer", "data")}}
    job = check_job(JobInput(view=view_of(config), environ={}), load_policy({}))
    assert any(line.startswith("  unknown: vocab_size: ") for line in explain(job, "model.vocab_size"))


def test_fields_of_a_quantity(job):
    assert "num_steps" in fields_of(job, "D")
    assert "hidden_size" not in fields_of(job, "D")
    assert "hidden_size" in fields_of(job, "N")
    assert "upper_bound" in fields_of(job, "D")
    assert set(fields_of(job, "all")) == {*fields_of(job, "N"), *fields_of(job, "D")}


def test_empty_job_is_explained_too(view_of):
    job = check_job(JobInput(view=view_of({}), environ={}), load_policy({}))
    assert len(explain(job, "all")) >= 6
    assert explain(replace(job, verdict="silent"), "D")[0] == "D is unknown"

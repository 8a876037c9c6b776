"""assumed_values: one finding that lists what scalecheck chose itself."""

from __future__ import annotations

from scalecheck.facts import Account, ModelShape, Origin, Reading, Run, TrainingPlan
from scalecheck.rules.assumed_values import Rule


def found(**origins: Origin):
    reading = Reading(
        shape=ModelShape(family="gpt2", num_layers=2, hidden_size=64, vocab_size=50257, tie_word_embeddings=False),
        plan=TrainingPlan(num_devices=8),
        declared_params=7,
        origins=origins,
    )
    return list(Rule().check(Run(reading=reading, account=Account())))


def test_all_assumptions_are_one_finding_in_their_order():
    (finding,) = found(
        vocab_size=Origin(assumed=True, because="the default of GPT2Config"),
        hidden_size=Origin(key="model.n_embd"),
        num_devices=Origin(assumed=True, because="assume.devices", key="hydra.callbacks.scalecheck.assume.devices"),
    )
    assert finding.message == "assumed: vocab_size=50257 (the default of GPT2Config), num_devices=8 (assume.devices)"
    assert finding.origin.key == "hydra.callbacks.scalecheck.assume.devices"


def test_false_is_a_value():
    assert found(tie_word_embeddings=Origin(assumed=True))[0].message == "assumed: tie_word_embeddings=False"


def test_value_that_is_nowhere_is_named_without_one():
    assert found(attention=Origin(assumed=True, because="full"))[0].message == "assumed: attention (full)"


def test_nothing_assumed_is_silent():
    assert found(hidden_size=Origin(key="model.n_embd")) == []

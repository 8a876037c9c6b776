"""impossible_value: one finding per value, with its key."""

from __future__ import annotations

from scalecheck.facts import Account, Impossible, Reading, Run
from scalecheck.rules.impossible_value import Rule


def found(*impossible: Impossible):
    return list(Rule().check(Run(reading=Reading(impossible=impossible), account=Account())))


def test_each_impossible_value_is_one_finding_that_names_its_key():
    first, second = found(
        Impossible(field="num_layers", reason="is 0", key="model.n_layer"),
        Impossible(field="num_attention_heads", reason="num_attention_heads=7 does not divide hidden_size=768"),
    )
    assert first.message == "num_layers: is 0 (model.n_layer)"
    assert first.origin.key == "model.n_layer"
    assert second.message == "num_attention_heads=7 does not divide hidden_size=768"


def test_key_is_not_said_twice():
    (finding,) = found(Impossible(field="num_steps", reason="trainer.max_steps=-5", key="trainer.max_steps"))
    assert finding.message.count("trainer.max_steps") == 1

"""unknown_scale: one finding per unknown, with the lines to type."""

from __future__ import annotations

from scalecheck.facts import Account, Reading, Run, Unknown
from scalecheck.rules.unknown_scale import Rule


def found(*unknowns: Unknown):
    return list(Rule().check(Run(reading=Reading(unknowns=unknowns), account=Account())))


def test_each_unknown_is_one_finding_with_reason_and_key():
    first, second = found(
        Unknown(field="vocab_size", reason="not set", key="model.vocab_size"), Unknown(field="num_steps", reason="no key says it")
    )
    assert first.message == "vocab_size is unknown: not set (model.vocab_size)"
    assert first.origin.key == "model.vocab_size"
    assert second.message == "num_steps is unknown: no key says it"
    assert second.origin.key is None


def test_key_is_not_said_twice():
    (finding,) = found(Unknown(field="sequence_length", reason="data.seq_len is ???", key="data.seq_len"))
    assert finding.message.count("data.seq_len") == 1


def test_every_line_to_type_is_a_remedy():
    (finding,) = found(Unknown(field="num_steps", reason="not set", remedies=("a=1", "b=2")))
    assert [remedy.overrides for remedy in finding.remedies] == [("a=1",), ("b=2",)]

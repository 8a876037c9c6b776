from typing import Any

import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.llama import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.errors import ConfigError
from scalecheck.facts import Account, Workload

SMALL: dict[str, Any] = {
    "num_layers": 3,
    "hidden_size": 48,
    "vocab_size": 101,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 20,
    "intermediate_size": 70,
}


def account(sequence_length: int = 7, **changes: Any) -> Account:
    return totals(ledger(Shape(**(SMALL | changes)), Workload(sequence_length=sequence_length)))


def by_kind(counted: Account, kind: str) -> int:
    return sum(stored_params(part) or 0 for part in counted.parts if part.kind == kind)


def test_llama_2_7b_has_6738415616_params() -> None:
    values = dict(CLASS_DEFAULTS) | {name: value for name, (value, _because) in derive(CLASS_DEFAULTS).items()}
    assert totals(ledger(Shape(**values), Workload(sequence_length=1))).total_params == 6_738_415_616


def test_odd_sequence_and_free_head_dim_equal_the_closed_form() -> None:
    """C = 3 (2 T x matmul weights + 2 T T x heads x (d_qk + d_v) x layers), written out without the ledger."""
    per_layer = 48 * 80 + 2 * 48 * 40 + 80 * 48 + 3 * 48 * 70
    tokens = 7
    forward = 2 * tokens * (3 * per_layer + 48 * 101) + 2 * tokens * tokens * 4 * 40 * 3
    counted = account(tokens)
    assert counted.forward_flops_per_sequence == forward
    assert counted.training_flops_per_sequence == 3 * forward
    assert counted.total_params == 3 * (per_layer + 2 * 48) + 48 + 2 * 48 * 101


def test_tied_head_adds_no_params_and_saves_no_flops() -> None:
    tied, untied = account(tie_word_embeddings=True), account()
    assert tied.total_params is not None
    assert untied.total_params == tied.total_params + 48 * 101
    assert tied.forward_flops_per_sequence == untied.forward_flops_per_sequence


def test_attention_bias_is_on_all_four_projections() -> None:
    assert by_kind(account(attention_bias=True), "bias") == 3 * (80 + 40 + 40 + 48)


def test_mlp_bias_is_on_all_three_projections() -> None:
    assert by_kind(account(mlp_bias=True), "bias") == 3 * (70 + 70 + 48)


def test_rotary_positions_have_no_params() -> None:
    assert by_kind(account(), "position_embedding") == 0


def test_unknown_vocabulary_leaves_non_embedding_params_known() -> None:
    unknown = account(vocab_size=None)
    assert unknown.non_embedding_params == account().non_embedding_params
    assert (unknown.total_params, unknown.forward_flops_per_sequence) == (None, None)


def test_head_dim_and_key_value_heads_are_derived() -> None:
    assert derive({"hidden_size": 4096, "num_attention_heads": 32}) == {
        "num_key_value_heads": (32, "as many as num_attention_heads 32"),
        "head_dim": (128, "hidden_size 4096 / num_attention_heads 32"),
    }


def test_given_values_are_not_derived() -> None:
    assert derive({"hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64}) == {}


def test_without_its_sources_nothing_is_derived() -> None:
    assert derive({"hidden_size": 4096}) == {}
    assert set(derive({"num_attention_heads": 32})) == {"num_key_value_heads"}


def test_heads_that_do_not_divide_the_width_are_an_error() -> None:
    with pytest.raises(ConfigError, match="4096 .* 30"):
        derive({"hidden_size": 4096, "num_attention_heads": 30})


def test_a_given_head_dim_needs_no_division() -> None:
    assert "head_dim" not in derive({"hidden_size": 4096, "num_attention_heads": 30, "head_dim": 128})


def test_every_key_is_a_field() -> None:
    assert set(KEYS) == set(CLASS_DEFAULTS) | {"num_key_value_heads", "head_dim"}


def test_key_value_heads_that_do_not_divide_the_heads_are_refused():
    with pytest.raises(ConfigError, match="num_key_value_heads=3 does not divide num_attention_heads=8"):
        derive({"hidden_size": 64, "num_attention_heads": 8, "num_key_value_heads": 3})

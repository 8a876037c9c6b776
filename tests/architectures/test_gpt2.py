from typing import Any

import pytest

from scalecheck.account import ledger, stored_params, totals
from scalecheck.architectures.gpt2 import CLASS_DEFAULTS, KEYS, Shape, derive
from scalecheck.errors import ConfigError
from scalecheck.facts import Workload


def shape(**changes: Any) -> Shape:
    sizes: dict[str, Any] = {
        "num_layers": 12,
        "hidden_size": 768,
        "vocab_size": 50257,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_positions": 1024,
    }
    return Shape(**(sizes | changes))


def total(**changes: Any) -> int | None:
    return totals(ledger(shape(**changes), Workload(sequence_length=1024))).total_params


def weights(kind: str, **changes: Any) -> int:
    parts = ledger(shape(**changes), Workload(sequence_length=1024))
    return sum(stored_params(part) or 0 for part in parts if part.kind == kind)


def test_the_small_model_has_124_million_params() -> None:
    assert total() == 124_439_808


@pytest.mark.parametrize(
    ("hidden_size", "num_layers", "per_layer", "in_all"),
    [(768, 12, 7_077_888, 108_375_552), (1280, 24, 19_660_800, 510_927_360)],
)
def test_the_textbook_example_counts_weights_only(hidden_size: int, num_layers: int, per_layer: int, in_all: int) -> None:
    sizes = {"hidden_size": hidden_size, "num_layers": num_layers, "intermediate_size": 4 * hidden_size, "vocab_size": 30522}
    if hidden_size == 1280:
        sizes["num_attention_heads"] = 20
    matmul = weights("matmul", **sizes)
    assert matmul == per_layer * num_layers
    assert matmul + weights("input_embedding", **sizes) == in_all


def test_without_biases_it_is_the_model_that_nanogpt_trains() -> None:
    """nanoGPT logs 124,354,560 decayed and 19,200 other parameters for its GPT-2 run: vocabulary padded to 50304, bias=False."""
    assert total(vocab_size=50304, bias=False) == 124_354_560 + 19_200


def test_without_biases_norms_have_a_gain_only() -> None:
    assert weights("bias", bias=False) == 0
    assert weights("norm", bias=False) == (2 * 12 + 1) * 768


def test_untied_head_adds_the_vocabulary_again() -> None:
    assert total(tie_word_embeddings=False) == 163_037_184


def test_the_position_table_follows_max_positions_and_not_the_sequence() -> None:
    assert weights("position_embedding", max_positions=2048) == 2048 * 768


def test_unknown_vocabulary_leaves_non_embedding_params_known() -> None:
    account = totals(ledger(shape(vocab_size=None), Workload(sequence_length=1024)))
    assert account.non_embedding_params == 85_056_000
    assert (account.total_params, account.embedding_params, account.training_flops_per_sequence) == (None, None, None)


def test_unknown_positions_leave_flops_known() -> None:
    account = totals(ledger(shape(max_positions=None), Workload(sequence_length=1024)))
    whole = totals(ledger(shape(), Workload(sequence_length=1024)))
    assert account.total_params is None
    assert account.training_flops_per_sequence == whole.training_flops_per_sequence


def test_intermediate_size_is_derived_from_the_width() -> None:
    assert derive({"hidden_size": 768, "num_attention_heads": 12}) == {"intermediate_size": (3072, "4 x hidden_size 768")}


def test_a_null_intermediate_size_is_missing() -> None:
    assert derive({"hidden_size": 768, "intermediate_size": None})["intermediate_size"][0] == 3072


@pytest.mark.parametrize("values", [{}, {"num_attention_heads": 12}, {"hidden_size": 768, "intermediate_size": 99}])
def test_nothing_is_derived_without_its_sources_or_over_a_given_value(values: dict[str, int]) -> None:
    assert derive(values) == {}


def test_heads_that_do_not_divide_the_width_are_an_error() -> None:
    with pytest.raises(ConfigError, match="768 .* 10"):
        derive({"hidden_size": 768, "num_attention_heads": 10})


def test_defaults_and_what_follows_from_them_are_a_whole_shape() -> None:
    values = dict(CLASS_DEFAULTS) | {name: value for name, (value, _because) in derive(CLASS_DEFAULTS).items()}
    assert Shape(**values) == shape()
    assert set(KEYS) == set(values)
